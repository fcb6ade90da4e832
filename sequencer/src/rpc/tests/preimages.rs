//! `trestle_batchPreimages`: what is refused, and its bounds. What it gives is held against L1 end to end.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use parking_lot::Mutex;
use serde_json::{Value, json};
use trestle_protocol::{BatchContent, BatchHeader, accumulate, chunked_hash};

use super::bed::{Bed, Wishes};
use crate::{
    rpc::{BatchInfo, L1Status, L1View, LoggedBatch, QueueEntryInfo, RpcLimits},
    store::BlockRef,
};

/// Batch 1, which yields no block, where there is one.
#[derive(Debug, Default)]
struct EmptyBatch(Mutex<Option<LoggedBatch>>);

impl L1View for EmptyBatch {
    fn batch(&self, _: u64) -> Result<Option<BatchInfo>, String> {
        Ok(None)
    }

    fn batch_of_block(&self, _: u64) -> Result<Option<BatchInfo>, String> {
        Ok(None)
    }

    fn queue_entry(&self, _: u64) -> Result<Option<QueueEntryInfo>, String> {
        Ok(None)
    }

    fn logged_batch(&self, index: u64) -> Result<Option<LoggedBatch>, String> {
        Ok(self.0.lock().clone().filter(|_| index == 1))
    }

    fn status(&self) -> L1Status {
        L1Status::default()
    }
}

/// A chain of three blocks, and a batch of this content at its beginning.
async fn bed(limits: RpcLimits, content: BatchContent) -> (Bed, Arc<EmptyBatch>) {
    let l1 = Arc::new(EmptyBatch::default());
    let wishes = Wishes {
        limits,
        l1: Some(l1.clone()),
        ..Wishes::default()
    };
    let bed = Bed::with(wishes).await;
    for nonce in 0..3 {
        bed.send(bed.transfer(0, nonce, 1)).await;
        bed.seal().await;
    }
    let genesis = bed.store.durable().unwrap().header(0).unwrap().unwrap();
    let header = BatchHeader {
        inbox: Address::ZERO,
        l1_chain_id: 1,
        index: 1,
        l1_number: 9,
        l1_time: genesis.header.timestamp,
        deposit_from: 0,
        deposit_to: 0,
        deposit_acc: B256::ZERO,
        claimed_end_block_hash: B256::ZERO,
        content,
    };
    let at = BlockRef {
        number: 0,
        hash: genesis.hash,
    };
    *l1.0.lock() = Some(LoggedBatch {
        acc_before: B256::ZERO,
        acc: header.accumulate(B256::ZERO),
        deposit_acc_before: B256::ZERO,
        entries: Vec::new(),
        start: at,
        end: at,
        output: genesis.output().root(),
        header,
    });
    (bed, l1)
}

async fn ask(bed: &Bed, params: Value) -> Result<Value, Value> {
    bed.ask("trestle_batchPreimages", params).await
}

#[tokio::test]
async fn preimages_of_a_batch_that_begins_one_block_too_far_back_are_refused() {
    let limits = RpcLimits {
        proof_blocks: 3,
        ..RpcLimits::default()
    };
    let (bed, l1) = bed(limits, BatchContent::Forced).await;
    let given = ask(&bed, json!(["0x1"])).await.unwrap();
    let batch = l1.0.lock().clone().unwrap();
    assert_eq!(given["outputBefore"], json!(batch.output));
    assert_eq!(given["outputAfter"], json!(batch.output));
    assert_eq!(
        given["batchAccAfter"],
        json!(accumulate(B256::ZERO, batch.header.hash()))
    );
    let preimages = given["preimages"].as_object().unwrap();
    assert!(preimages.contains_key(&batch.output.to_string()));
    for (hash, bytes) in preimages {
        let bytes: Bytes = serde_json::from_value(bytes.clone()).unwrap();
        assert_eq!(keccak256(bytes).to_string(), *hash);
    }

    bed.send(bed.transfer(0, 3, 1)).await;
    bed.seal().await;
    let refused = ask(&bed, json!(["0x1"])).await.unwrap_err();
    let words = "preimages reach 3 blocks back, batch 1 begins after block 0";
    assert_eq!(refused, json!({"code": -32000, "message": words}));
}

#[tokio::test]
async fn preimages_of_one_byte_more_than_an_answer_holds_are_refused() {
    // The genesis' output root stands for 128 bytes; its header follows.
    let (whole, _) = bed(RpcLimits::default(), BatchContent::Forced).await;
    let header = whole.store.durable().unwrap().header(0).unwrap().unwrap();
    let bytes = 128 + alloy_rlp::encode(&header.header).len();
    let text = ask(&whole, json!(["0x1"])).await.unwrap().to_string().len();
    assert!(text > 2 * bytes, "the bound below would cut the answer off");

    let limits = RpcLimits {
        response_bytes: 2 * bytes - 2,
        ..RpcLimits::default()
    };
    let (bed, _) = bed(limits, BatchContent::Forced).await;
    let refused = ask(&bed, json!(["0x1"])).await.unwrap_err();
    let words = format!("the batch reads more than {} bytes of state", bytes - 1);
    assert_eq!(refused, json!({"code": -32000, "message": words}));
}

#[tokio::test]
async fn batch_without_its_payload_or_with_another_is_refused() {
    let payload = Bytes::from_static(b"no payload that decodes");
    let content = BatchContent::Calldata {
        hash: chunked_hash(&payload),
        length: u32::try_from(payload.len()).unwrap(),
    };
    let (bed, _) = bed(RpcLimits::default(), content).await;
    let given = ask(&bed, json!(["0x1", payload])).await.unwrap();
    assert_eq!(given["outputAfter"], given["outputBefore"]);
    for (params, code, words) in [
        (
            json!(["0x1"]),
            -32602,
            "batch 1 needs its payload, which this node does not keep",
        ),
        (
            json!(["0x1", "0x00"]),
            -32602,
            "this is not the payload of batch 1",
        ),
        (json!(["0x2", payload]), -32001, "batch not found: 2"),
        (
            json!(["0x1", payload, 3]),
            -32602,
            "too many arguments, want at most 2",
        ),
    ] {
        let refused = ask(&bed, params).await.unwrap_err();
        assert_eq!(refused, json!({"code": code, "message": words}));
    }
}

#[tokio::test]
async fn forced_batch_with_a_payload_is_refused_and_one_of_an_unwound_block_has_to_wait() {
    let (bed, l1) = bed(RpcLimits::default(), BatchContent::Forced).await;
    let refused = ask(&bed, json!(["0x1", "0x"])).await.unwrap_err();
    assert_eq!(refused["message"], "batch 1 was forced and has no payload");
    let other = BlockRef {
        number: 4,
        hash: B256::repeat_byte(4),
    };
    l1.0.lock().as_mut().unwrap().end = other;
    let refused = ask(&bed, json!(["0x1"])).await.unwrap_err();
    assert_eq!(refused["code"], -32005, "{refused}");
}

#[tokio::test]
async fn blob_batch_is_read_from_its_payload_and_from_blobs_that_hold_none() {
    let blobs = BatchContent::Blobs(vec![B256::repeat_byte(1)]);
    let (bed, _) = bed(RpcLimits::default(), blobs).await;
    for params in [json!(["0x1"]), json!(["0x1", "0x00112233"])] {
        let given = ask(&bed, params).await.unwrap();
        assert_eq!(given["outputAfter"], given["outputBefore"]);
    }
}
