//! The inputs of a batch from a running node, against those from L1 alone; and from a node that lies.

use std::sync::Arc;

use alloy::primitives::{B256, Bytes, U256, bytes};
use serde_json::{Value, json};
use trestle_challenger::host::{
    BatchRun, BlobSource, Follower, L1Batch, L1Log, MemoryStore, Recorded, ReplicaAnswer,
    ReplicaError, position_before,
};
use trestle_protocol::ChainConfig;
use trestle_test_support::{Fault, FaultProxy};

use crate::{
    agreement::{settle, some_of_everything},
    proven::printed,
    support::{Chain, ChainOptions, Node, User, node},
};

/// Stores the second word of its input under the first.
const KEEPER: Bytes = bytes!("600780600b6000396000f360203560003555");

/// A batch as L1 alone has it, and what it leads to.
struct Truth {
    batch: L1Batch,
    before: B256,
    after: B256,
    inputs: Recorded,
}

/// All batches, derived from L1.
async fn derive_all(chain: &Chain) -> Vec<Truth> {
    let genesis = &chain.deployed.genesis;
    let config = &genesis.chain;
    let store = Arc::new(MemoryStore::default());
    let mut follower = Follower::open(config.clone(), &genesis.genesis, store).unwrap();
    let head = chain.l1_rpc().block_number().await;
    let l1 = chain.l1_client();
    let mut log = L1Log::new(l1, config.inbox, BlobSource::default(), follower.position());
    let mut all = Vec::new();
    while let Some(batch) = log.next(head).await.unwrap() {
        let before = follower.newest().output_root;
        let record = follower.derive(&batch).unwrap();
        all.push(Truth {
            before,
            after: record.output_root,
            inputs: follower.inputs(record.batch()).unwrap(),
            batch,
        });
    }
    all
}

/// One batch read from L1 without those before it.
async fn read_alone(chain: &Chain, number: u64) -> Option<L1Batch> {
    let (inbox, l1) = (chain.deployed.genesis.chain.inbox, chain.l1_client());
    let blocks = (0, chain.l1_rpc().block_number().await);
    let place = position_before(&l1, inbox, number, blocks).await.unwrap();
    let (position, block) = place?;
    let mut log = L1Log::new(l1, inbox, BlobSource::default(), position);
    Some(log.next(block).await.unwrap().unwrap())
}

/// Fills slots of a contract, empties some of them and fills others, each in a batch of its own, with deposits between.
async fn change_storage(chain: &Chain, node: &Node, user: &mut User) {
    let keeper = user.deploy(&node.rpc, &KEEPER).await;
    for (slots, value) in [(0..24_u64, 7_u64), (0..12, 0), (6..40, 9), (0..40, 0)] {
        let mut sent = Vec::new();
        for slot in slots {
            let input = [U256::from(slot), U256::from(value)].map(|word| word.to_be_bytes::<32>());
            sent.push(user.sign(keeper.into(), 0, input.concat().into(), 100_000));
        }
        let last = sent.pop().unwrap();
        for one in sent {
            one.send(&node.rpc).await.unwrap();
        }
        last.included(&node.rpc).await;
        let ether = crate::support::chain::Deposit::of_ether(keeper, 1);
        chain.deposit(1, ether).await;
        settle(node, node).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inputs_from_a_replica_are_those_from_l1_and_a_lie_is_found() {
    let chain = Chain::new(ChainOptions::default()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let replica = Node::start(chain.replica("replica")).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    some_of_everything(&chain, &sequencer.rpc, &mut user).await;
    change_storage(&chain, &sequencer, &mut user).await;
    settle(&sequencer, &replica).await;
    let truths = derive_all(&chain).await;
    assert!(truths.len() >= 5, "{} batches", truths.len());
    assert!(truths.iter().any(|truth| !truth.batch.entries.is_empty()));

    let config = &chain.deployed.genesis.chain;
    for truth in &truths {
        let number = truth.batch.header.index;
        let batch = read_alone(&chain, number).await.unwrap();
        assert_eq!(batch, truth.batch);
        for node in [&replica, &sequencer] {
            let answer = ReplicaAnswer::ask(&node.rpc.url, &batch).await.unwrap();
            assert_eq!(answer.output_before(), truth.before);
            let (inputs, output) = answer.inputs(config, &batch, Some(truth.before)).unwrap();
            assert_eq!(output, truth.after, "batch {number}");
            assert_eq!(
                inputs.preimages(),
                truth.inputs.preimages(),
                "batch {number}"
            );
        }
    }
    let unknown = u64::try_from(truths.len()).unwrap() + 1;
    assert!(read_alone(&chain, unknown).await.is_none());

    let truth = &truths[truths.len() / 2];
    proves(&chain, &replica, truth);
    let proxy = FaultProxy::start(replica.rpc.url.clone()).await.unwrap();
    lies_are_found(&proxy, config, truth).await;
    lie_ends_the_program(&chain, &proxy, truth);
}

/// `trestle prove` with this endpoint of L2; whether it ended well, what it printed, what it complained of.
fn prove(chain: &Chain, replica: &str, truth: &Truth) -> (bool, String, String) {
    let (folder, url) = (chain.path(".").display().to_string(), chain.l1.url());
    let number = truth.batch.header.index.to_string();
    let (status, output, error) = node::run(&[
        "prove",
        "--batch",
        &number,
        "--chain",
        &folder,
        "--l1",
        &url,
        "--replica",
        replica,
    ]);
    (status.success(), output, error)
}

fn proves(chain: &Chain, replica: &Node, truth: &Truth) {
    let (is_well, output, error) = prove(chain, &replica.rpc.url, truth);
    assert!(is_well, "{error}");
    assert_eq!(printed(&output, "output root"), truth.after.to_string());
    assert_eq!(printed(&output, "output before"), truth.before.to_string());
    assert!(error.contains("the replica's word"), "{error}");
    let run = BatchRun::record(truth.inputs.clone(), &mut |_| true).unwrap();
    assert_eq!(printed(&output, "steps"), run.outcome().steps.to_string());
}

/// The hash and the bytes of the preimage in the middle of an answer.
fn middle(answer: &Value) -> (String, String) {
    let preimages = answer["preimages"].as_object().unwrap();
    let (hash, bytes) = preimages.iter().nth(preimages.len() / 2).unwrap();
    (hash.clone(), bytes.as_str().unwrap().to_owned())
}

fn flip_a_byte(mut answer: Value) -> Value {
    let (hash, mut bytes) = middle(&answer);
    let last = if bytes.ends_with('0') { '1' } else { '0' };
    bytes.pop();
    bytes.push(last);
    answer["preimages"][hash] = json!(bytes);
    answer
}

/// As a liar who knows that hashes are checked.
fn flip_a_byte_under_its_hash(mut answer: Value) -> Value {
    let (hash, bytes) = middle(&answer);
    answer = flip_a_byte(answer);
    let flipped: Bytes = serde_json::from_value(answer["preimages"][&hash].clone()).unwrap();
    assert_ne!(flipped, bytes.parse::<Bytes>().unwrap());
    let preimages = answer["preimages"].as_object_mut().unwrap();
    preimages.remove(&hash);
    let key = alloy::primitives::keccak256(&flipped).to_string();
    preimages.insert(key, json!(flipped));
    answer
}

fn leave_one_out(mut answer: Value) -> Value {
    let (hash, _) = middle(&answer);
    answer["preimages"].as_object_mut().unwrap().remove(&hash);
    answer
}

fn swap_outputs(mut answer: Value) -> Value {
    answer["outputBefore"] = answer["outputAfter"].clone();
    answer
}

fn swap_accumulators(mut answer: Value) -> Value {
    answer["batchAccAfter"] = answer["batchAccBefore"].clone();
    answer
}

fn other_result(mut answer: Value) -> Value {
    answer["outputAfter"] = answer["outputBefore"].clone();
    answer
}

async fn lies_are_found(proxy: &FaultProxy, config: &ChainConfig, truth: &Truth) {
    let told = async |lie: fn(Value) -> Value, before: Option<B256>| {
        proxy.set_rule(move |_, _| Fault::Alter(lie));
        let answer = ReplicaAnswer::ask(&proxy.url(), &truth.batch)
            .await
            .unwrap();
        answer.inputs(config, &truth.batch, before).unwrap_err()
    };
    let known = Some(truth.before);
    let error = told(flip_a_byte, known).await;
    assert!(matches!(error, ReplicaError::Lie { .. }), "{error}");
    for lie in [flip_a_byte_under_its_hash, leave_one_out] {
        let error = told(lie, known).await;
        assert!(matches!(error, ReplicaError::Lacks { .. }), "{error}");
    }
    for (lie, words) in [
        (swap_outputs as fn(Value) -> Value, "the output root before"),
        (swap_accumulators, "the accumulator after"),
        (other_result, "the output root after"),
    ] {
        let error = told(lie, known).await;
        let is_it = matches!(&error, ReplicaError::Differs { what, .. } if *what == words);
        assert!(is_it, "{error}");
    }
    // Who does not know the output root before the batch still gets no false one proven.
    let error = told(swap_outputs, None).await;
    assert!(
        matches!(error, ReplicaError::Lacks { hash, .. } if hash == truth.after),
        "{error}"
    );
    for (fault, words) in [
        (Fault::Down, "503"),
        (Fault::Answer(json!(7)), "cannot be read"),
        (
            Fault::Refuse(-32000, "too far back".to_owned()),
            "too far back (-32000)",
        ),
    ] {
        proxy.set_rule(move |_, _| fault.clone());
        let error = ReplicaAnswer::ask(&proxy.url(), &truth.batch)
            .await
            .unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(words) && !error.contains("127.0.0.1"),
            "{error}"
        );
    }
}

fn lie_ends_the_program(chain: &Chain, proxy: &FaultProxy, truth: &Truth) {
    proxy.set_rule(|_, _| Fault::Alter(flip_a_byte));
    let (is_well, output, error) = prove(chain, &proxy.url(), truth);
    assert!(
        !is_well && error.contains("replica: the preimage given for 0x"),
        "{error}"
    );
    assert!(!output.contains("output root"), "{output}");
}
