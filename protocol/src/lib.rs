//! The rules of a Trestle chain: everything that two honest parties must compute alike.
//!
//! The node, the guest program, the tests and the tools all call this crate, so that no rule is
//! written twice. Pure and `no_std`: no I/O, clock, randomness, floats, logging or hash-map order.
//! The rules in words: `SPEC.md`.
//!
//! ```text
//! L1 log ─► queue, batch header ─► derive ─► block (execute) ─► state diff ─► trie ─► output root
//!              payload ──────────────┘            └── receipts, header
//! ```

#![cfg_attr(not(test), no_std)]
#![warn(clippy::arithmetic_side_effects, clippy::float_arithmetic)]

extern crate alloc;

mod batch;
pub mod blobs;
mod block;
mod bytes;
mod config;
mod deposit;
mod derive;
pub mod evm;
pub mod fees;
mod genesis;
mod hashes;
mod header;
mod log;
mod overlay;
pub mod payload;
pub mod predeploys;
mod preimages;
mod queue;
mod recover;
mod seal;
mod state;
mod transition;
pub mod trie;
mod validate;
mod work;

pub use batch::{BatchContent, BatchHeader, BatchHeaderError};
pub use block::{BlockInput, ExecutionError, Offer, OpenBlock, unpack_params};
pub use config::{ChainConfig, ConfigError};
pub use deposit::{deposit_transaction, source_hash};
pub use derive::{Derivation, KnownBlock, entries_that_fit};
pub use genesis::{Genesis, GenesisAccount};
pub use hashes::{CHUNK_BYTES, OutputPreimage, accumulate, chunk_hashes, chunked_hash};
pub use header::{ExtraError, HeaderExtra, header_template};
pub use log::{chunk_preimages, log_preimages};
pub use overlay::{BlockState, history_slot};
pub use preimages::{InputError, Inputs, Preimages};
pub use queue::{
    Deposit, EntryBody, EntryError, L1Attributes, OperatorParams, QueueEntry, QueuedEntry,
};
pub use recover::{recover_address, recover_sender};
pub use seal::{Body, PendingBlock, SealedBlock, SealedHeader, StateRoots};
pub use state::{AccountChange, AccountInfo, StateDiff};
pub use transition::{StateError, TransitionError, TransitionInput, transition};
pub use validate::{
    SkipReason, check_account, check_chain, check_fee, check_shape, decode_transaction,
    is_delegation, max_cost, required_gas,
};
pub use work::{BLOCK_ENTRY_WORK, transaction_work};
