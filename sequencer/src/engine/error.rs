//! Why the engine cannot go on for now, or at all.

use crate::store::StoreError;
use trestle_protocol::{ExecutionError, trie::TrieError};

/// Why the engine failed. Never caused by the content of a transaction or a batch.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A block could not be executed.
    #[error(transparent)]
    Execution(#[from] ExecutionError<StoreError>),
    /// The state trie could not be read or changed.
    #[error("state trie: {0}")]
    Trie(#[from] TrieError<StoreError>),
    /// A record of the engine's own does not decode.
    #[error("record of {what} in the store does not decode")]
    Record {
        /// What it should be.
        what: &'static str,
    },
    /// The L1 reader sent something that does not follow on what it sent before.
    #[error("L1 reader sent {what} {got}, expected {expected}")]
    Sequence {
        /// What kind of item.
        what: &'static str,
        /// Number that should have come.
        expected: u64,
        /// Number that came.
        got: u64,
    },
    /// An invariant of the engine is broken.
    #[error("engine invariant broken: {0}")]
    Internal(&'static str),
}
