//! Bad input, each with its own clear error.

use alloy_primitives::{Address, B256};
use serde_json::{Value, json};

use super::bed::Bed;

#[tokio::test]
async fn unknown_method_is_named_in_geths_words() {
    let bed = Bed::new().await;
    let error = bed.ask("eth_nothing", json!([])).await.unwrap_err();
    assert_eq!(
        error,
        json!({"code": -32601, "message": "the method eth_nothing does not exist/is not available"})
    );
    let error = bed.ask("admin_addPeer", json!([])).await.unwrap_err();
    assert_eq!(error["code"], -32601);
}

#[tokio::test]
async fn wrong_parameters_are_named_by_place() {
    let bed = Bed::new().await;
    let cases: [(&str, Value, &str); 14] = [
        (
            "eth_getBalance",
            json!([]),
            "missing value for required argument 0",
        ),
        ("eth_getBalance", json!(["0x12"]), "invalid argument 0"),
        (
            "eth_getBalance",
            json!([Address::ZERO, "newest"]),
            "invalid argument 1",
        ),
        (
            "eth_getBalance",
            json!([Address::ZERO, "latest", 1]),
            "too many arguments",
        ),
        (
            "eth_getBalance",
            json!({"address": Address::ZERO}),
            "parameters must be a list",
        ),
        (
            "eth_chainId",
            json!([1]),
            "too many arguments, want at most 0",
        ),
        (
            "eth_getStorageAt",
            json!([Address::ZERO, "0xzz", "latest"]),
            "invalid argument 1",
        ),
        (
            "eth_getStorageAt",
            json!([Address::ZERO, format!("0x{}", "0".repeat(65)), "latest"]),
            "invalid argument 1",
        ),
        ("eth_getBlockByHash", json!([1, true]), "invalid argument 0"),
        ("eth_call", json!([{"to": 5}]), "invalid argument 0"),
        (
            "eth_call",
            json!([{"data": "0x1", "to": null}]),
            "invalid argument 0",
        ),
        (
            "eth_getLogs",
            json!([{"fromBlock": "0x0", "blockHash": B256::ZERO}]),
            "invalid argument 0",
        ),
        (
            "eth_sendRawTransaction",
            json!(["zz"]),
            "invalid argument 0",
        ),
        (
            "eth_feeHistory",
            json!([1, "latest", [50, 10]]),
            "reward percentiles must rise",
        ),
    ];
    for (method, params, words) in cases {
        let error = bed.ask(method, params.clone()).await.unwrap_err();
        assert_eq!(error["code"], -32602, "{method} {params}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(words), "{method} {params}: {message}");
    }
}

#[tokio::test]
async fn unknown_blocks_are_errors_for_state_and_null_for_lookups() {
    let bed = Bed::new().await;
    let error = bed
        .ask("eth_getBalance", json!([Address::ZERO, "0x99"]))
        .await
        .unwrap_err();
    assert_eq!(error["code"], -32001);
    let id = json!({"blockHash": B256::repeat_byte(5)});
    let error = bed
        .ask("eth_call", json!([{"to": Address::ZERO}, id]))
        .await
        .unwrap_err();
    assert_eq!(error["code"], -32001);
    for (method, params) in [
        ("eth_getTransactionByHash", json!([B256::ZERO])),
        ("eth_getTransactionReceipt", json!([B256::ZERO])),
        ("eth_getBlockReceipts", json!(["0x99"])),
        (
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["latest", "0x5"]),
        ),
        ("eth_getBlockTransactionCountByHash", json!([B256::ZERO])),
    ] {
        assert_eq!(
            bed.ask(method, params).await.unwrap(),
            Value::Null,
            "{method}"
        );
    }
}

#[tokio::test]
async fn log_queries_outside_the_chain_are_refused() {
    let bed = Bed::new().await;
    bed.seal().await;
    let logs = |filter: Value| bed.ask("eth_getLogs", json!([filter]));
    let beyond = logs(json!({"toBlock": "0x99"})).await.unwrap_err();
    assert_eq!(
        beyond,
        json!({"code": -32602, "message": "block range extends beyond current head block"})
    );
    let backward = logs(json!({"fromBlock": "latest", "toBlock": "0x0"})).await;
    // Both are block 0 if nothing is sealed; here a block exists.
    assert_eq!(backward.unwrap_err()["code"], -32602);
}

#[tokio::test]
async fn refused_transactions_carry_the_pools_words() {
    let bed = Bed::new().await;
    let refused = |encoded| bed.ask("eth_sendRawTransaction", json!([encoded]));
    bed.send(bed.transfer(0, 0, 1)).await;
    let known = refused(bed.transfer(0, 0, 1)).await.unwrap_err();
    assert_eq!(known, json!({"code": -32000, "message": "already known"}));
    let other = refused(bed.transfer(0, 0, 2)).await.unwrap_err();
    assert_eq!(other["message"], "replacement transaction underpriced");
    bed.seal().await;
    let low = refused(bed.transfer(0, 0, 3)).await.unwrap_err();
    assert_eq!(low["message"], "nonce too low: next nonce 1, tx nonce 0");
    let junk = refused("0x02c0".parse().unwrap()).await.unwrap_err();
    assert_eq!(junk["code"], -32602);
    let blob = refused("0x03c0".parse().unwrap()).await.unwrap_err();
    assert_eq!(blob["message"], "transaction type not supported");
}

#[tokio::test]
async fn malformed_requests_are_told_apart() {
    let bed = Bed::new().await;
    assert_eq!(bed.post("{nonsense").await["error"]["code"], -32700);
    assert_eq!(bed.post("[]").await["error"]["code"], -32600);
    let no_method = bed.post(r#"{"jsonrpc":"2.0","id":7}"#).await;
    assert_eq!(
        (
            no_method["error"]["code"].as_i64(),
            no_method["id"].as_i64()
        ),
        (Some(-32600), Some(7))
    );
    let mixed = bed
        .post(r#"[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},{"id":2},5,{"jsonrpc":"2.0","id":3,"method":"eth_x"}]"#)
        .await;
    let mixed = mixed.as_array().unwrap();
    assert_eq!(mixed.len(), 4);
    assert_eq!(mixed[0]["result"], "0x1bcd");
    assert_eq!(
        (mixed[1]["id"].as_i64(), mixed[1]["error"]["code"].as_i64()),
        (Some(2), Some(-32600))
    );
    assert_eq!(
        (mixed[3]["id"].as_i64(), mixed[3]["error"]["code"].as_i64()),
        (Some(3), Some(-32601))
    );
}

#[tokio::test]
async fn subscribing_over_http_says_what_to_use() {
    let bed = Bed::new().await;
    let error = bed
        .ask("eth_subscribe", json!(["newHeads"]))
        .await
        .unwrap_err();
    assert_eq!(error["code"], -32601);
    assert!(
        error["message"].as_str().unwrap().contains("WebSocket"),
        "{error}"
    );
}
