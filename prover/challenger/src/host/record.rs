//! What is kept of each batch, and where in L1's log its successor begins.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

/// Where L1's log goes on after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogPosition {
    /// First L1 block that may hold an event that is not consumed yet.
    pub block: u64,
    /// Batches consumed.
    pub batches: u64,
    /// Batch accumulator after them.
    pub batch_acc: B256,
    /// Queue entries consumed by them.
    pub entries: u64,
    /// Queue accumulator after these.
    pub entry_acc: B256,
}

/// A derived batch; number 0 is the genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRecord {
    /// Output root after it.
    pub output_root: B256,
    /// Hash of the last L2 block after it.
    pub block_hash: B256,
    /// Number of that block.
    pub block_number: u64,
    /// Where the log goes on; `batches` is the number of this batch.
    pub position: LogPosition,
}

impl BatchRecord {
    /// Length of the encoding, in bytes.
    pub(crate) const ENCODED_LEN: usize = 160;

    /// Number of the batch.
    #[must_use]
    pub const fn batch(&self) -> u64 {
        self.position.batches
    }

    /// Four hashes, then four numbers, big-endian.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let at = &self.position;
        let hashes = [
            self.output_root,
            self.block_hash,
            at.batch_acc,
            at.entry_acc,
        ];
        let numbers = [self.block_number, at.block, at.batches, at.entries];
        let mut bytes = hashes.concat();
        bytes.extend(numbers.into_iter().flat_map(u64::to_be_bytes));
        bytes
    }

    /// Reads the encoding; `None` for another length.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::ENCODED_LEN] = bytes.try_into().ok()?;
        let (hashes, numbers) = bytes.split_at(128);
        let [output_root, block_hash, batch_acc, entry_acc] =
            <[[u8; 32]; 4]>::try_from(hashes.as_chunks().0)
                .ok()?
                .map(B256::from);
        let [block_number, block, batches, entries] =
            <[[u8; 8]; 4]>::try_from(numbers.as_chunks().0)
                .ok()?
                .map(u64::from_be_bytes);
        Some(Self {
            output_root,
            block_hash,
            block_number,
            position: LogPosition {
                block,
                batches,
                batch_acc,
                entries,
                entry_acc,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_encoded_and_decoded_is_the_same() {
        let record = BatchRecord {
            output_root: B256::repeat_byte(1),
            block_hash: B256::repeat_byte(2),
            block_number: 3,
            position: LogPosition {
                block: 4,
                batches: 5,
                batch_acc: B256::repeat_byte(6),
                entries: 7,
                entry_acc: B256::repeat_byte(8),
            },
        };
        let bytes = record.encode();
        assert_eq!(BatchRecord::decode(&bytes), Some(record));
        assert_eq!(BatchRecord::decode(&bytes[1..]), None);
    }
}
