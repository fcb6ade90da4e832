//! A chain in memory whose every batch is derived natively, proven natively, and run in the machine.
//!
//! Shared by the tests, the bench and the long runs of the guest. The judge is always the same: the program in the
//! machine halts with the output root that the node's own derivation gives, or the run fails.
//!
//! ```text
//! Account, code ─► World::batch (payload, queue) ─► Follower::derive ─► Recorded ─► machine
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    clippy::missing_panics_doc,
    clippy::cast_possible_truncation,
    reason = "support of tests: it fails by panicking, and its words are those of the specification"
)]

mod account;
pub mod code;
mod guest;
pub mod inputs;
pub mod memory;
pub mod random;
pub mod search;
pub mod transfers;
mod world;

pub use account::{Account, call, create};
pub use guest::{Run, run, run_until_halt};
pub use world::{CHAIN_ID, L1_TIME, World, attributes, compress, deposit, eth, typed};
