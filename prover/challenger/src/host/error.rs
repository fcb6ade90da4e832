//! What can keep the truth from being had; none of it is part of the truth.

use super::{RecordedError, StoreError};
use alloy_primitives::B256;
use trestle_guest::Failure;
use trestle_sequencer::l1::{BlobError, ReadError, RpcError};

/// Why the host could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// L1 did not answer, or refused.
    #[error(transparent)]
    L1(#[from] RpcError),
    /// A contract on L1 could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The endpoint gives no logs of these blocks: it has pruned them, or is out of order.
    #[error("the L1 endpoint gives no logs of blocks {from} to {to}: {source}")]
    Span {
        /// First L1 block.
        from: u64,
        /// Last L1 block.
        to: u64,
        /// What it answered.
        source: RpcError,
    },
    /// The Inbox's storage has more batches than its log shows: the endpoint has pruned logs, or hides them.
    #[error(
        "L1 has {count} batches, its endpoint gives no log of batch {batch}, which lies in L1 blocks {from} to {head}: logs are pruned or left out there"
    )]
    Hidden {
        /// First batch that is missing.
        batch: u64,
        /// Batches that the Inbox has.
        count: u64,
        /// First L1 block that may have appended it.
        from: u64,
        /// Last L1 block that was read.
        head: u64,
    },
    /// A batch in the log is not the one in the Inbox's storage: the endpoint changes logs, or L1 reorganised meanwhile.
    #[error("batch {batch} of L1's log gives accumulator {logged}, its storage has {stored}")]
    Accumulator {
        /// Number of the batch.
        batch: u64,
        /// Accumulator that follows from the log.
        logged: B256,
        /// Accumulator in the Inbox's storage.
        stored: B256,
    },
    /// The log does not continue what was read before: the endpoint lies, lags, or L1 reorganised.
    #[error("L1's log does not continue at {what} {index}")]
    Log {
        /// "entry" or "batch".
        what: &'static str,
        /// Its number.
        index: u64,
    },
    /// The endpoint does not have the transaction of a batch any more.
    #[error(
        "the L1 endpoint has no transaction {transaction} of batch {batch} (L1 block {number}, time {time}): it is pruned there"
    )]
    Payload {
        /// Number of the batch.
        batch: u64,
        /// Transaction that appended it.
        transaction: B256,
        /// L1 block of the batch.
        number: u64,
        /// Timestamp of that block, in seconds since 1970.
        time: u64,
    },
    /// The transaction of a batch carries something else than the header committed to.
    #[error(
        "the L1 endpoint gives transaction {transaction} of batch {batch} with another payload than its header names"
    )]
    PayloadChanged {
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
