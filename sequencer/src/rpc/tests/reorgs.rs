//! What clients are told when blocks are taken back.

use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use alloy::rpc::types::Filter;
use alloy_consensus::TxEip1559;
use alloy_primitives::{B256, TxKind};
use futures::StreamExt;
use serde_json::{Value, json};

use super::bed::{Bed, logger};

#[tokio::test]
async fn unwound_logs_come_again_as_removed() {
    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &logger(B256::repeat_byte(1))).await;
    let filter = bed
        .ask("eth_newFilter", json!([{"address": contract}]))
        .await
        .unwrap();
    let ws = ProviderBuilder::new()
        .connect_ws(WsConnect::new(bed.ws_url()))
        .await
        .unwrap();
    let mut logs = ws
        .subscribe_logs(&Filter::new().address(contract))
        .await
        .unwrap()
        .into_stream();
    let mut heads = ws.subscribe_blocks().await.unwrap().into_stream();
    let to = TxKind::Call(contract);
    let hash = bed
        .send(bed.sign(
            0,
            TxEip1559 {
                nonce: 1,
                to,
                ..TxEip1559::default()
            },
        ))
        .await;
    let old = bed.seal().await;
    let changes = || bed.ask("eth_getFilterChanges", json!([filter]));
    assert_eq!(changes().await.unwrap().as_array().unwrap().len(), 1);
    assert!(!logs.next().await.unwrap().removed);
    assert_eq!(heads.next().await.unwrap().hash, old.header.hash);

    bed.unwind(1);
    let receipt = bed
        .ask("eth_getTransactionReceipt", json!([hash]))
        .await
        .unwrap();
    assert_eq!(receipt, Value::Null);
    let waiting = bed
        .ask("eth_getTransactionByHash", json!([hash]))
        .await
        .unwrap();
    assert_eq!(waiting["blockHash"], Value::Null, "it is in the pool again");
    let removed = logs.next().await.unwrap();
    assert_eq!(
        (removed.removed, removed.block_hash),
        (true, Some(old.header.hash))
    );

    bed.clock.advance(5);
    let new = bed.seal().await;
    assert_ne!(new.header.hash, old.header.hash);
    let again = logs.next().await.unwrap();
    assert_eq!(
        (again.removed, again.block_hash),
        (false, Some(new.header.hash))
    );
    assert_eq!(heads.next().await.unwrap().hash, new.header.hash);
    let polled = changes().await.unwrap();
    let seen: Vec<_> = polled
        .as_array()
        .unwrap()
        .iter()
        .map(|log| (log["removed"].clone(), log["blockHash"].clone()))
        .collect();
    let expected = [
        (json!(true), json!(old.header.hash)),
        (json!(false), json!(new.header.hash)),
    ];
    assert_eq!(seen, expected);
}
