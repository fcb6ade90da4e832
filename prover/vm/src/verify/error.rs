//! Why a witness is refused. Each variant has its twin among the errors of the L1 contract.

use crate::state::StateError;
use alloy_primitives::B256;

/// Why a witness proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The witness is shorter or longer than its step needs.
    #[error("witness is {got} bytes long, {expected} expected")]
    Length {
        /// Bytes needed, as far as the step could be read.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// The state in the witness does not hash to the state before the step.
    #[error("witness holds another state: {got}, {expected} expected")]
    WrongState {
        /// Hash of the state before the step.
        expected: B256,
        /// Hash of the state in the witness.
        got: B256,
    },
    /// The state is not canonical.
    #[error(transparent)]
    State(#[from] StateError),
    /// Base or length of the image's code is out of range.
    #[error("image header is not canonical")]
    BadImage,
    /// The code leaf is not in the code.
    #[error("code path leads to {got}, {expected} expected")]
    CodePath {
        /// Code root of the state.
        expected: B256,
        /// Root that the path leads to.
        got: B256,
    },
    /// A memory leaf or page is not in the memory.
    #[error("memory path leads to {got}, {expected} expected")]
    MemoryPath {
        /// Memory root at that point of the step.
        expected: B256,
        /// Root that the path leads to.
        got: B256,
    },
    /// The preimage does not hash to its key.
    #[error("preimage hashes to {got}, {expected} expected")]
    WrongPreimage {
        /// The key.
        expected: B256,
        /// Hash of the preimage given.
        got: B256,
    },
    /// The point evaluation refused the blob element.
    #[error("opening of element {index} of blob {versioned_hash} is refused")]
    WrongOpening {
        /// Versioned hash of the blob.
        versioned_hash: B256,
        /// Index of the element.
        index: u64,
    },
}
