//! Any bytes as columns of a batch with deposits: derivation ends, and gives the same blocks twice.

#![no_main]

#[path = "../../tests/chain/world.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod world;

use alloy_primitives::{Address, U256};
use libfuzzer_sys::fuzz_target;
use world::{L1_TIME, RECORDER, World, attributes, deposit, word};

/// A calldata payload whose frame holds `columns`.
fn framed(columns: &[u8]) -> Vec<u8> {
    let mut payload = vec![1];
    payload.extend(zstd::bulk::compress(columns, 1).expect("zstd compresses any bytes"));
    payload
}

fn run(payload: &[u8]) -> Vec<alloy_primitives::B256> {
    let mut world = World::new(&[1]);
    world.enqueue(attributes(1_000, 1));
    world.enqueue_at(
        L1_TIME + 5,
        deposit(Address::repeat_byte(0xaa), Some(RECORDER), U256::from(1), U256::ZERO, word(5)),
    );
    let header = world.header(Some(payload), 2);
    let blocks = world.derive(&header, Some(payload));
    blocks.iter().map(|block| block.header.hash).collect()
}

fuzz_target!(|data: &[u8]| {
    let payload = framed(data);
    let blocks = run(&payload);
    assert!(!blocks.is_empty(), "the deposits are always consumed");
    assert_eq!(blocks, run(&payload));
});
