//! What a hash costs side by side and one by one, on one thread in one run.
//!
//! `make bench-keccak`. The lengths are those of trie nodes: a leaf of storage, an account's leaf, a
//! branch of three, of eight and of sixteen children, and a mixture. The methods take turns, and
//! each figure is the least of its turns, as other programs can only add to it.

use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};
use std::hint::black_box;
use std::time::Instant;
use trestle_keccak::{Method, keccak256_many_by};

/// Turns of each method.
const TURNS: usize = 401;

/// Lengths of trie nodes, in bytes.
const LENGTHS: [usize; 5] = [68, 110, 116, 276, 532];

/// Nanoseconds per hash of one call.
#[expect(clippy::cast_precision_loss, reason = "a batch is short")]
fn turn(method: Method, inputs: &[&[u8]]) -> f64 {
    let start = Instant::now();
    black_box(keccak256_many_by(method, black_box(inputs)));
    start.elapsed().as_secs_f64() * 1e9 / inputs.len() as f64
}

/// One line of the table.
fn compare(name: &str, inputs: &[&[u8]]) {
    let (mut single, mut lanes) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TURNS {
        single = single.min(turn(Method::OneByOne, inputs));
        lanes = lanes.min(turn(Method::Lanes, inputs));
    }
    let (size, ratio) = (inputs.len(), single / lanes);
    println!("{name:>10} {size:>6} {single:>12.0} {lanes:>8.0} {ratio:>8.2}");
}

fn main() {
    println!("keccak-256, one thread, least of {TURNS} turns, nanoseconds per hash");
    println!("fastest method of this processor: {:?}", Method::fastest());
    println!("     bytes  batch   one by one    lanes    ratio");
    let mut rng = StdRng::seed_from_u64(1);
    let mut bytes = vec![0; 1 << 10];
    rng.fill_bytes(&mut bytes);
    let input = |length: usize| bytes.get(..length).unwrap_or_default();
    for length in LENGTHS {
        compare(&length.to_string(), &vec![input(length); 64]);
    }
    let mut mixed = || input(*LENGTHS.get(rng.random_range(0..5)).unwrap_or(&0));
    let mixed: Vec<_> = (0..256).map(|_| mixed()).collect();
    for size in [1, 2, 3, 4, 8, 9, 16, 64, 256] {
        compare("mixed", mixed.get(..size).unwrap_or(&mixed));
    }
}
