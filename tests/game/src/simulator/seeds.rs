//! The runs by seed. The number of a seed alone tells what is played, so that a failing one replays from it.

use std::ops::Range;

use super::{Report, Setup, simulate};
use crate::liar::KINDS;

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// First seed of the crowds, of 64 attackers at most.
const CROWDS: u64 = 1_000_000;
/// First seed of the games against one kind of attacker alone; `KIND_SEEDS` for each kind.
const KINDS_ALONE: u64 = 2_000_000;
const KIND_SEEDS: u64 = 10_000;

/// What is played at a seed: the number alone tells, so that a failing one replays from its number alone.
fn setup_of(seed: u64) -> Setup {
    let kind = seed
        .checked_sub(KINDS_ALONE)
        .and_then(|i| KINDS.get(usize::try_from(i / KIND_SEEDS).unwrap()).copied());
    let max_attackers = match seed {
        _ if kind.is_some() => 4,
        CROWDS..KINDS_ALONE => 64,
        _ => 8,
    };
    Setup {
        seed,
        max_attackers,
        kind,
        weakening: None,
    }
}

fn play_seeds(seeds: impl Iterator<Item = u64> + Send) -> Report {
    let mut total = Report::default();
    for seed in seeds {
        total.add(&simulate(setup_of(seed)).unwrap());
    }
    total
}

/// Plays the seeds of a range on two threads.
fn play_range(what: &str, seeds: Range<u64>) -> Report {
    let threads: Vec<_> = (0..2)
        .map(|half| {
            let mine = seeds.clone().filter(move |seed| seed % 2 == half);
            std::thread::spawn(move || play_seeds(mine))
        })
        .collect();
    let mut total = Report::default();
    for thread in threads {
        total.add(&thread.join().unwrap());
    }
    assert!(
        total.games >= seeds.end - seeds.start,
        "every seed plays a game"
    );
    println!("{what}: {total}");
    total
}

#[test]
fn truth_wins_in_every_seeded_game() {
    if let Ok(seed) = std::env::var("GAME_SEED") {
        println!(
            "replayed: {}",
            play_seeds(std::iter::once(seed.parse().unwrap()))
        );
        return;
    }
    play_range("mixed attackers", 0..from_env("GAME_SEEDS", 600));
}

#[test]
fn truth_wins_against_up_to_64_attackers_at_once() {
    let runs = from_env("GAME_CROWDS", 12);
    let total = play_range("crowds", CROWDS..CROWDS + runs);
    assert!(total.most_attackers > 8, "crowds are crowds");
}

#[test]
fn truth_wins_against_each_kind_of_attacker_alone() {
    let runs = from_env("GAME_KINDS", 12);
    assert!(runs <= KIND_SEEDS);
    for (i, kind) in (0_u64..).zip(KINDS) {
        let first = KINDS_ALONE + i * KIND_SEEDS;
        assert_eq!(setup_of(first).kind, Some(kind));
        play_range(&format!("{kind:?}"), first..first + runs);
    }
}

#[test]
fn failing_seed_fails_the_same_way_again() {
    let play = |seed| {
        simulate(Setup {
            weakening: Some("step-needs-no-contradiction"),
            ..setup_of(seed)
        })
    };
    let (seed, failure) = (KINDS_ALONE..KINDS_ALONE + 60)
        .find_map(|seed| play(seed).err().map(|what| (seed, what)))
        .expect("some seed fails where a rule is missing");
    assert!(failure.contains(&seed.to_string()), "it names its seed");
    assert_eq!(play(seed).unwrap_err(), failure);
}

#[test]
fn same_seed_plays_the_same_game() {
    let play = |seed| format!("{:?}", simulate(setup_of(seed)).unwrap());
    assert_eq!(play(7), play(7));
    assert_ne!(play(7), play(8), "seeds differ");
}
