//! Every bound of the RPC, at the bound and one past it, and the HTTP layer.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, TxKind};
use serde_json::{Value, json};

use super::bed::{Bed, Socket, Wishes, logger};
use crate::rpc::RpcLimits;

async fn bed(limits: RpcLimits) -> Bed {
    Bed::with(Wishes {
        limits,
        ..Wishes::default()
    })
    .await
}

fn batch(items: usize) -> String {
    let item = |id| json!({"jsonrpc": "2.0", "id": id, "method": "eth_chainId", "params": []});
    Value::Array((0..items).map(item).collect()).to_string()
}

#[tokio::test]
async fn batch_of_the_bound_is_answered_one_more_is_refused() {
    let bed = bed(RpcLimits::default()).await;
    let answers = bed.post(&batch(1_000)).await;
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 1_000);
    assert!(
        answers
            .iter()
            .enumerate()
            .all(|(id, answer)| answer["id"] == id)
    );
    let refused = bed.post(&batch(1_001)).await;
    assert_eq!(refused["error"]["code"], -32010);
}

#[tokio::test]
async fn body_past_the_bound_is_refused() {
    let bed = bed(RpcLimits {
        body_bytes: 1_000,
        ..RpcLimits::default()
    })
    .await;
    let body = |length: usize| {
        let empty = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;
        format!("{empty}{}", " ".repeat(length - empty.len()))
    };
    assert_eq!(bed.post(&body(1_000)).await["result"], "0x1bcd");
    let (head, answer) = bed
        .http("POST", "content-type: application/json\r\n", &body(1_001))
        .await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["error"]["code"], -32007);
}

#[tokio::test]
async fn response_past_the_bound_fails_one_item_of_a_batch() {
    let bed = bed(RpcLimits {
        response_bytes: 4_000,
        ..RpcLimits::default()
    })
    .await;
    let block = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["0x0", true]});
    let short = json!({"jsonrpc": "2.0", "id": 2, "method": "eth_chainId"});
    let answers = bed
        .post(&json!([block, block, block, short]).to_string())
        .await;
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 4);
    assert!(answers[0]["result"].is_object());
    assert_eq!(answers[2]["error"]["code"], -32000, "{}", answers[2]);
    assert_eq!(answers[2]["id"], 1);
    assert_eq!(answers[3]["result"], "0x1bcd");
}

#[tokio::test]
async fn log_range_and_results_are_bounded_in_the_words_tools_parse() {
    let bed = bed(RpcLimits {
        log_blocks: 3,
        log_results: 2,
        ..RpcLimits::default()
    })
    .await;
    let contract = bed.deploy(0, 0, &logger(B256::repeat_byte(1))).await;
    for nonce in 1..4 {
        let to = TxKind::Call(contract);
        bed.send(bed.sign(
            0,
            TxEip1559 {
                nonce,
                to,
                ..TxEip1559::default()
            },
        ))
        .await;
        bed.seal().await;
    }
    let logs =
        |from: &str, to: &str| bed.ask("eth_getLogs", json!([{"fromBlock": from, "toBlock": to}]));
    assert_eq!(
        logs("0x1", "0x3").await.unwrap().as_array().unwrap().len(),
        2
    );
    let range = logs("0x1", "0x4").await.unwrap_err();
    assert_eq!(
        range,
        json!({"code": -32602, "message": "query exceeds max block range 3"})
    );
    let results = logs("0x2", "0x4").await.unwrap_err();
    let words = "query exceeds max results 2, retry with the range 2-3";
    assert_eq!(results, json!({"code": -32602, "message": words}));
}

#[tokio::test]
async fn proof_keys_and_percentiles_are_bounded() {
    let limits = RpcLimits {
        proof_keys: 2,
        fee_history_percentiles: 2,
        ..RpcLimits::default()
    };
    let bed = bed(limits).await;
    let proof = |keys: usize| {
        bed.ask(
            "eth_getProof",
            json!([Address::ZERO, vec![B256::ZERO; keys], "latest"]),
        )
    };
    proof(2).await.unwrap();
    assert_eq!(proof(3).await.unwrap_err()["code"], -32602);
    let history = |count: u64| {
        let percentiles: Vec<u64> = (0..count).collect();
        bed.ask("eth_feeHistory", json!([1, "latest", percentiles]))
    };
    history(2).await.unwrap();
    // Pitfall: percentiles without a bound cost a node its processor.
    assert_eq!(history(3).await.unwrap_err()["code"], -32602);
}

#[tokio::test]
async fn pitfall_b58_foreign_host_names_are_refused() {
    let bed = Bed::with(Wishes {
        hosts: vec!["rpc.example".to_owned()],
        ..Wishes::default()
    })
    .await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let json = "content-type: application/json\r\n";
    for (host, status) in [
        ("rpc.example", 200),
        ("127.0.0.1", 200),
        ("evil.example", 403),
    ] {
        let (head, _) = bed
            .http("POST", &format!("host: {host}\r\n{json}"), body)
            .await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}")),
            "{host}: {head}"
        );
    }
}

#[tokio::test]
async fn browsers_and_odd_clients_are_served() {
    let bed = Bed::new().await;
    let origin = "origin: https://app.example\r\n";
    let preflight = format!(
        "{origin}access-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n"
    );
    let (head, _) = bed.http("OPTIONS", &preflight, "").await;
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 20"), "{head}");
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    assert!(head.contains("access-control-allow-methods: "), "{head}");
    let body = r#"{"jsonrpc":"2.0","id":null,"method":"net_version"}"#;
    for kind in [
        "application/json; charset=utf-8",
        "application/json;odata=verbose",
        "Application/JSON",
    ] {
        let (head, answer) = bed
            .http("POST", &format!("content-type: {kind}\r\n{origin}"), body)
            .await;
        assert!(head.starts_with("HTTP/1.1 200"), "{kind}: {head}");
        assert!(
            head.to_ascii_lowercase()
                .contains("access-control-allow-origin: *"),
            "{head}"
        );
        assert!(answer.contains("7117"), "{answer}");
    }
    let (head, _) = bed.http("POST", "content-type: text/plain\r\n", body).await;
    assert!(head.starts_with("HTTP/1.1 415"), "{head}");
    let (head, _) = bed.http("GET", "", "").await;
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
}

#[tokio::test]
async fn subscriptions_of_one_connection_are_bounded() {
    let bed = bed(RpcLimits {
        subscriptions: 2,
        ..RpcLimits::default()
    })
    .await;
    let mut socket = Socket::open(&bed).await;
    for _ in 0..2 {
        assert!(socket.call("eth_subscribe", json!(["newHeads"])).await["result"].is_string());
    }
    let refused = socket.call("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!(refused["error"]["code"], -32006, "{refused}");
    // Another connection has its own.
    let mut other = Socket::open(&bed).await;
    assert!(other.call("eth_subscribe", json!(["newHeads"])).await["result"].is_string());
}

#[tokio::test]
async fn connections_are_bounded_and_freed() {
    let bed = bed(RpcLimits {
        connections: 2,
        ..RpcLimits::default()
    })
    .await;
    let mut first = Socket::open(&bed).await;
    let second = Socket::open(&bed).await;
    let third = async { Socket::open(&bed).await };
    let waited = tokio::time::timeout(std::time::Duration::from_millis(200), third).await;
    assert!(waited.is_err(), "the third waits");
    assert_eq!(
        first.call("eth_chainId", json!([])).await["result"],
        "0x1bcd"
    );
    drop(second);
    let mut third = Socket::open(&bed).await;
    assert_eq!(
        third.call("eth_chainId", json!([])).await["result"],
        "0x1bcd"
    );
}

#[tokio::test]
async fn client_that_does_not_read_is_dropped() {
    let limits = RpcLimits {
        notifications: 4,
        write_stall: std::time::Duration::from_millis(100),
        ..RpcLimits::default()
    };
    let bed = bed(limits).await;
    let mut socket = Socket::open(&bed).await;
    // Returns 64 KiB of zeros: PUSH3 0x10000; PUSH0; RETURN. Some megabytes of such answers that
    // nobody reads fill every buffer on the way.
    let contract = bed.deploy(0, 0, &[0x62, 1, 0, 0, 0x5f, 0xf3]).await;
    let call =
        json!({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": contract}]});
    let batch = json!(std::iter::repeat_n(&call, 50).collect::<Vec<_>>()).to_string();
    for _ in 0..12 {
        socket.send(&batch).await;
    }
    // The first answer is on its way: from now on, nothing is read for longer than is tolerated.
    assert!(socket.receive().await.is_some());
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    // What was on the way can still be read; then the connection is at its end.
    let mut answers = 0;
    while socket.receive().await.is_some() {
        answers += 1;
    }
    assert!(answers < 11, "all batches were answered");
}

#[tokio::test]
async fn gas_and_time_of_calls_are_bounded() {
    let limits = RpcLimits {
        call_gas: 100_000,
        call_time: std::time::Duration::from_millis(1),
        ..RpcLimits::default()
    };
    let bed = bed(limits).await;
    // Returns the gas left: GAS; PUSH0; MSTORE; PUSH1 32; PUSH0; RETURN
    let contract = bed
        .deploy(0, 0, &[0x5a, 0x5f, 0x52, 0x60, 32, 0x5f, 0xf3])
        .await;
    let call = json!([{"to": contract, "gas": "0xffffffff"}]);
    if let Ok(gas) = bed.ask("eth_call", call).await {
        let left: alloy_primitives::U256 = serde_json::from_value(json!(gas)).unwrap();
        assert!(left < alloy_primitives::U256::from(100_000), "{left}");
    }
    let bed = self::bed(RpcLimits {
        call_gas: 50_000_000,
        call_time: std::time::Duration::from_millis(20),
        ..RpcLimits::default()
    })
    .await;
    let endless = bed.deploy(0, 0, &[0x5b, 0x5f, 0x56]).await;
    let options = json!({"tracer": "callTracer"});
    let error = bed
        .ask(
            "debug_traceCall",
            json!([{"to": endless}, "latest", options]),
        )
        .await;
    assert_eq!(error.unwrap_err()["message"], "execution aborted (timeout)");
}

#[tokio::test]
async fn calls_beyond_the_queue_are_turned_away() {
    let limits = RpcLimits {
        heavy_calls: 1,
        heavy_queue: 1,
        ..RpcLimits::default()
    };
    let bed = bed(limits).await;
    let endless = bed.deploy(0, 0, &[0x5b, 0x5f, 0x56]).await;
    let call = || bed.ask("eth_call", json!([{"to": endless, "gas": "0x2000000"}]));
    let outcomes = futures::future::join_all((0..8).map(|_| call())).await;
    let codes: Vec<_> = outcomes
        .into_iter()
        .map(|o| o.unwrap_err()["code"].clone())
        .collect();
    assert!(codes.contains(&json!(-32005)), "{codes:?}");
    assert!(codes.contains(&json!(-32000)), "{codes:?}");
}
