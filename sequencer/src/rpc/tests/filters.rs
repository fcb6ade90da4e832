//! Filters by polling, and subscriptions.

use std::time::Duration;

use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use alloy::rpc::types::Filter;
use alloy_consensus::TxEip1559;
use alloy_primitives::{B256, TxKind};
use futures::StreamExt;
use serde_json::{Value, json};

use super::bed::{Bed, Wishes, logger};
use crate::rpc::RpcLimits;

#[tokio::test]
async fn filters_give_what_is_new_once() {
    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &logger(B256::repeat_byte(1))).await;
    let logs = bed
        .ask("eth_newFilter", json!([{"address": contract}]))
        .await
        .unwrap();
    let blocks = bed.ask("eth_newBlockFilter", json!([])).await.unwrap();
    let pending = bed
        .ask("eth_newPendingTransactionFilter", json!([]))
        .await
        .unwrap();
    let changes = |id: &Value| bed.ask("eth_getFilterChanges", json!([id]));
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
    assert_eq!(changes(&pending).await.unwrap(), json!([hash]));
    assert_eq!(changes(&logs).await.unwrap(), json!([]));
    let block = bed.seal().await;
    let found = changes(&logs).await.unwrap();
    assert_eq!(found[0]["transactionHash"], json!(hash));
    assert_eq!(found[0]["removed"], false);
    assert_eq!(changes(&blocks).await.unwrap(), json!([block.header.hash]));
    for id in [&logs, &blocks, &pending] {
        assert_eq!(changes(id).await.unwrap(), json!([]));
    }
    let all = bed.ask("eth_getFilterLogs", json!([logs])).await.unwrap();
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(
        bed.ask("eth_uninstallFilter", json!([logs])).await.unwrap(),
        true
    );
    assert_eq!(
        bed.ask("eth_uninstallFilter", json!([logs])).await.unwrap(),
        false
    );
    let gone = changes(&logs).await.unwrap_err();
    assert_eq!(gone, json!({"code": -32000, "message": "filter not found"}));
}

#[tokio::test]
async fn filter_that_nobody_asks_for_is_forgotten() {
    let limits = RpcLimits {
        filters: 1,
        filter_lifetime: Duration::ZERO,
        ..RpcLimits::default()
    };
    let bed = Bed::with(Wishes {
        limits,
        ..Wishes::default()
    })
    .await;
    let first = bed.ask("eth_newBlockFilter", json!([])).await.unwrap();
    bed.ask("eth_newBlockFilter", json!([])).await.unwrap();
    let gone = bed
        .ask("eth_getFilterChanges", json!([first]))
        .await
        .unwrap_err();
    assert_eq!(gone["message"], "filter not found");
}

#[tokio::test]
async fn one_filter_past_the_bound_is_refused() {
    let limits = RpcLimits {
        filters: 2,
        ..RpcLimits::default()
    };
    let bed = Bed::with(Wishes {
        limits,
        ..Wishes::default()
    })
    .await;
    bed.ask("eth_newBlockFilter", json!([])).await.unwrap();
    bed.ask("eth_newBlockFilter", json!([])).await.unwrap();
    let refused = bed.ask("eth_newBlockFilter", json!([])).await.unwrap_err();
    assert_eq!(refused["code"], -32005);
}

#[tokio::test]
async fn subscriptions_deliver_heads_logs_and_pending_transactions() {
    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &logger(B256::repeat_byte(1))).await;
    let ws = ProviderBuilder::new()
        .connect_ws(WsConnect::new(bed.ws_url()))
        .await
        .unwrap();
    let mut heads = ws.subscribe_blocks().await.unwrap().into_stream();
    let mut logs = ws
        .subscribe_logs(&Filter::new().address(contract))
        .await
        .unwrap()
        .into_stream();
    let mut pending = ws
        .subscribe_pending_transactions()
        .await
        .unwrap()
        .into_stream();
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
    assert_eq!(pending.next().await, Some(hash));
    let block = bed.seal().await;
    assert_eq!(heads.next().await.unwrap().hash, block.header.hash);
    let log = logs.next().await.unwrap();
    assert_eq!((log.transaction_hash, log.removed), (Some(hash), false));
    // The same port answers calls on the same connection.
    assert_eq!(ws.get_block_number().await.unwrap(), 2);
}
