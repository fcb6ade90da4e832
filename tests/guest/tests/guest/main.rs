//! The program that is proven, against the node's own derivation: every batch here is derived, proven natively and
//! run in the machine, and all three must name the same output root.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; the lints know only functions that are marked as tests"
)]

mod bounds;
mod corpus;
mod failures;
mod outside;
mod payloads;
mod precompiles;
mod random;
mod skipped;
mod storage;
mod transactions;
