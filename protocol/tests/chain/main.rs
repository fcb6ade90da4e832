//! Blocks, derivation and the transition, over a small chain in memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a failure in what the tests share fails the test"
)]

mod derivation;
mod execution;
mod skips;
mod transition;
mod world;
