//! What can keep the truth from being had; none of it is part of the truth.

use super::{RecordedError, StoreError};
use alloy_primitives::B256;
use trestle_guest::Failure;
use trestle_sequencer::l1::BlobError;

/// Why the host could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// L1 did not answer.
    #[error("L1: {0}")]
    L1(#[from] alloy::contract::Error),
    /// L1's endpoint refused or failed.
    #[error("L1: {0}")]
    Transport(#[from] alloy::transports::TransportError),
    /// The log does not continue what was read before: the endpoint lies, lags, or L1 reorganised.
    #[error("L1's log does not continue at {what} {index}")]
    Log {
        /// "entry" or "batch".
        what: &'static str,
        /// Its number.
        index: u64,
    },
    /// The transaction of a batch, or its payload, is not there.
    #[error("payload of batch {batch} is not to be had from transaction {transaction}")]
    Payload {
        /// Number of the batch.
        batch: u64,
        /// Transaction that appended it.
        transaction: B256,
    },
    /// No endpoint and no archive has a blob.
    #[error("batch {batch}: {source}")]
    Blob {
        /// Number of the batch.
        batch: u64,
        /// Which blob, and what was tried.
        source: BlobError,
    },
    /// A batch that does not follow the newest one was handed in.
    #[error("batch {got} does not follow batch {newest}")]
    Order {
        /// Newest batch that is derived.
        newest: u64,
        /// Batch handed in.
        got: u64,
    },
    /// A batch that is not derived yet was asked for.
    #[error("batch {asked} is not derived; the newest is {newest}")]
    Unknown {
        /// Batch asked for.
        asked: u64,
        /// Newest batch that is derived.
        newest: u64,
    },
    /// The store belongs to another chain.
    #[error("the store belongs to the chain with genesis {got}, expected {expected}")]
    Chain {
        /// Genesis hash of this chain.
        expected: B256,
        /// Genesis hash in the store.
        got: B256,
    },
    /// The store failed, or lacks what it should have.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A recorded set could not be made or read.
    #[error(transparent)]
    Recorded(#[from] RecordedError),
    /// The transition over recorded inputs has no result.
    #[error("transition of batch {batch}: {source}")]
    Transition {
        /// Number of the batch.
        batch: u64,
        /// Why.
        source: Box<Failure<StoreError>>,
    },
    /// Derivation failed, which nothing on L1 can cause.
    #[error("derivation of batch {batch}: {reason}")]
    Derivation {
        /// Number of the batch.
        batch: u64,
        /// Why.
        reason: String,
    },
    /// Two ways to one output root disagree: a bug.
    #[error("internal: batch {batch} derives to {derived} and proves to {proven}")]
    Disagreement {
        /// Number of the batch.
        batch: u64,
        /// Output root by derivation.
        derived: B256,
        /// Output root by the transition over preimages.
        proven: B256,
    },
    /// There is no program with this image root here.
    #[error(
        "no program with the image {image} is here: give its file by --image, or install the release that has it"
    )]
    NoProgram {
        /// Image root.
        image: B256,
    },
    /// The machine brings a batch to another output than derivation, which leads nowhere that could be followed.
    #[error(
        "the machine brings batch {batch} to another output than derivation; what follows it cannot be known"
    )]
    Unfollowed {
        /// Number of the batch.
        batch: u64,
    },
    /// The machine could not go on.
    #[error(transparent)]
    Machine(#[from] trestle_vm::RunError),
    /// The committed image is none.
    #[error(transparent)]
    Image(#[from] trestle_vm::ElfError),
}
