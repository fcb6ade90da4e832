//! What a recovery costs by the lanes and by the C library, on one thread in one run.
//!
//! `make bench-recovery`. Batches of random signatures that somebody signed. The methods take
//! turns, and each figure is the least of its turns, as other programs can only add to it;
//! no turn is much longer than the processor leaves a program alone.

use rand::{Rng, SeedableRng, rngs::StdRng};
use std::hint::black_box;
use std::time::Instant;
use trestle_recovery::{Method, Signature, recover_by};

/// Turns of each method.
const TURNS: usize = 201;

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

/// The least one.
fn least(figures: &[f64]) -> f64 {
    figures.iter().copied().fold(f64::INFINITY, f64::min)
}

fn main() {
    println!("secp256k1 recovery, one thread, least of {TURNS} turns, microseconds per signature");
    println!("fastest method of this processor: {:?}", Method::fastest());
    println!(
        "{:>6} {:>10} {:>10} {:>8}",
        "batch", "library", "lanes", "ratio"
    );
    let all = signatures(64);
    for size in [1, 2, 4, 8, 16, 32, 64] {
        let batch = all.get(..size).unwrap_or(&all);
        let (mut library, mut lanes) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            library.push(turn(Method::Library, batch));
            lanes.push(turn(Method::Lanes, batch));
        }
        let (library, lanes) = (least(&library), least(&lanes));
        println!(
            "{size:>6} {library:>10.2} {lanes:>10.2} {:>8.2}",
            library / lanes
        );
    }
}
