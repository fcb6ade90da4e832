//! End-to-end tests: the built `trestle` against a real L1 client, looked at from outside only.
//!
//! ```text
//! support::Chain ── anvil, contracts, rollup.json
//!        └── support::Node ── `trestle sequencer` or `trestle replica`, its RPC, its signals
//! ```
//! One binary of the `trestle` package, so that cargo builds the program before it runs these tests.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; the lints know only functions that are marked as tests"
)]

mod agreement;
mod archive;
mod backlog;
mod bad_input;
mod blobs;
mod clock;
mod crash;
mod dev;
mod exit;
mod forced;
mod fraud;
mod l1_faults;
#[path = "../game/src/liar.rs"]
mod liar;
mod measured;
mod mempool;
mod operations;
mod proven;
#[path = "../game/src/random.rs"]
mod random;
mod reorgs;
mod replica_inputs;
#[path = "../power/src/rule.rs"]
mod rule;
mod schema;
mod support;
mod tokens;
mod transition;
mod upgrade;
mod withdrawals;
