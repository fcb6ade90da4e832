//! Frauds on a real L1: liars' processes against the challenger's, all with nothing but L1's data.

mod adversary;
mod arena;
mod attacks;
mod busy;
mod endpoint;
mod images;
mod player;
mod trace;

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use alloy::{primitives::B256, providers::Provider};
use tempfile::TempDir;
use trestle_challenger::service::{FalseRoot, StepKind};

pub(crate) use self::arena::{Arena, Running};
use crate::support::{Chain, ChainOptions, eventually, node::command};

/// Longest time that `trestle dev --fraud` may take from an empty folder to the verdict.
const LIMIT: Duration = Duration::from_secs(300);

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

/// Whether the committed program takes steps of this kind.
fn is_legal(kind: StepKind) -> bool {
    kind != StepKind::Trap
}

/// A true root under attack by a liar of every class at once, each departing at another kind of step; the batch is in
/// blobs, so that their elements are among them.
#[tokio::test]
async fn true_root_survives_every_class_of_fraud_at_once_and_every_kind_of_step() {
    let options = ChainOptions {
        challenge_clock: 150,
        batch_kind: "blobs",
        ..ChainOptions::default()
    };
    let arena = Arena::with_options(options, 1).await;
    let (_challenger, honest) = arena.player("challenger", "challenger", &[]).await;
    let before = arena.l1.get_balance(honest).await.unwrap();
    // One without has no signature to recover.
    let batch = crate::proven::newest_with_transactions(&arena.chain)
        .await
        .to_string();
    let mut liars = Vec::new();
    let mut game = None;
    let legal = StepKind::ALL.iter().filter(|(_, kind)| is_legal(*kind));
    for ((class, _), (kind, _)) in FalseRoot::ALL.iter().zip(legal.cycle()) {
        let extra = [
            "--class", class, "--kind", kind, "--attack", "--batch", &batch,
        ];
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
    for (name, kind) in StepKind::ALL
        .into_iter()
        .filter(|(_, kind)| is_legal(*kind))
    {
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

/// A false root of every class, all over the same batch and all at once.
#[tokio::test]
async fn false_root_of_every_class_falls_to_a_step_on_l1() {
    let arena = Arena::new(120).await;
    let (_challenger, honest) = arena.player("challenger", "challenger", &[]).await;
    let before = arena.l1.get_balance(honest).await.unwrap();
    let (mut liars, mut accounts) = (Vec::new(), Vec::new());
    for (class, _) in FalseRoot::ALL {
        let (running, account) = arena.player("liar", class, &["--class", class]).await;
        liars.push(running);
        accounts.push((class, account));
    }
    for (class, account) in accounts {
        let game = arena.game_of(class, account).await;
        arena.ended(class, game, 1).await;
        assert!(!arena.steps_of(game).await.is_empty(), "{class}");
    }
    eventually("the bonds are back", 120, || async {
        (arena.l1.get_balance(honest).await.ok()? >= before).then_some(())
    })
    .await;
}

/// Time between two kills of the challenger: enough for a run in the machine and a move.
const LIFE: Duration = Duration::from_secs(4);

/// One fraud while the challenger dies again and again and L1 takes blocks back.
#[tokio::test]
async fn challenger_killed_and_reorganised_in_mid_game_loses_nothing() {
    let rounds: u32 = std::env::var("CHALLENGER_KILLS").map_or(4, |text| text.parse().unwrap());
    // The game is to outlast the kills: who is dead most of the time, and sees its moves taken back, needs time.
    let arena = Arena::new(120.max(rounds * 5)).await;
    let (_liar, account) = arena.player("liar", "liar", &["--class", "storage"]).await;
    let game = arena.game_of("liar", account).await;
    for round in 0..rounds {
        let (life, _) = arena.player("challenger", "challenger", &[]).await;
        tokio::time::sleep(LIFE).await;
        drop(life);
        arena.chain.stop_mining().await;
        arena
            .chain
            .reorg(u64::from(1 + round % 3), Vec::new())
            .await;
        arena.chain.begin_mining(1).await;
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
