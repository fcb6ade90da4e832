//! Random batches for as long as wanted: derivation, the native program and the machine must agree on each.
//!
//! `cargo run -p trestle-guest-tests --example guest_soak -- SECONDS [SEED]`
//!
//! Prints the seed of every chain; the same seed gives the same batches.

#![expect(clippy::unwrap_used, reason = "a tool for developers")]

use std::time::{Duration, Instant, SystemTime};
use trestle_guest_tests::random::Batches;

/// Batches of one chain.
const BATCHES: u64 = 20;

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().unwrap());
    let limit = Duration::from_secs(numbers.next().unwrap_or(600));
    let first = numbers.next().unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap().as_secs()
    });
    let start = Instant::now();
    let (mut batches, mut blocks, mut steps) = (0u64, 0u64, 0u64);
    for seed in first.. {
        println!("seed {seed}: {batches} batches, {blocks} blocks, {steps} steps so far");
        let mut chain = Batches::new(seed);
        let mut newest = 0;
        for at in 0..BATCHES {
            let run = chain.prove(&format!("seed {seed}, batch {at}"));
            (steps, newest) = (steps + run.0, run.1);
        }
        (batches, blocks) = (batches + BATCHES, blocks + newest);
        if start.elapsed() >= limit {
            break;
        }
    }
    let seconds = start.elapsed().as_secs();
    println!(
        "{batches} batches, {blocks} blocks, {steps} steps in {seconds} s from seed {first}: all agree"
    );
}
