//! What a recovery costs by the lanes and by the C library, on one thread in one run.
//!
//! `make bench-recovery`. Batches of 256 random signatures that somebody signed; the methods take
//! turns, and each figure is the median of its turns. Groups of eight and of one batch of each size
//! show what a short batch costs.

use rand::{Rng, SeedableRng, rngs::StdRng};
use std::hint::black_box;
use std::time::Instant;
use trestle_recovery::{Method, Signature, recover_by};

/// Turns of each method.
const TURNS: usize = 41;

/// Random signatures with a signer: every other r is an x-coordinate.
fn signatures(count: usize) -> Vec<Signature> {
    let mut rng = StdRng::seed_from_u64(7);
    let mut batch = Vec::new();
    while batch.len() < count {
        let candidate = Signature {
            hash: rng.random(),
            r: rng.random(),
            s: rng.random(),
            odd: rng.random(),
        };
        if recover_by(Method::Library, &[candidate])
            .iter()
            .all(Option::is_some)
        {
            batch.push(candidate);
        }
    }
    batch
}

/// Microseconds per signature of one call.
#[expect(clippy::cast_precision_loss, reason = "a batch is short")]
fn turn(method: Method, batch: &[Signature]) -> f64 {
    let start = Instant::now();
    black_box(recover_by(method, black_box(batch)));
    start.elapsed().as_secs_f64() * 1e6 / batch.len() as f64
}

/// The middle one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn main() {
    println!("secp256k1 recovery, one thread, median of {TURNS} turns, microseconds per signature");
    println!("fastest method of this processor: {:?}", Method::fastest());
    println!(
        "{:>6} {:>10} {:>10} {:>8}",
        "batch", "library", "lanes", "ratio"
    );
    let all = signatures(256);
    for size in [1, 2, 4, 8, 16, 64, 256] {
        let batch = all.get(..size).unwrap_or(&all);
        let (mut library, mut lanes) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            library.push(turn(Method::Library, batch));
            lanes.push(turn(Method::Lanes, batch));
        }
        let (library, lanes) = (median(library), median(lanes));
        println!(
            "{size:>6} {library:>10.2} {lanes:>10.2} {:>8.2}",
            library / lanes
        );
    }
}
