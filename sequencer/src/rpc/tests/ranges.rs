//! Bounds of what one request may span: each at the bound, and one past it.

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};

use super::bed::{Bed, Wishes};
use crate::rpc::RpcLimits;

/// A chain of four blocks.
async fn bed(limits: RpcLimits) -> Bed {
    let bed = Bed::with(Wishes {
        limits,
        ..Wishes::default()
    })
    .await;
    for nonce in 0..4 {
        bed.send(bed.transfer(0, nonce, 1)).await;
        bed.seal().await;
    }
    bed
}

#[tokio::test]
async fn trace_range_at_the_bound_is_answered_one_more_is_refused() {
    let bed = bed(RpcLimits {
        trace_blocks: 3,
        ..RpcLimits::default()
    })
    .await;
    let filter = |to: &str| bed.ask("trace_filter", json!([{"fromBlock": "0x1", "toBlock": to}]));
    assert_eq!(filter("0x3").await.unwrap().as_array().unwrap().len(), 3);
    let refused = filter("0x4").await.unwrap_err();
    let words = "query exceeds max block range 3";
    assert_eq!(refused, json!({"code": -32602, "message": words}));
}

#[tokio::test]
async fn fee_history_past_the_bound_is_cut_to_it() {
    let bed = bed(RpcLimits {
        fee_history_blocks: 3,
        ..RpcLimits::default()
    })
    .await;
    for (asked, given) in [(3, 3), (4, 3)] {
        let history = bed.ask("eth_feeHistory", json!([asked, "latest"])).await;
        let history = history.unwrap();
        assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), given);
        assert_eq!(history["oldestBlock"], "0x2");
    }
}

#[tokio::test]
async fn proof_of_a_block_one_too_old_is_refused() {
    let bed = bed(RpcLimits {
        proof_blocks: 2,
        ..RpcLimits::default()
    })
    .await;
    let proof = |block: &str| bed.ask("eth_getProof", json!([Address::ZERO, [], block]));
    proof("0x2").await.unwrap();
    let refused = proof("0x1").await.unwrap_err();
    let words = "proofs reach 2 blocks back, block 1 is older";
    assert_eq!(refused["message"], words, "{refused}");
}

#[tokio::test]
async fn simulation_of_one_block_too_many_is_refused() {
    let bed = bed(RpcLimits {
        simulate_blocks: 2,
        ..RpcLimits::default()
    })
    .await;
    let blocks = |count: usize| {
        let calls = vec![json!({"calls": []}); count];
        bed.ask("eth_simulateV1", json!([{"blockStateCalls": calls}]))
    };
    assert_eq!(blocks(2).await.unwrap().as_array().unwrap().len(), 2);
    assert_eq!(blocks(3).await.unwrap_err()["code"], -38026);
}

#[tokio::test]
async fn call_gets_the_gas_of_the_bound_and_no_more() {
    let bed = bed(RpcLimits {
        call_gas: 100_000,
        ..RpcLimits::default()
    })
    .await;
    // Returns the gas left: GAS; PUSH0; MSTORE; PUSH1 32; PUSH0; RETURN
    let code = [0x5a, 0x5f, 0x52, 0x60, 32, 0x5f, 0xf3];
    let contract = bed.deploy(1, 0, &code).await;
    let left = async |gas: u64| -> U256 {
        let call = json!([{"to": contract, "gas": format!("{gas:#x}")}]);
        serde_json::from_value(bed.ask("eth_call", call).await.unwrap()).unwrap()
    };
    let at_the_bound = left(100_000).await;
    assert_eq!(at_the_bound, U256::from(100_000 - 21_000 - 2));
    assert_eq!(left(100_001).await, at_the_bound);
    assert_eq!(left(99_999).await, at_the_bound - U256::from(1));
}

#[tokio::test]
async fn response_at_the_bound_is_sent_one_byte_more_is_not() {
    let bed = bed(RpcLimits::default()).await;
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["0x1", true]});
    let length = bed.post(&request.to_string()).await.to_string().len();
    for (bytes, is_sent) in [(length, true), (length - 1, false)] {
        let bed = self::bed(RpcLimits {
            response_bytes: bytes,
            ..RpcLimits::default()
        })
        .await;
        let answer = bed.post(&request.to_string()).await;
        assert_eq!(answer["result"].is_object(), is_sent, "{bytes}: {answer}");
        assert!(is_sent || answer["error"]["code"] == -32008, "{answer}");
    }
}

#[tokio::test]
async fn log_results_at_the_bound_are_sent_one_more_is_refused() {
    let bed = Bed::with(Wishes {
        limits: RpcLimits {
            log_results: 2,
            ..RpcLimits::default()
        },
        ..Wishes::default()
    })
    .await;
    let logger = super::bed::logger(alloy_primitives::B256::repeat_byte(1));
    let contract = bed.deploy(0, 0, &logger).await;
    for nonce in 1..4 {
        let tx = alloy_consensus::TxEip1559 {
            nonce,
            to: contract.into(),
            ..Default::default()
        };
        bed.send(bed.sign(0, tx)).await;
        bed.seal().await;
    }
    let logs = |to: &str| bed.ask("eth_getLogs", json!([{"fromBlock": "0x2", "toBlock": to}]));
    assert_eq!(logs("0x3").await.unwrap().as_array().map(Vec::len), Some(2));
    assert!(matches!(logs("0x4").await, Err(Value::Object(_))));
}
