//! Hashing through the public functions: both methods, and the same answers.
//!
//! Where the processor has no lanes, both methods hash one by one; the tests of the lanes say so.

use alloy_primitives::{B256, b256, keccak256};
use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};
use trestle_keccak::{Method, keccak256_many, keccak256_many_by};

/// Checks both methods, and the chosen one, against the library.
fn check(inputs: &[&[u8]]) {
    let expected: Vec<B256> = inputs.iter().map(keccak256).collect();
    for method in [Method::Lanes, Method::OneByOne] {
        let hashes = keccak256_many_by(method, inputs);
        assert_eq!(hashes.len(), inputs.len());
        for ((hash, expected), input) in hashes.iter().zip(&expected).zip(inputs) {
            assert_eq!(hash, expected, "{method:?}, {} bytes", input.len());
        }
    }
    assert_eq!(keccak256_many(inputs), expected);
}

fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    StdRng::seed_from_u64(1).fill_bytes(&mut bytes);
    bytes
}

#[test]
fn known_inputs_give_known_hashes() {
    let empty = b256!("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    let abc = b256!("4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    for method in [Method::Lanes, Method::OneByOne] {
        let hashes = keccak256_many_by(method, &[b"", b"abc", b"", b"abc", b"abc"]);
        assert_eq!(hashes, [empty, abc, empty, abc, abc]);
    }
}

#[test]
fn every_length_is_hashed_alike_in_every_lane() {
    let bytes = noise(1000);
    for length in 0..=700 {
        let inputs: Vec<_> = (0..8).map(|at| &bytes[at..][..length]).collect();
        check(&inputs);
    }
}

#[test]
fn lengths_in_order_are_hashed_alike() {
    let bytes = noise(700);
    let rising: Vec<_> = (0..=700).map(|length| &bytes[..length]).collect();
    check(&rising);
    let falling: Vec<_> = rising.into_iter().rev().collect();
    check(&falling);
}

#[test]
fn batches_of_any_size_and_mixed_lengths_are_hashed_alike() {
    let mut rng = StdRng::seed_from_u64(2);
    let bytes = noise(4000);
    for size in 0..=40 {
        for longest in [0, 31, 136, 576, 700, 3000] {
            let mut input = || {
                let length = rng.random_range(0..=longest);
                &bytes[rng.random_range(0..1000)..][..length]
            };
            let inputs: Vec<_> = (0..size).map(|_| input()).collect();
            check(&inputs);
        }
    }
}

#[test]
fn random_bytes_are_hashed_alike() {
    let mut rng = StdRng::seed_from_u64(3);
    let mut input = || {
        let mut bytes = vec![0; rng.random_range(0..=700)];
        rng.fill_bytes(&mut bytes);
        bytes
    };
    let inputs: Vec<_> = (0..20_000).map(|_| input()).collect();
    let inputs: Vec<_> = inputs.iter().map(Vec::as_slice).collect();
    check(&inputs);
}
