//! The chain's own methods.

use std::sync::Arc;

use alloy_primitives::B256;
use serde_json::{Value, json};
use trestle_protocol::{OutputPreimage, predeploys::MESSAGE_PASSER, trie::verify_account_proof};

use super::bed::{Bed, Socket, Wishes};
use crate::{
    node::Forwarder,
    rpc::{BatchInfo, L1Status, L1View, LoggedBatch, QueueEntryInfo, SettledHeads},
    store::BlockRef,
};

/// One batch with blocks 1 and 2.
#[derive(Debug)]
struct OneBatch;

const BATCH: BatchInfo = BatchInfo {
    index: 1,
    first_block: 1,
    last_block: 2,
    l1_block_number: 9,
    l1_block_hash: B256::repeat_byte(9),
    l1_transaction_hash: None,
    finalized: false,
};

impl L1View for OneBatch {
    fn batch(&self, index: u64) -> Result<Option<BatchInfo>, String> {
        Ok((index == 1).then_some(BATCH))
    }

    fn batch_of_block(&self, number: u64) -> Result<Option<BatchInfo>, String> {
        Ok((1..=2).contains(&number).then_some(BATCH))
    }

    fn queue_entry(&self, _: u64) -> Result<Option<QueueEntryInfo>, String> {
        Ok(None)
    }

    fn logged_batch(&self, _: u64) -> Result<Option<LoggedBatch>, String> {
        Ok(None)
    }

    fn status(&self) -> L1Status {
        L1Status {
            head: 10,
            batches: 1,
            ..L1Status::default()
        }
    }
}

async fn bed() -> Bed {
    Bed::with(Wishes {
        l1: Some(Arc::new(OneBatch)),
        ..Wishes::default()
    })
    .await
}

#[tokio::test]
async fn batches_and_outputs_are_found_by_block() {
    let bed = bed().await;
    for nonce in 0..3 {
        bed.send(bed.transfer(0, nonce, 1)).await;
        bed.seal().await;
    }
    let batch = bed
        .ask("trestle_batchOfBlock", json!(["0x2"]))
        .await
        .unwrap();
    assert_eq!(
        (&batch["index"], &batch["lastBlock"]),
        (&json!("0x1"), &json!("0x2"))
    );
    assert_eq!(
        bed.ask("trestle_batchOfBlock", json!(["latest"]))
            .await
            .unwrap(),
        Value::Null
    );
    let output = bed
        .ask("trestle_outputAtBatch", json!(["0x1"]))
        .await
        .unwrap();
    assert_eq!(
        output,
        bed.ask("trestle_outputAtBlock", json!(["0x2"]))
            .await
            .unwrap()
    );
    let header = bed.store.durable().unwrap().header(2).unwrap().unwrap();
    let proof = bed
        .ask("eth_getProof", json!([MESSAGE_PASSER, [], "0x2"]))
        .await
        .unwrap();
    let nodes: Vec<alloy_primitives::Bytes> =
        serde_json::from_value(proof["accountProof"].clone()).unwrap();
    let account = verify_account_proof(header.header.state_root, MESSAGE_PASSER, &nodes)
        .unwrap()
        .unwrap();
    let preimage = OutputPreimage {
        state_root: header.header.state_root,
        message_passer_root: account.storage_root,
        block_hash: header.hash,
    };
    assert_eq!(output["outputRoot"], json!(preimage.root()));
}

#[tokio::test]
async fn transaction_is_followed_through_its_stages() {
    let bed = bed().await;
    let hash = bed.send(bed.transfer(0, 0, 1)).await;
    let ask = || bed.ask("trestle_transactionStatus", json!([hash]));
    assert_eq!(ask().await.unwrap()["stage"], "accepted");
    let block = bed.seal().await;
    assert_eq!(ask().await.unwrap()["stage"], "sealed");
    bed.batcher.send_modify(|status| status.posted = Some(1));
    assert_eq!(ask().await.unwrap()["stage"], "posted");
    let head = BlockRef {
        number: 1,
        hash: block.header.hash,
    };
    bed.settled.send_replace(SettledHeads {
        safe: head,
        finalized: BlockRef::default(),
    });
    let safe = ask().await.unwrap();
    assert_eq!(
        (&safe["stage"], &safe["batch"]),
        (&json!("safe"), &json!("0x1"))
    );
    bed.settled.send_replace(SettledHeads {
        safe: head,
        finalized: head,
    });
    assert_eq!(ask().await.unwrap()["stage"], "finalized");
    for tag in ["safe", "finalized"] {
        let block = bed
            .ask("eth_getBlockByNumber", json!([tag, false]))
            .await
            .unwrap();
        assert_eq!(block["number"], "0x1");
    }
    let unknown = bed
        .ask("trestle_transactionStatus", json!([B256::ZERO]))
        .await
        .unwrap();
    assert_eq!(unknown, Value::Null);
    let late = bed.send(bed.transfer(0, 5, 1)).await;
    let queued = bed
        .ask("trestle_transactionStatus", json!([late]))
        .await
        .unwrap();
    assert_eq!(queued["reason"], "waits for an earlier nonce");
}

#[tokio::test]
async fn status_shows_every_head() {
    let bed = bed().await;
    let block = bed.seal().await;
    let status = bed.ask("trestle_syncStatus", json!([])).await.unwrap();
    assert_eq!(status["unsafe"]["hash"], json!(block.header.hash));
    assert_eq!(status["safe"]["number"], "0x0");
    assert_eq!(status["l1"]["batches"], "0x1");
    assert_eq!(status["isWriting"], true);
    let heads = bed.ask("trestle_heads", json!([])).await.unwrap();
    assert_eq!(heads["unsafe"], status["unsafe"]);
}

#[tokio::test]
async fn node_without_l1_says_so() {
    let bed = Bed::new().await;
    let error = bed.ask("trestle_batch", json!(["0x1"])).await.unwrap_err();
    assert_eq!(
        error,
        json!({"code": -32000, "message": "this node follows no L1"})
    );
    assert_eq!(
        bed.ask("trestle_depositStatus", json!([B256::ZERO]))
            .await
            .unwrap(),
        Value::Null
    );
}

/// A replica of `sequencer`: the same genesis, and the real way to the sequencer.
async fn replica_of(sequencer: &Bed) -> Bed {
    let url = format!("http://{}", sequencer.server.address());
    Bed::with(Wishes {
        l1: Some(Arc::new(OneBatch)),
        forward: Some(Arc::new(Forwarder::new(url.parse().unwrap()))),
        ..Wishes::default()
    })
    .await
}

#[tokio::test]
async fn replica_tells_every_stage_and_believes_l1_alone_of_what_is_safe() {
    let sequencer = bed().await;
    let replica = replica_of(&sequencer).await;
    let encoded = sequencer.transfer(0, 0, 1);
    let hash = replica.send(encoded.clone()).await;
    let ask = || replica.ask("trestle_transactionStatus", json!([hash]));
    assert_eq!(ask().await.unwrap()["stage"], "accepted");
    let late = replica.send(sequencer.transfer(0, 5, 1)).await;
    let queued = replica.ask("trestle_transactionStatus", json!([late]));
    assert_eq!(
        queued.await.unwrap()["reason"],
        "waits for an earlier nonce"
    );

    let block = sequencer.seal().await;
    sequencer
        .batcher
        .send_modify(|status| status.posted = Some(1));
    let elsewhere = ask().await.unwrap();
    assert_eq!(elsewhere["stage"], "accepted");
    assert_eq!(
        elsewhere["reason"],
        "its block has not arrived at this node"
    );
    sequencer.batcher.send_modify(|status| status.posted = None);
    replica.pool.submit(encoded).await.unwrap();
    assert_eq!(replica.seal().await.header.hash, block.header.hash);
    assert_eq!(ask().await.unwrap()["stage"], "sealed");

    // What the sequencer calls safe is on its way, as far as this node knows.
    let head = BlockRef {
        number: 1,
        hash: block.header.hash,
    };
    let safe = SettledHeads {
        safe: head,
        finalized: head,
    };
    sequencer.settled.send_replace(safe);
    assert_eq!(ask().await.unwrap()["stage"], "posted");
    replica.settled.send_replace(safe);
    assert_eq!(ask().await.unwrap()["stage"], "finalized");
    let unknown = replica.ask("trestle_transactionStatus", json!([B256::ZERO]));
    assert_eq!(unknown.await.unwrap(), Value::Null);

    sequencer.server.stop().await;
    assert_eq!(ask().await.unwrap()["stage"], "finalized");
    let waiting = replica.ask("trestle_transactionStatus", json!([late]));
    let waiting = waiting.await.unwrap();
    assert_eq!(waiting["stage"], "accepted");
    assert_eq!(
        waiting["reason"],
        "the sequencer took it, and does not answer now"
    );
    let silent = replica.ask("trestle_transactionStatus", json!([B256::ZERO]));
    assert_eq!(silent.await.unwrap_err()["code"], -32005);
}

#[tokio::test]
async fn replica_with_another_block_than_the_sequencers_does_not_call_it_posted() {
    let sequencer = bed().await;
    let replica = replica_of(&sequencer).await;
    let encoded = sequencer.transfer(0, 0, 1);
    let hash = sequencer.send(encoded.clone()).await;
    let there = sequencer.seal().await;
    sequencer
        .batcher
        .send_modify(|status| status.posted = Some(1));
    replica.clock.advance(1);
    replica.pool.submit(encoded).await.unwrap();
    assert_ne!(replica.seal().await.header.hash, there.header.hash);
    let status = replica.ask("trestle_transactionStatus", json!([hash]));
    assert_eq!(status.await.unwrap()["stage"], "sealed");
}

#[tokio::test]
async fn replica_tells_subscribers_of_every_stage() {
    let sequencer = bed().await;
    let replica = replica_of(&sequencer).await;
    let encoded = sequencer.transfer(0, 0, 1);
    let hash = replica.send(encoded.clone()).await;
    let mut socket = Socket::open(&replica).await;
    socket
        .call("trestle_subscribe", json!(["transactionStatus", hash]))
        .await;
    assert_eq!(socket.notified().await["stage"], "accepted");
    sequencer.seal().await;
    replica.pool.submit(encoded).await.unwrap();
    let block = replica.seal().await;
    loop {
        // Between the two blocks it may say that the block is elsewhere.
        let told = socket.notified().await;
        if told["stage"] == "sealed" {
            break;
        }
        assert_eq!(told["stage"], "accepted");
    }
    sequencer
        .batcher
        .send_modify(|status| status.posted = Some(1));
    assert_eq!(socket.notified().await["stage"], "posted");
    let head = BlockRef {
        number: 1,
        hash: block.header.hash,
    };
    replica.settled.send_replace(SettledHeads {
        safe: head,
        finalized: head,
    });
    assert_eq!(socket.notified().await["stage"], "finalized");
}
