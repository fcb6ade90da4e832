//! Bounds of what may wait: slow readers, queued calls, the time of a call, filters at rest.

use std::time::Duration;

use serde_json::{Value, json};

use super::bed::{Bed, Socket, Wishes};
use crate::rpc::RpcLimits;

async fn bed(limits: RpcLimits) -> Bed {
    Bed::with(Wishes {
        limits,
        ..Wishes::default()
    })
    .await
}

#[tokio::test]
async fn subscriber_that_reads_again_in_time_gets_every_head_in_order() {
    let bed = bed(RpcLimits {
        notifications: 2,
        write_stall: Duration::from_secs(20),
        ..RpcLimits::default()
    })
    .await;
    let mut socket = Socket::open(&bed).await;
    socket.call("eth_subscribe", json!(["newHeads"])).await;
    // Ten times what may wait; the subscription holds the rest back while nobody reads.
    for _ in 0..20 {
        bed.seal().await;
    }
    for number in 1..=20 {
        let head = socket.notified().await;
        assert_eq!(head["number"], format!("{number:#x}"));
    }
}

#[tokio::test]
async fn call_in_the_last_place_of_the_queue_runs_and_one_more_is_turned_away() {
    let bed = bed(RpcLimits {
        heavy_calls: 1,
        heavy_queue: 2,
        call_gas: 1 << 50,
        call_time: Duration::from_millis(700),
        ..RpcLimits::default()
    })
    .await;
    let endless = bed.deploy(0, 0, &[0x5b, 0x5f, 0x56]).await;
    let options = json!({"tracer": "callTracer"});
    let request = json!({"to": endless, "gas": "0x2000000000000"});
    let call = || bed.ask("debug_traceCall", json!([request, "latest", options]));
    let outcomes = futures::future::join_all((0..4).map(|_| call())).await;
    let codes: Vec<Value> = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_err()["code"].clone())
        .collect();
    let of = |code: i32| codes.iter().filter(|got| **got == json!(code)).count();
    // One runs and two wait; each of them ends by the time of a call.
    assert_eq!((of(-32000), of(-32005)), (3, 1), "{codes:?}");
}

#[tokio::test]
async fn simulation_gets_the_gas_of_a_call_and_no_more() {
    let bed = bed(RpcLimits {
        call_gas: 100_000,
        ..RpcLimits::default()
    })
    .await;
    let calls = |gas: &[u64]| {
        let calls: Vec<_> = gas
            .iter()
            .map(|gas| json!({"to": "0x00000000000000000000000000000000000000aa", "gas": format!("{gas:#x}")}))
            .collect();
        let payload = json!([{"blockStateCalls": [{ "calls": calls }]}]);
        bed.ask("eth_simulateV1", payload)
    };
    let used = calls(&[50_000, 50_000]).await.unwrap();
    assert_eq!(used[0]["calls"].as_array().map(Vec::len), Some(2));
    // Each transfer uses 21,000: the fifth finds 16,000 left.
    calls(&[21_000; 4]).await.unwrap();
    let refused = calls(&[21_000; 5]).await.unwrap_err();
    assert!(refused["code"].is_i64(), "{refused}");
}

#[tokio::test]
async fn filter_that_is_polled_within_its_life_stays() {
    let bed = bed(RpcLimits {
        filters: 1,
        filter_lifetime: Duration::from_secs(2),
        ..RpcLimits::default()
    })
    .await;
    let id = bed.ask("eth_newBlockFilter", json!([])).await.unwrap();
    let begun = std::time::Instant::now();
    // Polled all the time, it outlives its life; others find no place.
    while begun.elapsed() < Duration::from_millis(2_500) {
        let changes = bed.ask("eth_getFilterChanges", json!([id])).await;
        assert_eq!(changes.unwrap(), json!([]));
        let refused = bed.ask("eth_newBlockFilter", json!([])).await.unwrap_err();
        assert_eq!(refused["code"], -32005);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Left alone, it makes room.
    let room = async {
        while bed.ask("eth_newBlockFilter", json!([])).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), room)
        .await
        .unwrap();
    let gone = bed.ask("eth_getFilterChanges", json!([id])).await;
    assert_eq!(gone.unwrap_err()["message"], "filter not found");
}
