//! `trestle exit`: a user leaves by L1 alone, from an empty directory, with nothing of ours running.

use std::fs;

use alloy::{
    consensus::Header,
    primitives::{Address, B256, Bytes, U256, keccak256, utils::parse_ether},
    rlp::{Decodable, Encodable},
    sol_types::SolCall,
};
use serde_json::{Value, json};
use trestle_contracts::{
    bindings::{
        AnchorRegistry, DisputeGame, DisputeGameFactory, Inbox,
        dispute_game::DisputeGame::Header as ClaimHeader,
        dispute_game_factory::DisputeGameFactory::Proposal,
        l2_to_l1_message_passer::L2ToL1MessagePasser::initiateWithdrawalCall,
    },
    predeploys::L2_TO_L1_MESSAGE_PASSER,
};
use trestle_protocol::OutputPreimage;
use trestle_sdk::deploy::GAME_TYPE;
use trestle_test_support::DEV_KEYS;

use crate::support::{Chain, ChainOptions, Node, User, json::quantity, node::run};

/// The account that leaves; the liar is another one.
const USER: usize = 0;
const LIAR: usize = 1;

fn quick() -> ChainOptions {
    ChainOptions {
        forced_inclusion_delay: 6,
        challenge_clock: 6,
        ..ChainOptions::default()
    }
}

/// A withdrawal by a transaction of L2, in a batch when this returns.
async fn begin(user: &mut User, node: &Node, to: Address, value: u64) {
    let call = initiateWithdrawalCall {
        target: to,
        gasLimit: U256::from(50_000),
        data: Bytes::new(),
    };
    let input = call.abi_encode().into();
    let signed = user.sign(L2_TO_L1_MESSAGE_PASSER.into(), value, input, 200_000);
    let receipt = signed.included(&node.rpc).await;
    assert_eq!(receipt["status"], "0x1");
    node.safe_at(quantity(&receipt["blockNumber"])).await;
}

/// Runs `trestle exit` to its end; its JSON lines.
fn exit(chain: &Chain, datadir: &str, to: Address) -> Vec<Value> {
    let key = chain.path("user.key");
    fs::write(&key, DEV_KEYS[USER]).unwrap();
    let folder = key.parent().unwrap().display().to_string();
    let (datadir, key) = (chain.path(datadir), key.display().to_string());
    assert!(!datadir.exists(), "it starts from nothing");
    let (url, to, datadir) = (
        chain.l1.url(),
        to.to_string(),
        datadir.display().to_string(),
    );
    let fixed = [
        "exit",
        "--chain",
        &folder,
        "--l1",
        &url,
        "--datadir",
        &datadir,
    ];
    let options = ["--key-file", &key, "--to", &to, "--poll", "0.1", "--json"];
    let (status, out, err) = run(&[&fixed[..], &options].concat());
    assert!(!status.success() && err.contains("--yes"), "{err}");
    assert!(
        out.contains("\"bond\""),
        "the bond is shown before anything is sent: {out}"
    );
    assert!(!out.contains("\"enqueued\""), "{out}");
    let go = ["--yes", "--timeout", "90"];
    let (status, out, err) = run(&[&fixed[..], &options, &go].concat());
    assert!(status.success(), "{out}\n{err}");
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn assert_in_order(lines: &[Value], expected: &[&str]) {
    let mut names = lines.iter().map(|line| line["event"].as_str().unwrap());
    for name in expected {
        assert!(
            names.any(|got| got == *name),
            "{name} is missing or early: {lines:?}"
        );
    }
}

#[tokio::test]
async fn user_leaves_by_l1_alone_while_the_sequencer_is_dead() {
    let chain = Chain::new(quick()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let mut user = chain.funded_user(USER, &sequencer.rpc).await;
    let (begun_to, to) = (Address::repeat_byte(0x71), Address::repeat_byte(0x72));
    begin(&mut user, &sequencer, begun_to, 7_000_000).await;
    let left = sequencer.rpc.balance(user.address()).await;
    assert!(left > parse_ether("999").unwrap());
    sequencer.kill();

    let lines = exit(&chain, "empty", to);
    let way = [
        "plan",
        "enqueued",
        "forced",
        "initiated",
        "proposed",
        "proven",
        "finalized",
        "finalized",
    ];
    assert_in_order(&lines, &way);
    let l1 = chain.l1_rpc();
    assert_eq!(l1.balance(to).await, left, "all that it had on L2");
    assert_eq!(
        l1.balance(begun_to).await,
        U256::from(7_000_000),
        "what it had begun before"
    );
    assert!(
        lines.iter().any(|line| line["event"] == "collected"),
        "the bond is back: {lines:?}"
    );
}

/// Appends a batch of garbage, as the batcher.
async fn append_garbage(chain: &Chain, bytes: Bytes) {
    let inbox = Inbox::new(chain.deployed.rollup.contracts.inbox, chain.batcher());
    let count = inbox.batchCount().call().await.unwrap();
    let acc = inbox.batchAcc(count).call().await.unwrap();
    // An overdue entry could not be left out.
    let to = inbox.depositCount().call().await.unwrap();
    let queue = inbox.depositAcc(to).call().await.unwrap();
    let call = inbox.appendBatch(count + 1, acc, to, queue, B256::ZERO, bytes);
    let receipt = call.send().await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
}

/// Proposes a false root over all batches of the Inbox, with a block made up from `header`.
async fn propose_falsehood(chain: &Chain, mut header: Header) -> B256 {
    let contracts = &chain.deployed.rollup.contracts;
    let wallet = chain.l1_wallet(LIAR);
    let inbox = Inbox::new(contracts.inbox, &wallet);
    let batch = inbox.batchCount().call().await.unwrap();
    let anchor = AnchorRegistry::new(contracts.anchor_registry, &wallet);
    let anchor = anchor.anchor().call().await.unwrap();
    header.state_root = keccak256(header.state_root);
    let output = OutputPreimage {
        state_root: header.state_root,
        message_passer_root: header.withdrawals_root.unwrap(),
        block_hash: header.hash_slow(),
    };
    let claim = ClaimHeader {
        parent: B256::ZERO,
        level: 0,
        segment: 0,
        lo: anchor.batch,
        hi: batch,
        start: anchor.root,
        points: output.root(),
    };
    let game = DisputeGame::new(contracts.dispute_game, &wallet);
    let bond = game.bondOf(claim).call().await.unwrap();
    let proposal = Proposal {
        outputRoot: output.root(),
        batchAcc: inbox.batchAcc(batch).call().await.unwrap(),
        anchorRoot: anchor.root,
        batch,
        anchorBatch: anchor.batch,
        l2BlockNumber: header.number,
    };
    let mut rlp = Vec::new();
    header.encode(&mut rlp);
    let factory = DisputeGameFactory::new(contracts.dispute_game_factory, &wallet);
    let call = factory.create(GAME_TYPE, proposal, output.message_passer_root, rlp.into());
    let sent = call.value(bond).send().await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
    output.root()
}

#[tokio::test]
async fn user_leaves_while_the_sequencer_censors_posts_garbage_and_lies() {
    let chain = Chain::new(quick()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let user = chain.funded_user(USER, &sequencer.rpc).await;
    let head = sequencer.rpc.block_number().await;
    sequencer.safe_at(head).await;
    let left = sequencer.rpc.balance(user.address()).await;
    let raw = sequencer
        .rpc
        .call("debug_getRawHeader", json!([format!("{head:#x}")]))
        .await;
    let raw: Bytes = raw.as_str().unwrap().parse().unwrap();
    let mut header = Header::decode(&mut raw.as_ref()).unwrap();
    // From here on the batcher's key is in hostile hands.
    sequencer.kill();
    append_garbage(&chain, Bytes::from_static(b"\x01no blocks at all")).await;
    append_garbage(&chain, Bytes::from(vec![0xff; 4_096])).await;
    // Claimed to hold whatever comes, so that it is a candidate for every withdrawal.
    header.number += 1_000;
    let lie = propose_falsehood(&chain, header).await;

    let to = Address::repeat_byte(0x73);
    let lines = exit(&chain, "empty", to);
    assert_in_order(
        &lines,
        &[
            "enqueued",
            "forced",
            "initiated",
            "proposed",
            "proven",
            "finalized",
        ],
    );
    assert_eq!(chain.l1_rpc().balance(to).await, left);
    let derived = lines
        .iter()
        .find(|line| line["event"] == "derived")
        .unwrap();
    assert_ne!(derived["outputRoot"], json!(lie));
}
