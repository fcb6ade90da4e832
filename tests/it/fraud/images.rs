//! Programs other than the committed one: one that fails on some batches, and one that a chain changes to.

use std::path::PathBuf;

use alloy::primitives::{Address, B256};
use trestle_challenger::{
    image::{ELF, IMAGE_ROOT},
    service::StepKind,
};
use trestle_vm::{CALL_ECRECOVER, Image};

use super::Arena;
use crate::{
    agreement::settle,
    support::{Chain, ChainOptions, Node, User},
    upgrade::{DELAY, execute, shorten_delay, upgrade},
};

const ECALL: u32 = 0x73;
/// `CSRRW x0, cycle, x0`, which compilers put behind what never returns.
const UNIMP: u32 = 0xc000_1073;
/// Seconds that each side has in these games.
const CLOCK: u32 = 24;

/// The committed file as words, at whose place `at` there is `word` instead.
fn patched(at: usize, word: u32) -> (Vec<u8>, B256) {
    let mut file = ELF.to_vec();
    file[at * 4..at * 4 + 4].copy_from_slice(&word.to_le_bytes());
    let root = Image::from_elf(&file).unwrap().root();
    assert_ne!(root, IMAGE_ROOT);
    (file, root)
}

fn words() -> Vec<u32> {
    let words = ELF.as_chunks::<4>().0.iter();
    words.map(|word| u32::from_le_bytes(*word)).collect()
}

/// A program that traps where it would recover a signer: on each batch with a signed transaction, on no other.
fn trapping() -> (Vec<u8>, B256) {
    let words = words();
    // ADDI a7, zero, number
    let number = u32::try_from(CALL_ECRECOVER).unwrap() << 20 | 17 << 7 | 0x13;
    let mut places = (0..words.len()).filter(|at| words[*at] == number);
    let place = places.next().unwrap();
    assert_eq!(places.next(), None, "one place recovers signers");
    let call = (place..place + 8).find(|at| words[*at] == ECALL).unwrap();
    patched(call, 0)
}

/// A program that does the same and is another: a word that is never reached differs.
fn next_release() -> (Vec<u8>, B256) {
    let words = words();
    let place = (1..words.len()).find(|at| words[*at] == UNIMP && words[at - 1] == ECALL);
    patched(place.unwrap(), 0)
}

fn write(chain: &Chain, file: &[u8]) -> PathBuf {
    let path = chain.path("other.elf");
    std::fs::write(&path, file).unwrap();
    path
}

/// A sequencer that waits before it posts, so that a deposit and what its owner does at once are in one batch.
async fn slow_sequencer(chain: &Chain) -> Node {
    let mut options = chain.sequencer();
    let at = options.args.iter().position(|arg| arg == "--batch-delay");
    options.args[at.unwrap() + 1] = "4".to_owned();
    Node::start(options).await
}

#[tokio::test]
async fn batch_on_which_the_program_traps_is_settled_by_the_step_that_traps() {
    let (file, root) = trapping();
    let chain = Chain::new(ChainOptions {
        challenge_clock: CLOCK,
        image_root: Some(root),
        ..ChainOptions::default()
    })
    .await;
    let sequencer = slow_sequencer(&chain).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    user.transfer(Address::repeat_byte(7), 1)
        .included(&sequencer.rpc)
        .await;
    settle(&sequencer, &sequencer).await;
    sequencer.kill();
    let image = write(&chain, &file).display().to_string();

    let arena = Arena::of(chain);
    let player = ["--image", &image];
    let checks = [&player[..], &["--run-batches"]].concat();
    let (_checker, _) = arena.player("challenger", "checker", &checks).await;
    // This one learns of it by the dispute alone.
    let (_bystander, _) = arena.player("challenger", "bystander", &player).await;
    let lies = [&player[..], &["--native", "--kind", "trap"]].concat();
    let (_liar, account) = arena.player("liar", "liar", &lies).await;
    let game = arena.game_of("liar", account).await;
    arena.ended("liar", game, 1).await;
    assert_eq!(arena.steps_of(game).await, [StepKind::Trap]);
    for name in ["checker", "bystander"] {
        let log = arena.log_of(name);
        let alarm = log
            .lines()
            .find(|line| line.contains("a bug of the program"));
        let alarm = alarm.unwrap_or_else(|| panic!("{name} raised no alarm: {log}"));
        assert!(alarm.contains("IllegalInstruction"), "{alarm}");
        assert!(!log.contains("ended against the truth"), "{log}");
    }
}

/// Transfers until L1 has this many batches.
async fn post_until(chain: &Chain, sequencer: &Node, user: &mut User, batches: u64) {
    while chain.inbox().batchCount().call().await.unwrap() < batches {
        user.transfer(Address::repeat_byte(7), 1)
            .included(&sequencer.rpc)
            .await;
        settle(sequencer, sequencer).await;
    }
}

#[tokio::test]
async fn false_root_over_batches_of_two_images_falls_to_one_challenger_with_both() {
    let (file, root) = next_release();
    let chain = Chain::new(ChainOptions {
        challenge_clock: CLOCK,
        ..ChainOptions::default()
    })
    .await;
    shorten_delay(&chain, DELAY).await;
    let sequencer = Node::start(chain.sequencer()).await;
    let mut user = chain.funded_user(0, &sequencer.rpc).await;
    post_until(&chain, &sequencer, &mut user, 1).await;
    let from = chain.inbox().batchCount().call().await.unwrap() + 8;
    let (root, first) = (root.to_string(), from.to_string());
    let game = ["--step-cap", "100000000", "--inclusion-time", "1"];
    let change = [&["image", &root, "--from-batch", &first], &game[..]].concat();
    let announced = upgrade(&chain, &change);
    execute(&chain, announced[0]["id"].as_str().unwrap()).await;
    post_until(&chain, &sequencer, &mut user, from).await;
    sequencer.kill();
    let image = write(&chain, &file).display().to_string();

    let arena = Arena::of(chain);
    let both = ["--image", &image];
    let (_challenger, _) = arena.player("challenger", "challenger", &both).await;
    let (_lonely, _) = arena.player("challenger", "lonely", &["--dry-run"]).await;
    let last_old = (from - 1).to_string();
    let cases = [
        ("old", vec!["--batch", &last_old], 1),
        ("both", vec!["--batch", &first, "--class", "nonce"], 1),
        (
            "attack",
            vec!["--batch", &first, "--class", "storage", "--attack"],
            2,
        ),
    ];
    let mut liars = Vec::new();
    for (name, words, end) in &cases {
        let words = [&both[..], &words[..]].concat();
        let (running, account) = arena.player("liar", name, &words).await;
        liars.push((running, *name, account, *end));
    }
    for (_, name, account, end) in &liars {
        let game = arena.game_of(name, *account).await;
        arena.ended(name, game, *end).await;
        // Of the games over both images, this one goes down to a step, by the next image.
        let has_step = !arena.steps_of(game).await.is_empty();
        assert_eq!(has_step, *name == "attack", "{name}");
    }
    let log = arena.log_of("challenger");
    for image in [&root, &IMAGE_ROOT.to_string()] {
        let ran = |line: &str| line.contains("running the batch") && line.contains(image.as_str());
        assert!(log.lines().any(ran), "no run by {image}: {log}");
    }
    // Who has one of the two says what is missing.
    let log = arena.log_of("lonely");
    assert!(
        log.contains("which is not here: give its file by --image"),
        "{log}"
    );
}
