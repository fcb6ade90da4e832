//! An L1 that stalls, lies, forgets, or takes back what it called final, to a running node.

use std::fs;

use alloy::primitives::{U256, hex};
use serde_json::{Value, json};
use trestle_test_support::{Fault, FaultProxy};

use crate::support::{
    Chain, ChainOptions, Ledger, Node, Rpc, User, chain::user_address, eventually, json::quantity,
    ledger::LoadEnd, node::tail,
};

/// Receipts that show that a chain goes on.
const ENOUGH: usize = 4;

/// What `/readyz` says, if it answers.
async fn readiness(rpc: &Rpc) -> Option<String> {
    let answer = alloy::transports::http::reqwest::get(format!("{}/readyz", rpc.url)).await;
    answer.ok()?.text().await.ok()
}

async fn says(node: &Node, text: &str, seconds: u64) {
    let is_so = || async { readiness(&node.rpc).await.filter(|said| said == text) };
    eventually(&format!("/readyz says {text}"), seconds, is_so).await;
}

/// Something new in the log.
async fn logs(node: &Node, from: usize, word: &str) {
    let is_there = || async {
        let text = fs::read_to_string(&node.options.log).unwrap();
        text[from..].contains(word).then_some(())
    };
    eventually(&format!("the log says {word}"), 30, is_there).await;
}

fn length(node: &Node) -> usize {
    fs::read(&node.options.log).unwrap().len()
}

async fn goes_on(ledger: &mut Ledger, rpc: &Rpc, user: &mut User) {
    let end = ledger.load(rpc, user, ENOUGH).await;
    assert!(matches!(end, LoadEnd::Enough), "{end:?}");
}

#[tokio::test]
async fn node_goes_on_while_l1_hangs_and_says_so() {
    let chain = Chain::new(ChainOptions::default()).await;
    let proxy = FaultProxy::start(chain.l1.url()).await.unwrap();
    let options = Chain::over(chain.sequencer(), &proxy.url());
    let node = Node::start(options).await;
    let mut user = chain.funded_user(0, &node.rpc).await;
    let mut ledger = Ledger::default();
    goes_on(&mut ledger, &node.rpc, &mut user).await;
    // One request is under way for 20 s before the node knows; a dead endpoint is known at once.
    for (fault, seconds) in [(Fault::Hang, 45), (Fault::Down, 15)] {
        let safe = node.rpc.safe().await.0;
        let what = fault.clone();
        proxy.set_rule(move |_, _| what.clone());
        says(&node, "L1 not reached", seconds).await;
        goes_on(&mut ledger, &node.rpc, &mut user).await;
        proxy.heal();
        says(&node, "ok", 45).await;
        let head = node.rpc.block_number().await;
        assert!(head > safe);
        node.safe_at(head).await;
        ledger.check_all(&node.rpc).await.unwrap();
    }
}

/// What an endpoint may say that is not so, which method says it, and what the node calls it.
type Lie = (&'static str, fn(Value) -> Value, &'static str);

/// The value with its last digit changed.
fn flip(value: &mut Value) {
    let mut text = value.as_str().unwrap().to_owned();
    let last = text.pop().unwrap();
    text.push(if last == '0' { '1' } else { '0' });
    *value = json!(text);
}

fn flipped(mut of: Value, field: &str) -> Value {
    if !of.is_null() {
        flip(&mut of[field]);
    }
    of
}

/// The receipts without the first that logged.
fn without_logs(mut receipts: Value) -> Value {
    let all = receipts.as_array_mut().into_iter().flatten();
    for receipt in all {
        receipt["logs"] = json!([]);
    }
    receipts
}

fn other_logs(mut receipts: Value) -> Value {
    let all = receipts.as_array_mut().into_iter().flatten();
    for log in all.flat_map(|receipt| receipt["logs"].as_array_mut().into_iter().flatten()) {
        if log["data"].as_str().is_some_and(|data| data.len() > 2) {
            flip(&mut log["data"]);
        }
    }
    receipts
}

/// Another payload: not at its very end, where ABI's padding may be, which nobody reads.
fn other_input(mut tx: Value) -> Value {
    if let Some(input) = tx["input"].as_str() {
        let (start, end) = input.split_at(input.len() - PADDED_DIGITS);
        let mut start = json!(start);
        flip(&mut start);
        tx["input"] = json!(format!("{}{end}", start.as_str().unwrap()));
    }
    tx
}

/// Hexadecimal digits at the end of an input among which padding may be: those of a word.
const PADDED_DIGITS: usize = 64;

const LIES: [Lie; 8] = [
    (
        "eth_getBlockByNumber",
        |block| flipped(block, "hash"),
        "does not hash to",
    ),
    (
        "eth_getBlockByNumber",
        |block| flipped(block, "parentHash"),
        "does not hash to",
    ),
    (
        "eth_getBlockByNumber",
        |block| flipped(block, "logsBloom"),
        "does not hash to",
    ),
    (
        "eth_getBlockByNumber",
        |_| json!("what"),
        "malformed answer",
    ),
    (
        "eth_getBlockReceipts",
        without_logs,
        "do not match its header",
    ),
    (
        "eth_getBlockReceipts",
        other_logs,
        "do not match its header",
    ),
    ("eth_getBlockReceipts", |_| Value::Null, "has no block"),
    (
        "eth_getTransactionByBlockHashAndIndex",
        other_input,
        "does not match its header",
    ),
];

#[tokio::test]
async fn lies_of_an_endpoint_are_named_and_nothing_is_derived_from_them() {
    let chain = Chain::new(ChainOptions::default()).await;
    let proxy = FaultProxy::start(chain.l1.url()).await.unwrap();
    let sequencer = Node::start(chain.sequencer()).await;
    let replica = Node::start(Chain::over(chain.replica("lied to"), &proxy.url())).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let mut ledger = Ledger::default();
    for (method, lie, name) in LIES {
        let from = length(&replica);
        proxy.set_rule(move |asked, _| {
            if asked == method {
                Fault::Alter(lie)
            } else {
                Fault::None
            }
        });
        // The batch that carries this finds the lie in place.
        goes_on(&mut ledger, &sequencer.rpc, &mut user).await;
        let head = sequencer.rpc.block_number().await;
        logs(&replica, from, name).await;
        says(&replica, "L1 not reached", 10).await;
        sequencer.safe_at(head).await;
        assert!(
            replica.rpc.safe().await.0 < head,
            "{method}: derived from a lie"
        );
        proxy.heal();
        replica.safe_at(head).await;
        says(&replica, "ok", 10).await;
        ledger.check_all(&replica.rpc).await.unwrap();
    }
}

/// History that the endpoint no longer has: a node that needs it says so and waits; one that does not goes on.
#[tokio::test]
async fn pruned_history_stops_only_the_node_that_needs_it() {
    let chain = Chain::new(ChainOptions::default()).await;
    let proxy = FaultProxy::start(chain.l1.url()).await.unwrap();
    let sequencer = Node::start(chain.sequencer()).await;
    let replica = Node::start(Chain::over(chain.replica("in time"), &proxy.url())).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let mut ledger = Ledger::default();
    goes_on(&mut ledger, &sequencer.rpc, &mut user).await;
    let head = sequencer.rpc.block_number().await;
    replica.safe_at(head).await;
    let kept = chain.l1_rpc().block_number().await;
    proxy.set_rule(move |method, params| {
        let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
        let asked = params[0].as_str().and_then(number);
        if method == "eth_getBlockByNumber" && asked.is_some_and(|number| number < kept) {
            Fault::Refuse(4444, "pruned history unavailable".to_owned())
        } else {
            Fault::None
        }
    });
    let late = Node::start(Chain::over(chain.replica("too late"), &proxy.url())).await;
    logs(&late, 0, "pruned history unavailable").await;
    says(&late, "L1 not reached", 10).await;
    goes_on(&mut ledger, &sequencer.rpc, &mut user).await;
    let head = sequencer.rpc.block_number().await;
    replica.safe_at(head).await;
    assert_eq!(late.rpc.safe().await.0, 0);
    proxy.heal();
    late.safe_at(head).await;
    ledger.check_all(&late.rpc).await.unwrap();
}

/// L1 takes back a final block: both nodes end and name it, and have derived nothing of the other chain.
#[tokio::test]
async fn reorg_below_the_final_block_ends_the_node_with_its_name() {
    let chain = Chain::new(ChainOptions {
        slots_in_an_epoch: 1,
        l1_block_time: None,
        ..ChainOptions::default()
    })
    .await;
    let mut sequencer = Node::start(chain.sequencer()).await;
    let mut replica = Node::start(chain.replica("replica")).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    let mut ledger = Ledger::default();
    goes_on(&mut ledger, &sequencer.rpc, &mut user).await;
    let head = sequencer.rpc.block_number().await;
    sequencer.safe_at(head).await;
    replica.safe_at(head).await;
    chain.stop_mining().await;
    let l1 = chain.l1_rpc();
    chain.mine(12).await;
    let top = l1.block_number().await;
    for node in [&sequencer, &replica] {
        let is_final = || async {
            let status = node.rpc.call("trestle_syncStatus", json!([])).await;
            (quantity(&status["l1"]["finalized"]) == top - 2).then_some(())
        };
        eventually("L1's last blocks are final", 30, is_final).await;
    }
    // Another chain from before: a deposit that the true one does not have.
    let nonce = json!([user_address(1), "latest"]);
    let nonce = l1.number("eth_getTransactionCount", nonce).await;
    let deposit = crate::reorgs::deposit(&chain, nonce);
    let pair = json!([hex::encode_prefixed(&deposit), 0]);
    chain.reorg(8, vec![pair]).await;
    chain.mine(2).await;
    for node in [&mut sequencer, &mut replica] {
        let status = node.ends(30).await;
        let log = tail(&node.options.log);
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains("l1 replaced final block"), "{log}");
    }
    // Started again it has everything that it said, and nothing of the other chain; it does not take that either.
    let proxy = FaultProxy::start(chain.l1.url()).await.unwrap();
    for node in [sequencer, replica] {
        proxy.set_rule(|method, _| match method {
            "eth_getBlockByNumber" | "eth_getBlockByHash" => Fault::Down,
            _ => Fault::None,
        });
        let mut again = Node::start(Chain::over(node.kill(), &proxy.url())).await;
        ledger.check_all(&again.rpc).await.unwrap();
        assert!(
            again.rpc.balance(user_address(1)).await < ether(),
            "the deposit"
        );
        proxy.heal();
        let status = again.ends(30).await;
        assert_eq!(status.code(), Some(1));
        let log = tail(&again.options.log);
        assert!(log.contains("l1 replaced final block"), "{log}");
    }
}

/// 1 ETH in wei, as [`crate::reorgs::deposit`] brings it.
fn ether() -> U256 {
    U256::from(10).pow(U256::from(18))
}
