//! Filters by polling, and subscriptions.

use std::time::Duration;

use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use alloy::rpc::types::Filter;
use alloy_consensus::TxEip1559;
use alloy_primitives::{B256, TxKind};
use futures::StreamExt;
use serde_json::{Value, json};

use super::bed::{Bed, Socket, Wishes, logger};
use crate::{
    rpc::{RpcLimits, SettledHeads},
    store::BlockRef,
};

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

#[tokio::test]
async fn transaction_is_followed_by_subscription_until_it_is_final() {
    let bed = Bed::new().await;
    let hash = bed.send(bed.transfer(0, 0, 1)).await;
    let mut socket = Socket::open(&bed).await;
    socket
        .call("trestle_subscribe", json!(["transactionStatus", hash]))
        .await;
    assert_eq!(socket.notified().await["stage"], "accepted");
    let block = bed.seal().await;
    let sealed = socket.notified().await;
    assert_eq!(
        (&sealed["stage"], &sealed["blockHash"]),
        (&json!("sealed"), &json!(block.header.hash))
    );
    let head = BlockRef {
        number: 1,
        hash: block.header.hash,
    };
    bed.settled.send_replace(SettledHeads {
        safe: head,
        finalized: BlockRef::default(),
    });
    assert_eq!(socket.notified().await["stage"], "safe");
    bed.settled.send_replace(SettledHeads {
        safe: head,
        finalized: head,
    });
    assert_eq!(socket.notified().await["stage"], "finalized");
}

#[tokio::test]
async fn heads_are_followed_by_subscription() {
    let bed = Bed::new().await;
    let mut socket = Socket::open(&bed).await;
    socket.call("trestle_subscribe", json!(["heads"])).await;
    assert_eq!(socket.notified().await["unsafe"]["number"], "0x0");
    bed.seal().await;
    assert_eq!(socket.notified().await["unsafe"]["number"], "0x1");
}

#[tokio::test]
async fn subscriptions_of_unknown_kind_are_refused_in_words() {
    let bed = Bed::new().await;
    let mut socket = Socket::open(&bed).await;
    for method in ["trestle_subscribe", "eth_subscribe"] {
        let answer = socket.call(method, json!(["weather"])).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    let logs = socket
        .call("eth_subscribe", json!(["logs", {"address": "0x5"}]))
        .await;
    assert_eq!(logs["error"]["code"], -32602, "{logs}");
}

#[tokio::test]
async fn subscription_ends_when_asked_to() {
    let bed = Bed::new().await;
    let mut socket = Socket::open(&bed).await;
    let id = socket.call("eth_subscribe", json!(["newHeads"])).await["result"].clone();
    assert!(id.as_str().unwrap().starts_with("0x"), "{id}");
    bed.seal().await;
    assert_eq!(socket.notified().await["number"], "0x1");
    assert_eq!(
        socket.call("eth_unsubscribe", json!([id])).await["result"],
        true
    );
    assert_eq!(
        socket.call("eth_unsubscribe", json!([id])).await["result"],
        false
    );
    bed.seal().await;
    // The next message is an answer, not a notification.
    assert_eq!(
        socket.call("eth_blockNumber", json!([])).await["result"],
        "0x2"
    );
}
