//! Chains that were really run, proven from L1 alone: the machine must name the output root that nodes serve.

use std::{path::Path, sync::Arc, time::Duration};

use alloy::primitives::{B256, U64};
use serde_json::json;
use trestle_challenger::host::{BatchRun, BlobSource, Follower, L1Log, MemoryStore};
use trestle_protocol::{
    ChainConfig, Genesis,
    payload::{PayloadLimits, decode_payload},
};
use trestle_sdk::deploy::ChainFiles;
use trestle_sequencer::l1::L1Client;

use crate::{
    agreement::{settle, some_of_everything},
    support::{Chain, ChainOptions, Node, Rpc, chain::blobs_of, eventually, json::word, node},
};

/// A follower of the chain and the log that it reads, from L1 alone.
async fn follow(
    config: &ChainConfig,
    genesis: &Genesis,
    l1: &str,
    blobs: BlobSource,
) -> (Follower, L1Log, u64) {
    let store = Arc::new(MemoryStore::default());
    let follower = Follower::open(config.clone(), genesis, store).unwrap();
    let client = L1Client::new(l1.parse().unwrap(), Duration::from_secs(20));
    let head: U64 = client.call("eth_blockNumber", ()).await.unwrap();
    let head = head.to();
    let log = L1Log::new(client, config.inbox, blobs, follower.position());
    (follower, log, head)
}

pub(crate) async fn follow_chain(chain: &Chain) -> (Follower, L1Log, u64) {
    let genesis = &chain.deployed.genesis;
    let (l1, blobs) = (chain.l1.url(), chain.blobs());
    follow(&genesis.chain, &genesis.genesis, &l1, blobs).await
}

/// Number of the newest batch on L1 that carries a transaction of a user.
pub(crate) async fn newest_with_transactions(chain: &Chain) -> u64 {
    let (_, mut log, head) = follow_chain(chain).await;
    let limits = PayloadLimits::from(&chain.deployed.genesis.chain);
    let mut newest = None;
    while let Some(batch) = log.next(head).await.unwrap() {
        let payload = batch.payload_bytes().unwrap_or_default();
        let declared = decode_payload(&payload, &limits).unwrap_or_default();
        if declared
            .blocks
            .iter()
            .any(|block| !block.transactions.is_empty())
        {
            newest = Some(batch.header.index);
        }
    }
    newest.unwrap()
}

/// Runs the newest batch in the machine, which must say what derivation says.
fn prove_newest(follower: &Follower) {
    let number = follower.newest().batch();
    let inputs = follower.inputs(number).unwrap();
    let run = BatchRun::record(inputs, &mut |_| true).unwrap();
    let derived = follower.newest().output_root;
    assert_eq!(run.outcome().proven(), Some(derived), "batch {number}");
}

/// Derives every batch from L1's log and runs each in the machine, whatever became of the nodes; how many there are.
pub(crate) async fn prove_all(chain: &Chain) -> u64 {
    prove_each(follow_chain(chain).await).await
}

/// The same for a chain of which there are the files in `folder` and the URL of its L1.
pub(crate) async fn prove_all_of(folder: &Path, l1: &str) -> u64 {
    let files = ChainFiles::read(folder).unwrap();
    let blobs = blobs_of(l1);
    prove_each(follow(&files.chain, &files.genesis, l1, blobs).await).await
}

async fn prove_each((mut follower, mut log, head): (Follower, L1Log, u64)) -> u64 {
    while let Some(batch) = log.next(head).await.unwrap() {
        follower.derive(&batch).unwrap();
        prove_newest(&follower);
    }
    follower.newest().batch()
}

/// Derives every batch from L1's log, runs each in the machine, and holds both against what the node serves.
pub(crate) async fn assert_proven(chain: &Chain, rpc: &Rpc) {
    let (mut follower, mut log, head) = follow_chain(chain).await;
    let known = rpc.batches().await;
    assert!(known > 0);
    while follower.newest().batch() < known {
        let batch = log.next(head).await.unwrap().unwrap();
        let record = follower.derive(&batch).unwrap();
        let number = record.batch();
        let at = json!([format!("{number:#x}")]);
        // The node may have heard of the batch and not derived it yet.
        let output = || async {
            let served = rpc.outcome("trestle_outputAtBatch", at.clone()).await;
            served.ok()
        };
        let served = eventually("the node's output", 60, output).await;
        assert_eq!(
            record.output_root,
            word(&served["outputRoot"]),
            "batch {number}"
        );
        prove_newest(&follower);
    }
}

/// The value behind `name` in what the program printed.
pub(crate) fn printed<'a>(output: &'a str, name: &str) -> &'a str {
    let line = output.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().last())
        .unwrap_or_else(|| panic!("no {name} in {output}"))
}

#[tokio::test]
async fn prove_from_l1_and_from_its_own_file_prints_the_output_that_the_node_serves() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    some_of_everything(&chain, &sequencer.rpc, &mut user).await;
    settle(&sequencer, &sequencer).await;
    let served = sequencer
        .rpc
        .call("trestle_outputAtBatch", json!(["0x2"]))
        .await;
    let root: B256 = word(&served["outputRoot"]);

    let (folder, file) = (chain.path("."), chain.path("batch.inputs"));
    let (folder, file) = (folder.display().to_string(), file.display().to_string());
    let data = chain.path("prover").display().to_string();
    let url = chain.l1.url();
    let from_l1 = [
        "prove", "--batch", "2", "--step", "1000000", "--chain", &folder, "--l1", &url,
    ];
    let saved = [&from_l1[..], &["--datadir", &data, "--save", &file]].concat();
    let (status, first, error) = node::run(&saved);
    assert!(status.success(), "{error}");
    assert_eq!(printed(&first, "output root"), root.to_string());
    assert_eq!(printed(&first, "exit code"), "0");
    let (status, second, error) = node::run(&["prove", "--inputs", &file, "--step", "1000000"]);
    assert!(status.success(), "{error}");
    for name in [
        "output root",
        "steps",
        "state hash",
        "at step 1000000",
        "input hash",
    ] {
        assert_eq!(printed(&first, name), printed(&second, name), "{name}");
    }
    // What was derived is still there: L1 is asked for nothing but its head.
    let (status, third, error) = node::run(&[&from_l1[..], &["--datadir", &data]].concat());
    assert!(status.success(), "{error}");
    assert!(!error.contains("derived batch"), "{error}");
    assert_eq!(printed(&third, "state hash"), printed(&first, "state hash"));

    let beyond = [
        "prove", "--batch", "100000", "--chain", &folder, "--l1", &url,
    ];
    let (status, _, error) = node::run(&beyond);
    assert!(
        !status.success() && error.contains("batches, not 100000"),
        "{error}"
    );
    std::fs::write(chain.path("batch.inputs"), "something else").unwrap();
    let (status, _, error) = node::run(&["prove", "--inputs", &file]);
    assert!(
        !status.success() && error.contains("no inputs of a batch"),
        "{error}"
    );
    assert!(prove_all(&chain).await >= 2);
}

#[test]
fn image_prints_the_committed_root() {
    let (status, output, error) = node::run(&["image"]);
    assert!(status.success(), "{error}");
    let root = trestle_challenger::image::IMAGE_ROOT.to_string();
    assert_eq!(printed(&output, "image root"), root);
}
