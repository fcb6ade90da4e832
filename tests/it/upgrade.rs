//! Upgrades by `trestle upgrade` while a dispute and a withdrawal are under way: both end as they must.

use std::{fs, process::Stdio};

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use serde_json::{Value, json};
use trestle_contracts::bindings::{
    DisputeGame, DisputeGameFactory, Portal, inbox::Inbox::maxBlobsCall, portal,
    timelock::Timelock::updateDelayCall,
};
use trestle_sdk::deploy::GAME_TYPE;

use crate::{
    exit::{USER, begin, command, far_ahead, header_of, outcome_of, propose_falsehood},
    fraud::{Arena, Running},
    support::{
        Chain, ChainOptions, Node, chain::OPERATOR, eventually, json::quantity, node, supply::judge,
    },
};

/// Seconds between announcement and execution here; a deployment refuses less than weeks.
pub(crate) const DELAY: u64 = 12;
/// Seconds that each side of the dispute has.
const CLOCK: u32 = 80;

/// Makes the timelock's delay short, which only the timelock itself can: after weeks, or by anvil in its name.
pub(crate) async fn shorten_delay(chain: &Chain, seconds: u64) {
    let timelock = chain.deployed.rollup.contracts.timelock;
    let l1 = chain.l1_wallet(OPERATOR);
    let wei = U256::from(10).pow(U256::from(18));
    l1.anvil_set_balance(timelock, wei).await.unwrap();
    l1.anvil_impersonate_account(timelock).await.unwrap();
    let delay = updateDelayCall {
        newDelay: U256::from(seconds),
    };
    let request = TransactionRequest::default()
        .from(timelock)
        .to(timelock)
        .input(delay.abi_encode().into());
    let params = json!([request]);
    let hash = chain.l1_rpc().call("eth_sendTransaction", params).await;
    let hash: B256 = serde_json::from_value(hash).unwrap();
    let l1 = chain.l1_rpc();
    let receipt = eventually("the delay changes", 30, || l1.receipt(hash)).await;
    assert_eq!(receipt["status"], "0x1");
}

/// Runs `trestle upgrade` as the governor; its lines.
pub(crate) fn upgrade(chain: &Chain, words: &[&str]) -> Vec<Value> {
    let (ok, lines, err) = outcome_of(chain, OPERATOR, &[&["upgrade"], words].concat());
    assert!(ok, "{words:?}: {lines:?}\n{err}");
    lines
}

/// What `trestle upgrade show` says, to anybody.
fn show(chain: &Chain) -> Vec<Value> {
    let deployment = chain.deployed.rollup.contracts.deployment.to_string();
    let url = chain.l1.url();
    let words = [
        "upgrade",
        "show",
        "--json",
        "--l1",
        &url,
        "--deployment",
        &deployment,
    ];
    let (status, out, err) = node::run(&words);
    assert!(status.success(), "{err}");
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

/// A portal's code with another maturity, brought to L1 by its author.
async fn next_portal(chain: &Chain) -> Address {
    let now = Portal::new(chain.deployed.rollup.contracts.portal, chain.batcher());
    let config = portal::Portal::Config {
        maxDepositGasPerBlock: now.maxDepositGasPerBlock().call().await.unwrap(),
        proofMaturityDelay: 3,
        maxPause: now.maxPause().call().await.unwrap().to(),
        pauseInterval: now.pauseInterval().call().await.unwrap().to(),
    };
    *Portal::deploy(chain.batcher(), config)
        .await
        .unwrap()
        .address()
}

/// A user's withdrawal that L2 has begun, on its way by `trestle exit`: proven, and waiting.
struct Leaving {
    running: Running,
    out: std::path::PathBuf,
}

impl Leaving {
    async fn start(chain: &Chain) -> Self {
        let out = chain.path("exit.out");
        let key = chain.path("leaving.key");
        fs::write(&key, trestle_test_support::DEV_KEYS[USER]).unwrap();
        let deployment = chain.deployed.rollup.contracts.deployment.to_string();
        let (key, datadir) = (key.display().to_string(), chain.path("leaving"));
        let (url, datadir) = (chain.l1.url(), datadir.display().to_string());
        let args = [
            "exit",
            "--only-begun",
            "--yes",
            "--json",
            "--poll",
            "0.2",
            "--timeout",
            "300",
            "--deployment",
            &deployment,
            "--l1",
            &url,
            "--datadir",
            &datadir,
            "--key-file",
            &key,
        ];
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut process = node::command(&args);
        process.stdout(fs::File::create(&out).unwrap());
        let running = Running(process.stderr(Stdio::inherit()).spawn().unwrap());
        let this = Self { running, out };
        let waits = || async { this.text().contains("\"waiting\"").then_some(()) };
        eventually("the withdrawal is proven and waits", 90, waits).await;
        this
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    async fn end(mut self) -> String {
        let status = eventually("the withdrawal is paid", 300, || {
            let status = self.running.0.try_wait().unwrap();
            async move { status }
        })
        .await;
        assert!(status.success(), "{}", self.text());
        self.text()
    }
}

#[tokio::test]
async fn upgrade_in_mid_dispute_and_mid_withdrawal_lets_both_end_as_they_must() {
    let chain = Chain::new(ChainOptions {
        challenge_clock: CLOCK,
        ..ChainOptions::default()
    })
    .await;
    let sequencer = Node::start(chain.sequencer()).await;
    let mut user = chain.funded_user(USER, &sequencer.rpc).await;
    let to = Address::repeat_byte(0x81);
    begin(&mut user, &sequencer, to, 6_000_000).await;
    let head = sequencer.rpc.block("safe").await;
    let header = header_of(&sequencer, quantity(&head["number"])).await;
    sequencer.kill();
    shorten_delay(&chain, DELAY).await;

    let leaving = Leaving::start(&chain).await;
    let arena = Arena::of(chain);
    let (_challenger, _) = arena.player("challenger", "challenger", &[]).await;
    let (_liar, liar) = arena.player("liar", "liar", &["--class", "balance"]).await;
    let game = arena.game_of("liar", liar).await;
    let disputed = DisputeGame::new(game, &arena.l1);
    let root = disputed.rootHeader().call().await.unwrap();
    let root = disputed.idOf(root).call().await.unwrap();
    eventually("the lie is countered", 60, || async {
        let claim = disputed.claims(root).call().await.ok()?;
        (claim.children > 0).then_some(())
    })
    .await;

    let next = B256::repeat_byte(0x77);
    change_everything(&arena.chain, next).await;
    assert_eq!(disputed.status().call().await.unwrap(), 0, "in mid-dispute");
    assert!(
        !leaving.text().contains("\"finalized\""),
        "in mid-withdrawal"
    );

    let old = arena.chain.deployed.deployments.config.dispute.image_root;
    assert_eq!(disputed.imageRoot().call().await.unwrap(), old);
    arena.ended("liar", game, 1).await;
    assert_eq!(
        arena.steps_of(game).await.len(),
        1,
        "a step of the old image, after the upgrade"
    );
    let out = leaving.end().await;
    assert!(out.contains("\"collected\""), "the bond is back: {out}");
    let chain = &arena.chain;
    assert_eq!(chain.l1_rpc().balance(to).await, U256::from(6_000_000));
    judge(chain).await;
    games_to_come_have_the_next_image(chain, far_ahead(header), (old, next)).await;
    assert_eq!(command(chain, &["deposit", "1"])[0]["event"], "deposited");
    assert!(crate::proven::prove_all(chain).await > 0);
}

/// A new image, a new Portal and a new bridge: announced, shown, refused while it is early, executed.
async fn change_everything(chain: &Chain, image: B256) {
    let image = image.to_string();
    let portal = next_portal(chain).await.to_string();
    let game = ["--step-cap", "100000000", "--inclusion-time", "1"];
    let image = ["image", &image, "--from-batch", "1000"];
    let changes: [&[&str]; 3] = [
        &[&image[..], &game].concat(),
        &["implementation", "portal", "--at", &portal],
        &["implementation", "bridge"],
    ];
    let stranger = [&["upgrade"], changes[2]].concat();
    let (ok, _, err) = outcome_of(chain, USER, &stranger);
    assert!(
        !ok && err.contains("AccessControlUnauthorizedAccount"),
        "{err}"
    );
    let mut ids = Vec::new();
    for change in changes {
        let quote = upgrade(chain, &[change, &["--dry-run"]].concat());
        assert_eq!(quote[0]["event"], "quote");
        let lines = upgrade(chain, change);
        assert_eq!(lines[0]["event"], "announced");
        assert_eq!(lines[0]["id"], quote[0]["id"]);
        let id = lines[0]["id"].as_str().unwrap().to_owned();
        let (ok, _, err) = outcome_of(chain, USER, &["upgrade", "execute", &id]);
        assert!(!ok && err.contains("can be executed in"), "early: {err}");
        ids.push(id);
    }
    refuse_what_cannot_be(chain);
    let shown = show(chain);
    let kinds: Vec<_> = shown
        .iter()
        .map(|line| &line["calls"][0]["does"])
        .map(|does| json!([does["kind"], does["contract"], does["isOfThisRelease"]]))
        .collect();
    let expected = [
        json!(["games", null, true]),
        json!(["implementation", "portal", true]),
        json!(["implementation", "bridge", true]),
        json!(["implementation", "inbox", true]),
        json!(["implementation", "system-config", false]),
    ];
    assert_eq!(kinds, expected, "{shown:?}");
    let cancelled = shown[3..].iter().all(|line| line["state"] == "cancelled");
    assert!(cancelled, "{shown:?}");
    for id in &ids {
        execute(chain, id).await;
    }
    let shown = show(chain);
    assert!(
        shown[..3].iter().all(|line| line["state"] == "executed"),
        "{shown:?}"
    );
    let third = B256::repeat_byte(6).to_string();
    let third = ["upgrade", "image", &third, "--from-batch", "2000"];
    let (ok, _, err) = outcome_of(chain, OPERATOR, &third);
    assert!(
        !ok && err.contains("before another change of the image"),
        "{err}"
    );
    let at = chain.deployed.rollup.contracts.portal;
    let portal = Portal::new(at, chain.batcher());
    let maturity = portal.proofMaturityDelaySeconds().call().await.unwrap();
    assert_eq!(maturity, U256::from(3), "the Portal is the new one");
}

/// Executes a change once its delay is over, as anyone may.
pub(crate) async fn execute(chain: &Chain, id: &str) {
    let done = || async {
        outcome_of(chain, USER, &["upgrade", "execute", id])
            .0
            .then_some(())
    };
    eventually("the delay is over", 60, done).await;
}

fn refuse_what_cannot_be(chain: &Chain) {
    let lines = upgrade(chain, &["implementation", "inbox"]);
    let cancelled = lines[0]["id"].as_str().unwrap();
    assert_eq!(
        upgrade(chain, &["cancel", cancelled])[0]["event"],
        "cancelled"
    );
    // Code that is none of ours can be announced, and is seen to be.
    let foreign = chain.deployed.rollup.contracts.step_verifier.to_string();
    let foreign = upgrade(
        chain,
        &["implementation", "system-config", "--at", &foreign],
    );
    upgrade(chain, &["cancel", foreign[0]["id"].as_str().unwrap()]);
    let unknown = B256::repeat_byte(1).to_string();
    let old = chain.deployed.deployments.config.dispute.image_root;
    let (old, nobody) = (old.to_string(), Address::repeat_byte(2).to_string());
    let image = B256::repeat_byte(5).to_string();
    let cases: [(&[&str], &str); 8] = [
        (&["execute", cancelled], "is cancelled"),
        (&["cancel", cancelled], "is cancelled"),
        (&["execute", &unknown], "was announced"),
        (&["image", &old, "--from-batch", "1000"], "no other image"),
        (&["image", &image, "--from-batch", "1"], "is on L1 already"),
        (&["implementation", "portal", "--at", &nobody], "no code"),
        (&["implementation", "bridge"], "announced already"),
        (&["implementation", "anchor"], "there are inbox"),
    ];
    for (words, reason) in cases {
        let words = [&["upgrade"], words].concat();
        let (ok, lines, err) = outcome_of(chain, OPERATOR, &words);
        assert!(!ok && lines.is_empty(), "{words:?}: {lines:?}");
        assert!(err.contains(reason), "{words:?}: {err}");
    }
}

/// A game that is made now runs the next image for batches to come, and the old one for those before.
async fn games_to_come_have_the_next_image(
    chain: &Chain,
    header: alloy::consensus::Header,
    (old, next): (B256, B256),
) {
    propose_falsehood(chain, header).await;
    let l1 = chain.batcher();
    let factory = chain.deployed.rollup.contracts.dispute_game_factory;
    let factory = DisputeGameFactory::new(factory, &l1);
    let count = factory.gameCount().call().await.unwrap();
    let newest = count - U256::from(1);
    let game = factory.gameAtIndex(newest).call().await.unwrap().proxy;
    let game = DisputeGame::new(game, &l1);
    assert_eq!(game.imageRoot().call().await.unwrap(), next);
    assert_eq!(game.previousImageRoot().call().await.unwrap(), old);
    assert_eq!(game.imageFromBatch().call().await.unwrap(), 1_000);
    let implementation = factory.gameImpls(GAME_TYPE).call().await.unwrap();
    assert_ne!(implementation, chain.deployed.rollup.contracts.dispute_game);
}

/// The code at `at` without the function of this selector.
async fn code_without(l1: &impl Provider, at: Address, selector: [u8; 4]) -> Bytes {
    let mut code = l1.get_code_at(at).await.unwrap().to_vec();
    let push = [&[0x63][..], &selector].concat();
    let place = code.windows(5).position(|bytes| bytes == push).unwrap();
    code[place + 4] ^= 1;
    code.into()
}

#[tokio::test]
async fn inbox_that_predates_blobs_can_be_replaced_and_announced_code_like_it_shown() {
    let chain = Chain::new(ChainOptions::default()).await;
    let (l1, inbox) = (chain.l1_wallet(OPERATOR), chain.inbox());
    let slot: U256 = keccak256("eip1967.proxy.implementation").into();
    let slot = slot - U256::ONE;
    let word = l1.get_storage_at(*inbox.address(), slot).await.unwrap();
    let at = Address::from_word(word.into());
    let old = code_without(&l1, at, maxBlobsCall::SELECTOR).await;
    l1.anvil_set_code(at, old.clone()).await.unwrap();
    inbox.maxBlobs().call().await.unwrap_err();
    let elsewhere = Address::repeat_byte(0x77);
    l1.anvil_set_code(elsewhere, old).await.unwrap();

    upgrade(&chain, &["implementation", "inbox"]);
    let like_it = ["implementation", "inbox", "--at", &elsewhere.to_string()];
    upgrade(&chain, &like_it);
    let shown = show(&chain);
    let does = |line: &Value| line["calls"][0]["does"]["isOfThisRelease"].clone();
    let of_release = shown.iter().map(does);
    assert_eq!(of_release.collect::<Vec<_>>(), [json!(true), json!(false)]);
}
