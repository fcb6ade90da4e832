//! What the engine keeps of L1 in the store, in RLP.

use super::{EngineError, L1BlockRef};
use crate::store::BlockRef;
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use trestle_protocol::{BatchHeader, EntryBody, QueueEntry, QueuedEntry};

/// A queue entry with the data that its bytes only commit to.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct EntryRecord {
    /// Accumulator of the queue after it.
    pub acc: B256,
    /// The entry's bytes.
    pub entry: Bytes,
    /// A deposit's data; empty for others.
    pub data: Bytes,
}

/// A batch on L1 and where it ended on L2.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct BatchRecord {
    /// The header's bytes.
    pub header: Bytes,
    /// Accumulator of the Inbox after it.
    pub acc: B256,
    /// Number of the L1 block that appended it.
    pub l1_number: u64,
    /// Hash of that block.
    pub l1_hash: B256,
    /// Number of the L2 block at its end.
    pub end_number: u64,
    /// Hash of that block.
    pub end_hash: B256,
    /// Output root after it.
    pub output: B256,
}

/// An L1 block as far as the engine needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct L1Record {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its timestamp in seconds.
    pub time: u64,
    /// Queue entries up to and with it.
    pub deposits: u64,
    /// Batches up to and with it.
    pub batches: u64,
}

impl EntryRecord {
    /// The record of an entry.
    pub fn new(queued: &QueuedEntry) -> Self {
        let data = match &queued.entry.body {
            EntryBody::Deposit(deposit) => deposit.data.clone(),
            EntryBody::Attributes(_) | EntryBody::Operator(_) => Bytes::new(),
        };
        Self {
            acc: queued.acc,
            entry: queued.entry.encode().into(),
            data,
        }
    }

    /// The entry at `index`.
    ///
    /// # Errors
    /// [`EngineError::Record`] when the bytes are no entry.
    pub fn queued(self, index: u64) -> Result<QueuedEntry, EngineError> {
        let entry =
            QueueEntry::decode(&self.entry, self.data).map_err(|_| EngineError::Record {
                what: "queue entry",
            })?;
        Ok(QueuedEntry {
            index,
            acc: self.acc,
            entry,
        })
    }
}

impl BatchRecord {
    /// The header.
    ///
    /// # Errors
    /// [`EngineError::Record`] when the bytes are no header.
    pub fn header(&self) -> Result<BatchHeader, EngineError> {
        BatchHeader::decode(&self.header).map_err(|_| EngineError::Record {
            what: "batch header",
        })
    }

    /// The L2 block at its end.
    pub const fn end(&self) -> BlockRef {
        BlockRef {
            number: self.end_number,
            hash: self.end_hash,
        }
    }
}

impl L1Record {
    /// The block itself.
    pub(super) const fn block(&self) -> L1BlockRef {
        L1BlockRef {
            number: self.number,
            hash: self.hash,
            time: self.time,
        }
    }
}

/// Decodes a record.
pub(crate) fn decode<T: Decodable>(what: &'static str, bytes: &[u8]) -> Result<T, EngineError> {
    alloy_rlp::decode_exact(bytes).map_err(|_| EngineError::Record { what })
}
