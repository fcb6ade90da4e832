//! What the engine hears of L1, in order: the contract between the L1 reader and the engine.

use alloy_primitives::{B256, Bytes};
use trestle_protocol::{BatchHeader, QueuedEntry};

/// A block of L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct L1BlockRef {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its timestamp in seconds.
    pub time: u64,
}

/// A batch as the Inbox appended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenBatch {
    /// Its header, checked against the Inbox's accumulator.
    pub header: BatchHeader,
    /// The Inbox's batch accumulator after it.
    pub acc: B256,
    /// Its payload, checked against the header; `None` for a forced batch.
    pub payload: Option<Bytes>,
}

/// News from L1. A reader sends them so that, taken in order, they always describe one chain of L1
/// blocks; blocks in which the Inbox did nothing may be left out, but for the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum L1Update {
    /// The next block, on top of the last one sent, with what the Inbox did in it.
    Block {
        /// The block.
        block: L1BlockRef,
        /// Queue entries that it enqueued, in order.
        entries: Vec<QueuedEntry>,
        /// Batches that it appended, in order.
        batches: Vec<SeenBatch>,
    },
    /// The chain was reorganised: everything after this block, which was sent before, is gone.
    Rewind {
        /// The newest block that both chains share.
        to: L1BlockRef,
    },
    /// L1 will never take this block back, nor any before it.
    Finalized(L1BlockRef),
}

/// An update with where its reader stands after it. The engine keeps both together or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L1Input {
    /// What happened.
    pub update: L1Update,
    /// The reader's own words for where to take up again.
    pub cursor: Bytes,
}
