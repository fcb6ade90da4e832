//! Measurements of the program on anvil, and its long overload: they take minutes of two cores, so `make bench-bytes`
//! and `make soak-overload` run them, not `make test`.

mod bytes;
mod overload;

use alloy::primitives::{Address, Bytes, U256, hex};
use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};

use crate::support::{
    Chain, Node, NodeOptions, Rpc, User,
    chain::{Deposit, user_address},
    eventually,
    user::{Prices, Signed},
};

/// Prices that no base fee here exceeds, in wei per gas.
const PRICES: Prices = Prices {
    max_fee: 100_000_000_000,
    tip: 1_000_000,
};
/// Requests in a batch of JSON-RPC.
const REQUESTS: usize = 50;

/// The same arguments with another value for `flag`.
fn with(mut options: NodeOptions, flag: &str, value: &str) -> NodeOptions {
    match options.args.iter().position(|arg| arg == flag) {
        Some(at) => options.args[at + 1] = value.to_owned(),
        None => options.args.extend([flag, value].map(str::to_owned)),
    }
    options
}

/// Accounts that have `ether` each.
async fn accounts(chain: &Chain, node: &Node, count: usize, ether: u64) -> Vec<User> {
    let mut rich = chain.funded_user(0, &node.rpc).await;
    let wei = U256::from(10).pow(U256::from(18));
    let all = u64::try_from(count).unwrap() * ether + 100;
    let set = json!([user_address(0), format!("{:#x}", wei * U256::from(2 * all))]);
    chain.l1_rpc().call("anvil_setBalance", set).await;
    chain
        .deposit(0, Deposit::of_ether(rich.address(), all))
        .await;
    let has = || async {
        let balance = node.rpc.balance(rich.address()).await;
        (balance > wei * U256::from(all)).then_some(())
    };
    eventually("the deposit arrives", 60, has).await;
    // A deposit of one's own account uses a nonce.
    rich.nonce = node.rpc.nonce(rich.address()).await;
    let accounts: Vec<User> = (0..count).map(|_| User::random(rich.chain_id)).collect();
    let value = wei * U256::from(ether);
    let funding = accounts.iter().map(|account| {
        rich.sign_priced(
            account.address().into(),
            value,
            Bytes::new(),
            21_000,
            PRICES,
        )
    });
    let funding: Vec<Signed> = funding.collect();
    send_all(node, &funding).await;
    accounts
}

/// Sends everything and waits for the last receipt.
async fn send_all(node: &Node, all: &[Signed]) {
    let rpc = Rpc::of_l1(&node.rpc.url);
    // No more of one account than it may have ahead.
    for some in all.chunks(10 * REQUESTS) {
        for batch in some.chunks(REQUESTS) {
            for (answer, sent) in send(&rpc, batch).await.iter().zip(batch) {
                assert_eq!(answer["result"], json!(sent.hash), "{answer}");
            }
        }
        let last = some.last().unwrap().hash;
        eventually("the receipt of the last", 120, || rpc.receipt(last)).await;
    }
}

/// Sends transactions in one batch; the answers in their order.
async fn send(rpc: &Rpc, batch: &[Signed]) -> Vec<Value> {
    let raw = |tx: &Signed| json!([hex::encode_prefixed(&tx.raw)]);
    call_all(rpc, "eth_sendRawTransaction", batch.iter().map(raw)).await
}

async fn call_all(rpc: &Rpc, method: &str, all: impl Iterator<Item = Value>) -> Vec<Value> {
    let requests = all.enumerate().map(
        |(id, params)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }),
    );
    let requests: Vec<Value> = requests.collect();
    let (status, text) = rpc.post(json!(requests).to_string()).await.unwrap();
    let answers: Value = serde_json::from_str(&text).unwrap_or_default();
    let Value::Array(mut answers) = answers else {
        // The whole batch was refused.
        return vec![json!({ "error": { "code": status, "message": text } }); requests.len()];
    };
    answers.sort_by_key(|answer| answer["id"].as_u64());
    answers
}
