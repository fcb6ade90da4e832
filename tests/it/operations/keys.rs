//! A remote signer, and the rotation of the batcher's key with a transaction of the old one still under way.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use trestle_test_support::DEV_KEYS;

use crate::{
    agreement::{assert_equal_chains, settle},
    support::{
        Chain, ChainOptions, Node, NodeOptions,
        chain::{OPERATOR, user_address},
        eventually,
        node::{run, tail},
    },
};

/// Account that takes over from the batcher.
const HEIR: usize = 1;

/// Takes an option and its value out, and gives others.
fn instead(mut options: NodeOptions, flag: &str, others: &[&str]) -> NodeOptions {
    let at = options.args.iter().position(|arg| arg == flag).unwrap();
    options.args.drain(at..at + 2);
    options
        .args
        .extend(others.iter().map(|arg| (*arg).to_owned()));
    options
}

fn key_file(chain: &Chain, name: &str, key: usize) -> PathBuf {
    let path = chain.path(name);
    fs::write(&path, DEV_KEYS[key]).unwrap();
    path
}

#[tokio::test]
async fn batches_are_posted_through_a_remote_signer() {
    let chain = Chain::new(ChainOptions::default()).await;
    let account = chain.inbox().batcher().call().await.unwrap().to_string();
    // anvil signs for its own accounts.
    let signer = [
        "--batcher-signer",
        &chain.l1.url(),
        "--batcher-address",
        &account,
    ];
    let options = instead(chain.sequencer(), "--batcher-key-file", &signer);
    let node = Node::start(options).await;
    chain.funded_user(0, &node.rpc).await;
    node.safe_at(1).await;
    let other = user_address(HEIR).to_string();
    let signer = [
        "--batcher-signer",
        "http://127.0.0.1:1",
        "--batcher-address",
        &other,
    ];
    let options = instead(chain.sequencer(), "--batcher-key-file", &signer);
    node.stop().await;
    let args: Vec<&str> = options.args.iter().map(String::as_str).collect();
    let (status, _, refused) = run(&args);
    assert!(
        !status.success() && refused.contains("the Inbox takes batches from"),
        "{refused}"
    );
    crate::proven::prove_all(&chain).await;
}

/// The batch that waits in L1's pool: its hash.
async fn waiting(chain: &Chain) -> String {
    eventually("a batch waits in L1's pool", 30, || async {
        let pool = chain.l1_rpc().call("txpool_content", json!([])).await;
        let by_account = pool["pending"].as_object()?.values().next()?.clone();
        let transaction = by_account.as_object()?.values().next()?.clone();
        transaction["hash"].as_str().map(str::to_owned)
    })
    .await
}

#[tokio::test]
async fn batchers_key_is_rotated_while_its_last_transaction_is_stuck() {
    let chain = Chain::new(ChainOptions::default()).await;
    let old = chain.sequencer();
    let node = Node::start(old.clone()).await;
    let mut user = chain.funded_user(0, &node.rpc).await;
    node.safe_at(1).await;
    chain.stop_mining().await;
    let sent = user.transfer(user_address(2), 7).included(&node.rpc).await;
    let block = u64::from_str_radix(&sent["blockNumber"].as_str().unwrap()[2..], 16).unwrap();
    let stuck = waiting(&chain).await;
    node.stop().await;
    let l1 = chain.l1_rpc();
    let raw: Value = l1.call("eth_getRawTransactionByHash", json!([stuck])).await;
    l1.call("anvil_dropAllTransactions", json!([])).await;
    l1.call("evm_setAutomine", json!([true])).await;
    chain.begin_mining(1).await;

    let operator = key_file(&chain, "operator.key", OPERATOR);
    let (operator, heir) = (operator.to_str().unwrap(), user_address(HEIR).to_string());
    let folder = chain.path("").display().to_string();
    let rotate = [
        "operator",
        "set-batcher",
        &heir,
        "--chain",
        &folder,
        "--l1",
        &chain.l1.url(),
        "--key-file",
    ];
    let stranger = key_file(&chain, "stranger.key", 0);
    let (status, _, refused) = run(&[&rotate[..], &[stranger.to_str().unwrap()]].concat());
    assert!(
        !status.success() && refused.contains("NotOperator"),
        "{refused}"
    );
    let (status, said, errors) = run(&[&rotate[..], &[operator]].concat());
    assert!(status.success() && said.contains(&heir), "{said}{errors}");

    let args: Vec<&str> = old.args.iter().map(String::as_str).collect();
    let (status, _, refused) = run(&args);
    assert!(
        !status.success() && refused.contains("the Inbox takes batches from"),
        "{refused}"
    );
    let key = key_file(&chain, "heir.key", HEIR);
    let new = instead(
        chain.sequencer(),
        "--batcher-key-file",
        &["--batcher-key-file", key.to_str().unwrap()],
    );
    let log = new.log.clone();
    let node = Node::start(new).await;
    // The old transaction turns up again after all, and L1 takes it: it reverts.
    l1.call("eth_sendRawTransaction", json!([raw])).await;
    node.safe_at(block).await;
    let receipt = eventually("the old transaction is in a block", 30, || async {
        let receipt = l1.call("eth_getTransactionReceipt", json!([stuck])).await;
        (!receipt.is_null()).then_some(receipt)
    })
    .await;
    assert_eq!(receipt["status"], "0x0", "the Inbox refused it");
    assert!(
        tail(&log).contains("account has changed")
            || fs::read_to_string(&log)
                .unwrap()
                .contains("account has changed")
    );
    let replica = Node::start(chain.replica("replica")).await;
    settle(&node, &replica).await;
    assert_equal_chains(&node.rpc, &replica.rpc).await;
    crate::proven::assert_proven(&chain, &replica.rpc).await;
}
