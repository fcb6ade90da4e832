//! How long the challenger takes from a false claim to the first divergent step, for a batch of ERC-20 transfers.
//!
//! `cargo run --release -p trestle-guest-tests --example challenger_bench -- [TRANSFERS]`
//!
//! Both players choose their moves as they do on L1, by the same pure function, each with a derivation and machine
//! runs of its own; L1 itself is left out. Only the honest player's time is counted: the native derivation, and
//! every choice from the first sight of the claim to the one that names the step. The liar is wrong from the middle
//! of the run on.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a tool for developers")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U256, keccak256};
use trestle_challenger::{
    Clocks, GameParams, GameView, Header, Level, Move, Moved, Purse, Truth, choose_moves,
    service::{Lie, Oracle, Side},
};
use trestle_guest_tests::transfers::transfer_batch;

const HONEST: Address = Address::repeat_byte(1);
const LIAR: Address = Address::repeat_byte(2);

fn main() {
    let count = std::env::args()
        .nth(1)
        .map_or(1_000, |count| count.parse().unwrap());
    let (honest, derivation) = oracle(count);
    let (lied, _) = oracle(count);
    let steps = lied.with_run(1, |run| Ok(run.outcome().steps)).unwrap();
    let lie = Lie {
        batch: 1,
        step: steps / 2,
        output: keccak256("a false output"),
    };
    let mut view = game(&honest, lie.output);
    let (truth, lie) = (Side::Truth(Arc::clone(&honest)), Side::Lie(lied, lie));
    let (mut choices, mut counters) = (Vec::new(), 0);
    let witness = loop {
        let begun = Instant::now();
        let chosen = only_move(&view, &truth, HONEST);
        choices.push(begun.elapsed());
        match chosen {
            Move::Step { witness, .. } => break witness,
            chosen => make(&mut view, chosen, HONEST),
        }
        counters += 1;
        let answer = only_move(&view, &lie, LIAR);
        make(&mut view, answer, LIAR);
    };
    let first = choices.first().unwrap();
    let total: Duration = choices.iter().sum();
    println!("ERC-20 transfers in the batch     {count}");
    println!("machine steps                     {steps}");
    println!("native derivation                 {derivation:.1?}");
    println!("first choice, the run included    {first:.1?}");
    println!("claim seen to step known          {total:.1?} ({counters} counters)");
    println!("witness of the step               {} bytes", witness.len());
    println!("peak memory of both players       {} MiB", peak_mebibytes());
}

/// A player's derivation of a batch of `count` transfers, and the time that it took.
fn oracle(count: u64) -> (Arc<Oracle>, Duration) {
    let (mut world, payload) = transfer_batch(count);
    let batch = world.batch(payload);
    let oracle = Oracle::new(world.follower);
    let begun = Instant::now();
    oracle.derive(&batch).unwrap();
    (Arc::new(oracle), begun.elapsed())
}

/// A game in which a false output after batch 1 is proposed.
fn game(honest: &Oracle, output: B256) -> GameView {
    let params = GameParams {
        clocks: Clocks {
            max_clock: 302_400,
            extension: 14_400,
        },
        bond_min: U256::from(1_u64 << 18),
    };
    let root = Header {
        parent: B256::ZERO,
        level: Level::Root,
        segment: 0,
        lo: 0,
        hi: 1,
        start: honest.output(0).unwrap().unwrap(),
        points: output,
    };
    GameView::new(Address::repeat_byte(3), params, root, LIAR, 1_700_000_000)
}

fn only_move(view: &GameView, side: &Side, account: Address) -> Move {
    let purse = Purse {
        account,
        balance: U256::MAX,
        credit: U256::ZERO,
        takes_profit: false,
    };
    let plan = choose_moves(view, side, &purse).unwrap();
    let [chosen] = <[Move; 1]>::try_from(plan.moves).unwrap();
    chosen
}

fn make(view: &mut GameView, chosen: Move, claimant: Address) {
    let Move::Counter { child, points, .. } = chosen else {
        panic!("only counters before the step: {chosen:?}");
    };
    view.now += 12;
    let moved = Moved {
        header: child,
        points,
        claimant,
        time: view.now,
    };
    view.record_move(moved).unwrap();
}

/// Most memory that this process has had so far, of Linux's account.
fn peak_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes: u64 = line
        .and_then(|line| line.split_whitespace().nth(1))
        .unwrap()
        .parse()
        .unwrap();
    kibibytes >> 10
}
