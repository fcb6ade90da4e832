//! Frauds on a real L1: liars' processes against the challenger's, all with nothing but L1's data.

use std::{
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use alloy::{
    consensus::Transaction,
    primitives::{Address, B256, U256, keccak256},
    providers::{DynProvider, Provider},
    rpc::types::Filter,
    signers::local::PrivateKeySigner,
    sol_types::{SolCall, SolEvent},
};
use serde_json::json;
use tempfile::TempDir;
use trestle_challenger::service::{FalseRoot, StepKind};
use trestle_contracts::bindings::{
    DisputeGame, DisputeGameFactory,
    dispute_game::DisputeGame::{Stepped, stepCall},
};
use trestle_vm::{BOOT_LEN, STATE_LEN, State};

use crate::{
    agreement::{settle, some_of_everything},
    support::{Chain, ChainOptions, Node, eventually, node::command},
};

/// Longest time that `trestle dev --fraud` may take from an empty folder to the verdict.
const LIMIT: Duration = Duration::from_secs(300);
/// Longest time for all frauds of one test, in seconds.
const SECONDS: u64 = 420;
/// Register that names a system call.
const A7: usize = 17;
/// Bytes of a leaf of the code tree.
const LEAF: usize = 128;

/// Ends the process, and by its supervision all of its children, however the test ends.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `trestle dev --fraud --exit` to its end; gives what it printed and whether it succeeded.
async fn fraud(folder: &Path, class: &str) -> (String, bool) {
    let out = folder.join("out");
    let file = std::fs::File::create(&out).unwrap();
    let datadir = folder.join("dev").display().to_string();
    let class = format!("--fraud={class}");
    let fixed = ["dev", "--exit", &class, "--datadir", &datadir];
    let ports = ["--l1-port", "0", "--port", "0", "--replica-port", "0"];
    let args: Vec<String> = fixed
        .iter()
        .chain(&ports)
        .map(|arg| (*arg).to_owned())
        .collect();
    let mut child = Running(
        command(&args)
            .stdout(file)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    );
    let limit = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            break status;
        }
        assert!(
            Instant::now() < limit,
            "no verdict within {LIMIT:?}: {}",
            std::fs::read_to_string(&out).unwrap()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    (std::fs::read_to_string(&out).unwrap(), status.success())
}

#[tokio::test]
async fn false_balance_is_defeated_by_one_step_on_l1() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (out, succeeded) = fraud(folder.path(), "balance").await;
    assert!(succeeded, "{out}");
    assert!(
        out.contains("step     "),
        "the dispute went down to a step: {out}"
    );
    assert!(
        out.ends_with("Verdict: the false output root was defeated on L1.\n"),
        "{out}"
    );
}

/// A chain with batches on L1, and players with accounts of their own.
pub(crate) struct Arena {
    pub(crate) chain: Chain,
    pub(crate) l1: DynProvider,
}

impl Arena {
    /// A chain that has seen some of everything.
    async fn new(clock: u32) -> Self {
        let chain = Chain::new(ChainOptions {
            challenge_clock: clock,
            ..ChainOptions::default()
        })
        .await;
        let sequencer = Node::start(chain.sequencer()).await;
        let mut user = chain.funded_user(0, &sequencer.rpc).await;
        some_of_everything(&chain, &sequencer.rpc, &mut user).await;
        settle(&sequencer, &sequencer).await;
        Self::of(chain)
    }

    /// A chain that has seen enough.
    pub(crate) fn of(chain: Chain) -> Self {
        let l1 = chain.batcher();
        Self { chain, l1 }
    }

    /// Starts a player with an account of its name, which has `ether`.
    pub(crate) async fn player(
        &self,
        role: &str,
        name: &str,
        extra: &[&str],
    ) -> (Running, Address) {
        let key = keccak256(name);
        let account = PrivateKeySigner::from_bytes(&key).unwrap().address();
        let file = self.chain.path(&format!("{name}.key"));
        if !file.exists() {
            let wei = U256::from(100) * U256::from(10).pow(U256::from(18));
            let funds = json!([account, format!("{wei:#x}")]);
            self.chain.l1_rpc().call("anvil_setBalance", funds).await;
            std::fs::write(&file, key.to_string()).unwrap();
        }
        let folder = self.chain.path("").display().to_string();
        let datadir = self.chain.path(name).display().to_string();
        let (url, file) = (self.chain.l1.url(), file.display().to_string());
        let fixed = [
            role,
            "--chain",
            &folder,
            "--datadir",
            &datadir,
            "--l1",
            &url,
            "--l1-block-time",
            "1",
            "--key-file",
            &file,
        ];
        let args: Vec<String> = fixed
            .iter()
            .chain(extra)
            .map(|arg| (*arg).to_owned())
            .collect();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.chain.path(&format!("{name}.log")))
            .unwrap();
        let child = command(&args)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        (Running(child), account)
    }

    pub(crate) fn log_of(&self, name: &str) -> String {
        std::fs::read_to_string(self.chain.path(&format!("{name}.log"))).unwrap_or_default()
    }

    /// The game that an account began, once it is there.
    pub(crate) async fn game_of(&self, name: &str, account: Address) -> Address {
        let factory = self.chain.deployed.rollup.contracts.dispute_game_factory;
        let factory = DisputeGameFactory::new(factory, &self.l1);
        eventually(&format!("a game of {name}"), SECONDS, || async {
            let count = factory
                .gameCount()
                .call()
                .await
                .ok()?
                .saturating_to::<u64>();
            for index in 0..count {
                let game = factory
                    .gameAtIndex(U256::from(index))
                    .call()
                    .await
                    .ok()?
                    .proxy;
                let creator = DisputeGame::new(game, &self.l1)
                    .gameCreator()
                    .call()
                    .await
                    .ok()?;
                if creator == account {
                    return Some(game);
                }
            }
            None
        })
        .await
    }

    /// Waits until a game has ended, and so: 1 for a root that fell, 2 for one that stands.
    pub(crate) async fn ended(&self, name: &str, game: Address, expected: u8) {
        let contract = DisputeGame::new(game, &self.l1);
        let status = eventually(
            &format!("the end of the game of {name}"),
            SECONDS,
            || async {
                contract
                    .status()
                    .call()
                    .await
                    .ok()
                    .filter(|status| *status != 0)
            },
        )
        .await;
        assert_eq!(status, expected, "{name}: {}", self.log_of(name));
    }

    /// What the steps did that refuted claims in a game, read out of their witnesses.
    pub(crate) async fn steps_of(&self, game: Address) -> Vec<StepKind> {
        let filter = Filter::new()
            .address(game)
            .event_signature(Stepped::SIGNATURE_HASH)
            .from_block(0);
        let mut kinds = Vec::new();
        for log in self.l1.get_logs(&filter).await.unwrap() {
            let hash = log.transaction_hash.unwrap();
            let tx = self
                .l1
                .get_transaction_by_hash(hash)
                .await
                .unwrap()
                .unwrap();
            kinds.push(kind_of(&stepCall::abi_decode(tx.input()).unwrap().witness));
        }
        kinds
    }
}

/// Kind of the step that a witness proves.
fn kind_of(witness: &[u8]) -> StepKind {
    if witness.len() == BOOT_LEN {
        return StepKind::Boot;
    }
    let state = State::decode(&witness[..STATE_LEN]).unwrap();
    let at = STATE_LEN + usize::try_from(state.pc).unwrap() % LEAF;
    let word = u32::from_le_bytes(witness[at..at + 4].try_into().unwrap());
    StepKind::of(word, state.x[A7])
}

/// A true root under attack by a liar of every class at once, each departing at another kind of step.
#[tokio::test]
async fn true_root_survives_every_class_of_fraud_at_once_and_every_kind_of_step() {
    let arena = Arena::new(150).await;
    let (_challenger, honest) = arena.player("challenger", "challenger", &[]).await;
    let before = arena.l1.get_balance(honest).await.unwrap();
    let mut liars = Vec::new();
    let mut game = None;
    for ((class, _), (kind, _)) in FalseRoot::ALL.iter().zip(StepKind::ALL.iter().cycle()) {
        let extra = ["--class", class, "--kind", kind, "--attack"];
        let (running, account) = arena.player("liar", class, &extra).await;
        liars.push(running);
        if game.is_none() {
            // The first of them proposes the true root, for the others to attack it too.
            game = Some(arena.game_of(class, account).await);
        }
    }
    let game = game.unwrap();
    arena.ended("balance", game, 2).await;
    let steps = arena.steps_of(game).await;
    assert!(steps.len() >= liars.len(), "{steps:?}");
    for (name, kind) in StepKind::ALL {
        assert!(
            steps.contains(&kind),
            "no claim fell to a step of kind {name}: {steps:?}"
        );
    }
    eventually("the bonds are back", 120, || async {
        (arena.l1.get_balance(honest).await.ok()? >= before).then_some(())
    })
    .await;
}

/// Seconds between two kills of the challenger.
const LIFE: Duration = Duration::from_millis(2_500);

/// One fraud while the challenger dies again and again and L1 takes blocks back.
#[tokio::test]
async fn challenger_killed_and_reorganised_in_mid_game_loses_nothing() {
    let rounds: u64 = std::env::var("CHALLENGER_KILLS").map_or(4, |text| text.parse().unwrap());
    let arena = Arena::new(120).await;
    let (_liar, account) = arena.player("liar", "liar", &["--class", "storage"]).await;
    let game = arena.game_of("liar", account).await;
    for round in 0..rounds {
        let (life, _) = arena.player("challenger", "challenger", &[]).await;
        tokio::time::sleep(LIFE).await;
        drop(life);
        if round % 2 == 1 {
            arena.chain.stop_mining().await;
            arena.chain.reorg(2 + round % 3, Vec::new()).await;
            arena.chain.begin_mining(1).await;
        }
    }
    let (_challenger, _) = arena.player("challenger", "challenger", &[]).await;
    // A reorg may have taken the proposal itself back; the liar's transaction is sent again by its sender.
    let game_again = arena.game_of("liar", account).await;
    assert_eq!(game_again, game, "a game's address is its content");
    arena.ended("liar", game, 1).await;
    assert_eq!(
        arena.steps_of(game).await.len(),
        1,
        "it went down to a step"
    );
}

/// The root of nothing: a wrong image is refused before anything else.
#[tokio::test]
async fn challenger_of_another_image_refuses_to_start() {
    let chain = Chain::new(ChainOptions {
        image_root: Some(B256::repeat_byte(7)),
        ..ChainOptions::default()
    })
    .await;
    let folder = chain.path("").display().to_string();
    let datadir = chain.path("challenger").display().to_string();
    let args = [
        "challenger",
        "--watch",
        "--chain",
        &folder,
        "--datadir",
        &datadir,
        "--l1",
        &chain.l1.url(),
    ];
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let output = command(&args).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        text.contains("install the release that the chain uses"),
        "{text}"
    );
}
