//! The judge of answers itself: it sees the answers of a running node, and a wrong one does not pass.

use alloy::primitives::{Address, B256};
use serde_json::{Value, json};
use trestle_test_support::{Fault, FaultProxy};

use crate::{
    agreement::some_of_everything,
    support::{Chain, ChainOptions, Node, Rpc},
};

/// A user's transaction and a deposit, by their block and place.
async fn transactions(rpc: &Rpc) -> Vec<Value> {
    let head = rpc.block_number().await;
    let mut found = Vec::new();
    for number in 1..=head {
        let block = rpc.block(number).await;
        let all = block["transactions"].as_array().unwrap();
        found.extend(all.iter().cloned());
    }
    found
}

#[tokio::test]
async fn answers_of_a_running_node_are_held_against_the_schema() {
    let chain = Chain::new(ChainOptions::default()).await;
    let node = Node::start(chain.sequencer()).await;
    let mut user = chain.funded_user(0, &node.rpc).await;
    some_of_everything(&chain, &node.rpc, &mut user).await;
    let rpc = Rpc::new(&node.rpc.url);
    let all = transactions(&rpc).await;
    let deposits = all.iter().filter(|one| one["type"] == "0x7e").count();
    assert!(deposits > 0 && deposits < all.len(), "both kinds");
    for one in &all {
        rpc.call("eth_getTransactionByHash", json!([one["hash"]]))
            .await;
        rpc.call("eth_getTransactionReceipt", json!([one["hash"]]))
            .await;
    }
    let of_account = json!([user.address(), "latest"]);
    for (method, params) in [
        ("eth_getBlockReceipts", json!(["latest"])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0" }])),
        ("eth_feeHistory", json!(["0x5", "latest", [20, 50]])),
        (
            "eth_getProof",
            json!([user.address(), [B256::ZERO], "latest"]),
        ),
        ("eth_getBalance", of_account.clone()),
        ("eth_getCode", of_account),
        (
            "eth_createAccessList",
            json!([{ "from": user.address(), "to": Address::ZERO }]),
        ),
        (
            "eth_estimateGas",
            json!([{ "from": user.address(), "to": Address::ZERO }]),
        ),
        (
            "debug_traceBlockByNumber",
            json!(["latest", { "tracer": "callTracer" }]),
        ),
        ("txpool_content", json!([])),
        ("eth_config", json!([])),
    ] {
        let before = rpc.held();
        rpc.call(method, params).await;
        // The trace methods and the configuration are known to the public schema alone.
        let is_typed = !matches!(method, "debug_traceBlockByNumber" | "eth_config");
        assert!(rpc.held() > before || !is_typed, "{method} was not held");
    }
    assert!(rpc.held() > 2 * all.len(), "{}", rpc.held());
    node.stop().await;
}

#[tokio::test]
async fn wrong_answer_of_a_node_does_not_pass() {
    let chain = Chain::new(ChainOptions::default()).await;
    let node = Node::start(chain.sequencer()).await;
    let proxy = FaultProxy::start(node.rpc.url.clone()).await.unwrap();
    let rpc = Rpc::new(&proxy.url());
    assert_eq!(
        rpc.block("latest").await["hash"].as_str().unwrap().len(),
        66
    );
    proxy.set_rule(|method, _| match method {
        "eth_getBlockByNumber" => Fault::Alter(|mut block| {
            block["gasLimit"] = json!("0x00");
            block
        }),
        "eth_chainId" => Fault::Refuse(-32603, "internal error".to_owned()),
        _ => Fault::None,
    });
    for method in ["eth_getBlockByNumber", "eth_chainId"] {
        let asking = rpc.clone();
        let params = match method {
            "eth_chainId" => json!([]),
            _ => json!(["latest", true]),
        };
        let asked = tokio::spawn(async move { asking.outcome(method, params).await });
        assert!(asked.await.is_err_and(|end| end.is_panic()), "{method}");
    }
    node.stop().await;
}
