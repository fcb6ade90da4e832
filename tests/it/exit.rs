//! `trestle exit` and `force`: a user leaves by L1 alone, from an empty directory, with nothing of ours running and
//! nothing known of the chain but its Deployment's address.

use std::fs;

use alloy::{
    consensus::Header,
    primitives::{Address, B256, Bytes, U256, keccak256, utils::parse_ether},
    providers::ProviderBuilder,
    rlp::{Decodable, Encodable},
    sol_types::SolCall,
};
use serde_json::{Value, json};
use trestle_contracts::{
    bindings::{
        AnchorRegistry, DisputeGame, DisputeGameFactory, Inbox, L1StandardBridge, L2StandardBridge,
        SampleToken, dispute_game::DisputeGame::Header as ClaimHeader,
        dispute_game_factory::DisputeGameFactory::Proposal,
        l2_to_l1_message_passer::L2ToL1MessagePasser::initiateWithdrawalCall,
        sample_token::SampleToken::mintCall,
    },
    predeploys::{L2_STANDARD_BRIDGE, L2_TO_L1_MESSAGE_PASSER},
};
use trestle_protocol::OutputPreimage;
use trestle_sdk::deploy::GAME_TYPE;
use trestle_test_support::DEV_KEYS;

use crate::support::{
    Chain, ChainOptions, Node, User, chain::user_address, eventually, json::quantity, node::run,
    supply::judge,
};

/// The account that leaves; the liar is another one.
pub(crate) const USER: usize = 0;
const LIAR: usize = 1;

fn quick() -> ChainOptions {
    ChainOptions {
        forced_inclusion_delay: 6,
        challenge_clock: 6,
        ..ChainOptions::default()
    }
}

/// A withdrawal by a transaction of L2, in a batch when this returns.
pub(crate) async fn begin(user: &mut User, node: &Node, to: Address, value: u64) {
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

/// Runs `trestle exit` to its end, given the Deployment's address and nothing of the chain's files; its JSON lines.
fn exit(chain: &Chain, datadir: &str, to: Address) -> Vec<Value> {
    let key = chain.path("user.key");
    fs::write(&key, DEV_KEYS[USER]).unwrap();
    let deployment = chain.deployed.rollup.contracts.deployment.to_string();
    let (datadir, key) = (chain.path(datadir), key.display().to_string());
    assert!(!datadir.exists(), "it starts from nothing");
    let (url, to, datadir) = (
        chain.l1.url(),
        to.to_string(),
        datadir.display().to_string(),
    );
    let fixed = [
        "exit",
        "--deployment",
        &deployment,
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
    judge(&chain).await;
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

pub(crate) async fn header_of(node: &Node, block: u64) -> Header {
    let params = json!([format!("{block:#x}")]);
    let raw = node.rpc.call("debug_getRawHeader", params).await;
    let raw: Bytes = raw.as_str().unwrap().parse().unwrap();
    Header::decode(&mut raw.as_ref()).unwrap()
}

/// The header of a block claimed to be after whatever comes, so that a root of it is a candidate for every withdrawal.
pub(crate) const fn far_ahead(mut header: Header) -> Header {
    header.number += 1_000;
    header
}

/// Proposes a false root over all batches of the Inbox, with a block made up from `header`.
pub(crate) async fn propose_falsehood(chain: &Chain, mut header: Header) -> B256 {
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
    let header = header_of(&sequencer, head).await;
    // From here on the batcher's key is in hostile hands.
    sequencer.kill();
    append_garbage(&chain, Bytes::from_static(b"\x01no blocks at all")).await;
    append_garbage(&chain, Bytes::from(vec![0xff; 4_096])).await;
    let lie = propose_falsehood(&chain, far_ahead(header)).await;

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
    judge(&chain).await;
}

/// A token of L1 that user `key` holds `amount` of.
async fn token_on_l1(chain: &Chain, key: usize, amount: u64) -> Address {
    let token = SampleToken::deploy(chain.l1_wallet(key)).await.unwrap();
    let holders = vec![user_address(key)];
    let mint = token
        .mint(holders, U256::from(amount))
        .send()
        .await
        .unwrap();
    assert!(mint.get_receipt().await.unwrap().status());
    *token.address()
}

/// Runs a command of a user's on a chain without `trestle dev`; its JSON lines.
pub(crate) fn command(chain: &Chain, words: &[&str]) -> Vec<Value> {
    let (ok, lines, err) = outcome(chain, words);
    assert!(ok, "{words:?}: {lines:?}\n{err}");
    lines
}

/// Runs a command of the user's; whether it succeeded, its JSON lines, standard error.
fn outcome(chain: &Chain, words: &[&str]) -> (bool, Vec<Value>, String) {
    outcome_of(chain, USER, words)
}

/// Runs a command of the account `key`.
pub(crate) fn outcome_of(chain: &Chain, key: usize, words: &[&str]) -> (bool, Vec<Value>, String) {
    let file = chain.path(&format!("{key}.key"));
    fs::write(&file, DEV_KEYS[key]).unwrap();
    let deployment = chain.deployed.rollup.contracts.deployment.to_string();
    let (key, url) = (file.display().to_string(), chain.l1.url());
    let options = [
        "--deployment",
        &deployment,
        "--l1",
        &url,
        "--key-file",
        &key,
        "--poll",
        "0.1",
        "--json",
    ];
    let (status, out, err) = run(&[words, &options].concat());
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    (status.success(), lines.collect(), err)
}

#[tokio::test]
async fn tokens_of_either_layer_come_out_by_l1_alone() {
    let chain = Chain::new(quick()).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let mut user = chain.funded_user(USER, &sequencer.rpc).await;
    let l1_token = token_on_l1(&chain, USER, 1_000).await;
    let (url, text) = (sequencer.rpc.url.clone(), l1_token.to_string());
    let deposit = ["deposit", "900", "--token", &text, "--l2", &url];
    let lines = command(&chain, &[&deposit[..], &["--timeout", "60"]].concat());
    assert_in_order(&lines, &["deposited", "arrived"]);
    // Where the bridge of L2 has put them.
    let l2 = ProviderBuilder::new().connect_http(url.parse().unwrap());
    let l2_bridge = L2StandardBridge::new(L2_STANDARD_BRIDGE, &l2);
    let representation = l2_bridge.representationOf(l1_token).call().await.unwrap();
    let held = SampleToken::new(representation, &l2);
    let held = held.balanceOf(user.address()).call().await.unwrap();
    assert_eq!(held, U256::from(900));
    user.nonce = sequencer.rpc.nonce(user.address()).await;
    let l2_token = user.deploy(&sequencer.rpc, &SampleToken::BYTECODE).await;
    let mint = mintCall {
        holders: vec![user.address()],
        amount: U256::from(70),
    };
    let mint = user.sign(l2_token.into(), 0, mint.abi_encode().into(), 200_000);
    let receipt = mint.included(&sequencer.rpc).await;
    let head = quantity(&receipt["blockNumber"]);
    sequencer.safe_at(head).await;
    let header = header_of(&sequencer, head).await;
    sequencer.kill();

    let datadir = chain.path("empty").display().to_string();
    let hostile = [false, true];
    let cases = [(representation, "850", 0x74), (l2_token, "60", 0x75)];
    for ((token, amount, to), is_hostile) in cases.into_iter().zip(hostile) {
        if is_hostile {
            // Not only dead: garbage in batches, and a false root on top that holds whatever comes.
            append_garbage(&chain, Bytes::from_static(b"\x01no blocks at all")).await;
            propose_falsehood(&chain, far_ahead(header.clone())).await;
        }
        let (token, to) = (token.to_string(), Address::repeat_byte(to).to_string());
        let what = [
            "exit",
            "--datadir",
            &datadir,
            "--token",
            &token,
            "--amount",
            amount,
        ];
        let lines = command(
            &chain,
            &[&what[..], &["--to", &to, "--yes", "--timeout", "90"]].concat(),
        );
        assert_in_order(
            &lines,
            &["enqueued", "forced", "initiated", "proven", "finalized"],
        );
    }
    let wallet = chain.l1_wallet(USER);
    let balance = |token, holder| {
        let token = SampleToken::new(token, wallet.clone());
        async move {
            token
                .balanceOf(Address::repeat_byte(holder))
                .call()
                .await
                .unwrap()
        }
    };
    assert_eq!(balance(l1_token, 0x74).await, U256::from(850));
    let bridge = L1StandardBridge::new(chain.deployed.rollup.contracts.l1_standard_bridge, &wallet);
    let on_l1 = bridge.representationOf(l2_token).call().await.unwrap();
    assert_eq!(balance(on_l1, 0x75).await, U256::from(60));
    let escrow = bridge.escrow(l1_token).call().await.unwrap();
    assert_eq!(escrow, U256::from(50));
    // Per token: what a bridge holds is what exists on the other layer.
    let replica = judge(&chain).await;
    let l2 = ProviderBuilder::new().connect_http(replica.rpc.url.parse().unwrap());
    let there = SampleToken::new(representation, &l2);
    assert_eq!(escrow, there.totalSupply().call().await.unwrap());
    let l2_bridge = L2StandardBridge::new(L2_STANDARD_BRIDGE, &l2);
    let here = SampleToken::new(on_l1, &wallet);
    assert_eq!(
        l2_bridge.escrow(l2_token).call().await.unwrap(),
        here.totalSupply().call().await.unwrap()
    );
}

#[tokio::test]
async fn force_brings_in_what_a_dead_sequencer_leaves_out() {
    let chain = Chain::new(quick()).await;
    let (ok, lines, err) = outcome(&chain, &["force"]);
    assert!(!ok && lines.is_empty() && err.contains("nothing"), "{err}");
    let deposited = command(&chain, &["deposit", "3"]);
    assert_in_order(&deposited, &["deposited"]);
    let (ok, _, err) = outcome(&chain, &["force"]);
    assert!(!ok && err.contains("nothing is overdue yet"), "{err}");
    let due = || async { outcome(&chain, &["force", "--dry-run"]).0.then_some(()) };
    eventually("the deposit is overdue", 60, due).await;
    let inbox = chain.inbox();
    assert_eq!(inbox.batchCount().call().await.unwrap(), 0, "a try only");
    let lines = command(&chain, &["force"]);
    assert_eq!(lines[0]["event"], "forced");
    assert_eq!(inbox.batchCount().call().await.unwrap(), 1);

    // A call in the account's name, with the ETH that has just arrived.
    let to = Address::repeat_byte(0x76);
    let call = [
        "force",
        "--to",
        &to.to_string(),
        "--value",
        "1.5",
        "--timeout",
        "60",
    ];
    let lines = command(&chain, &call);
    assert_in_order(&lines, &["enqueued", "waiting", "forced", "included"]);
    assert!(
        lines.iter().any(|line| line["forcibleIn"].is_u64()),
        "{lines:?}"
    );
    let replica = judge(&chain).await;
    assert_eq!(replica.rpc.balance(to).await, parse_ether("1.5").unwrap());
}

#[tokio::test]
async fn recovered_files_are_those_that_the_deployment_wrote() {
    let chain = Chain::new(quick()).await;
    let deployment = chain.deployed.rollup.contracts.deployment.to_string();
    let (url, out) = (chain.l1.url(), chain.path("recovered"));
    let folder = out.display().to_string();
    let words = [
        "recover",
        "--deployment",
        &deployment,
        "--l1",
        &url,
        "--out",
        &folder,
    ];
    let (status, printed, err) = run(&words);
    assert!(status.success(), "{err}");
    let hash = chain.deployed.rollup.config_hash.to_string();
    assert_eq!(printed.trim(), hash);
    let read = |path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    for name in ["rollup.json", "genesis.json"] {
        assert_eq!(read(out.join(name)), read(chain.path(name)), "{name}");
    }
    // Neither over the files of another chain, nor from a contract that is none.
    fs::write(out.join("rollup.json"), "{}").unwrap();
    let (status, _, err) = run(&words);
    assert!(
        !status.success() && err.contains("another deployment"),
        "{err}"
    );
    let inbox = chain.deployed.rollup.contracts.inbox.to_string();
    let (status, _, err) = run(&["recover", "--deployment", &inbox, "--l1", &url]);
    assert!(!status.success() && err.contains("no Deployment"), "{err}");
    let (status, _, err) = run(&["exit", "--l1", &url, "--datadir", &folder]);
    assert!(!status.success() && err.contains("--chain"), "{err}");
}
