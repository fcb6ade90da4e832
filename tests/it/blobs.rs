//! A chain whose batches are in blobs, in calldata, and in both.

use alloy::{
    primitives::{Address, Bytes, keccak256},
    providers::Provider,
};
use trestle_contracts::bindings::inbox::Inbox::BatchAppended;
use trestle_protocol::{BatchContent, BatchHeader};

use crate::{
    agreement::{assert_equal_chains, settle, some_of_everything},
    support::{
        Chain, ChainOptions, Node, NodeOptions, User, chain::user_address, eventually, user::Signed,
    },
};

/// Bytes of the input of a transaction that nearly fills a payload in calldata.
const LARGE: usize = 90_000;
/// Nine of them are more than six blobs hold.
const LARGE_ONES: u64 = 9;

/// Number of blobs of each batch; calldata has none.
async fn blobs_of_batches(chain: &Chain) -> Vec<usize> {
    let inbox = chain.inbox();
    let events = inbox.BatchAppended_filter().from_block(0);
    let blobs = |(event, _): (BatchAppended, _)| match BatchHeader::decode(&event.header)
        .unwrap()
        .content
    {
        BatchContent::Blobs(hashes) => hashes.len(),
        BatchContent::Calldata { .. } => 0,
        BatchContent::Forced => panic!("nobody forced a batch"),
    };
    events
        .query()
        .await
        .unwrap()
        .into_iter()
        .map(blobs)
        .collect()
}

/// The sequencer's arguments with others for how it posts.
fn posting(chain: &Chain, kind: &str, delay: &str) -> NodeOptions {
    let mut options = chain.sequencer();
    for (flag, value) in [("--batch-kind", kind), ("--batch-delay", delay)] {
        let at = options.args.iter().position(|arg| arg == flag).unwrap();
        options.args[at + 1] = value.to_owned();
    }
    options
}

/// Bytes that do not compress.
fn noise(number: u64) -> Bytes {
    let words = (0..LARGE as u64 / 32)
        .flat_map(|i| keccak256([number, i].map(u64::to_be_bytes).concat()).0);
    words.collect::<Vec<u8>>().into()
}

/// Sends it and waits for it. A node that was just started has blobs to check before it builds, and the library that
/// checks them takes seconds to load.
async fn included(sent: &Signed, node: &Node) {
    sent.send(&node.rpc).await.unwrap();
    let receipt = eventually("a receipt", 120, || node.rpc.receipt(sent.hash)).await;
    assert_eq!(receipt["status"], "0x1");
}

async fn send_large_ones(user: &mut User, node: &Node) {
    for number in 0..LARGE_ONES {
        let sent = user.sign(Address::repeat_byte(9).into(), 0, noise(number), 4_000_000);
        included(&sent, node).await;
    }
}

/// Every batch is one transaction of the batcher's, and none of them failed.
async fn assert_posted_once(chain: &Chain) {
    let batches = chain.inbox().batchCount().call().await.unwrap();
    let nonce = chain.batcher().get_transaction_count(user_address(3)).await;
    assert_eq!(nonce.unwrap(), batches);
}

/// The kind changes with a kill -9 while a batch is on its way, one batch fills six blobs, L1 takes blocks back, and
/// every node that has the blobs derives the same chain, which the machine proves.
#[tokio::test]
async fn chain_of_both_kinds_is_derived_by_replicas_and_proven() {
    let chain = Chain::new(ChainOptions {
        batch_kind: "blobs",
        ..ChainOptions::default()
    })
    .await;
    let mut sequencer = Node::start(chain.sequencer()).await;
    let replica = Node::start(chain.replica("replica")).await;
    let blind = Node::start(chain.replica_without_beacon("blind")).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    some_of_everything(&chain, &sequencer.rpc, &mut user).await;
    settle(&sequencer, &replica).await;
    assert!(
        blobs_of_batches(&chain)
            .await
            .iter()
            .all(|blobs| *blobs == 1)
    );

    for (kind, delay) in [("calldata", "0.5"), ("blobs", "60"), ("auto", "0.5")] {
        included(&user.transfer(user_address(1), 1), &sequencer).await;
        // Its port is its own: a start takes another one.
        let killed = sequencer.kill();
        let mut options = posting(&chain, kind, delay);
        options.datadir.clone_from(&killed.datadir);
        sequencer = Node::start(options).await;
        if delay == "60" {
            let before = blobs_of_batches(&chain).await.len();
            send_large_ones(&mut user, &sequencer).await;
            let full = || async {
                let blobs = blobs_of_batches(&chain).await;
                blobs
                    .iter()
                    .skip(before)
                    .any(|blobs| *blobs == 6)
                    .then_some(())
            };
            eventually("a batch of six blobs", 120, full).await;
        } else {
            included(&user.transfer(user_address(1), 1), &sequencer).await;
            settle(&sequencer, &replica).await;
        }
    }
    let kinds = blobs_of_batches(&chain).await;
    assert!(kinds.contains(&0) && kinds.contains(&6), "{kinds:?}");
    assert_posted_once(&chain).await;

    chain.stop_mining().await;
    chain.reorg(3, Vec::new()).await;
    chain.begin_mining(1).await;
    included(&user.transfer(user_address(1), 1), &sequencer).await;
    settle(&sequencer, &replica).await;
    let late = Node::start(chain.replica("late")).await;
    settle(&sequencer, &late).await;
    assert_equal_chains(&sequencer.rpc, &replica.rpc).await;
    assert_equal_chains(&sequencer.rpc, &late.rpc).await;
    crate::proven::assert_proven(&chain, &late.rpc).await;

    // Without the blobs there is no wrong chain, and a log that says what is missing.
    assert_eq!(blind.rpc.safe().await.0, 0);
    let log = std::fs::read_to_string(&blind.options.log).unwrap();
    for part in ["batch 1: blob 0x01", "no blob endpoint is configured"] {
        assert!(log.contains(part), "{log}");
    }
}

#[tokio::test]
async fn sequencer_of_blobs_without_a_beacon_endpoint_refuses_to_start() {
    let chain = Chain::new(ChainOptions::default()).await;
    let mut options = posting(&chain, "blobs", "1");
    let at = options
        .args
        .iter()
        .position(|arg| arg == "--beacon")
        .unwrap();
    options.args.drain(at..at + 2);
    let args: Vec<&str> = options.args.iter().map(String::as_str).collect();
    let (status, _, error) = crate::support::node::run(&args);
    assert!(
        !status.success() && error.contains("need --l1-beacon"),
        "{error}"
    );
}
