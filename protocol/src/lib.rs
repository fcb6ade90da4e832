//! The rules of a Trestle chain: everything that two honest parties must compute alike.
//!
//! The node, the guest program, the tests and the tools all call this crate, so that no rule is
//! written twice. Pure and `no_std`: no I/O, clock, randomness, floats, logging or hash-map order.
//! The rules in words: `SPEC.md`.
//!
//! ```text
//! L1 log ─► queue, batch header ─► derive ─► execute ─► state diff ─► trie ─► output root
//!              payload ──────────────┘          └── receipts, header
//! ```

#![cfg_attr(not(test), no_std)]
#![warn(clippy::arithmetic_side_effects, clippy::float_arithmetic)]

extern crate alloc;

mod state;

pub use state::{AccountChange, AccountInfo, StateDiff};
