//! Batch headers: what the Inbox commits to when a batch is appended.
//!
//! Spec: `SPEC.md`, section 3.2.

use crate::bytes::{Reader, Writer};
use crate::hashes::accumulate;
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, keccak256};

const VERSION: u8 = 1;
const HEAD_LEN: usize = 134;

/// Where the payload of a batch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchContent {
    /// In the calldata of `appendBatch`.
    Calldata {
        /// Chunked hash of the payload.
        hash: B256,
        /// Length of the payload in bytes.
        length: u32,
    },
    /// In blobs with these versioned hashes, in order.
    Blobs(Vec<B256>),
    /// Nowhere: the batch was forced and only consumes the queue.
    Forced,
}

/// The header of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchHeader {
    /// The Inbox that appended it.
    pub inbox: Address,
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// Number of the batch, from 1.
    pub index: u64,
    /// L1 block that appended it.
    pub l1_number: u64,
    /// Timestamp of that block in seconds.
    pub l1_time: u64,
    /// First queue entry that it consumes.
    pub deposit_from: u64,
    /// Queue entry after the last that it consumes.
    pub deposit_to: u64,
    /// Accumulator of the queue at `deposit_to`.
    pub deposit_acc: B256,
    /// Hash of the last block, as the batcher claims; not consensus. Zero when forced.
    pub claimed_end_block_hash: B256,
    /// Where its payload is.
    pub content: BatchContent,
}

/// The bytes are no batch header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes are no batch header of version 1")]
pub struct BatchHeaderError;

impl BatchHeader {
    /// The bytes that the Inbox hashes and emits.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::<HEAD_LEN>::new();
        w.u8(VERSION);
        w.u8(self.kind());
        w.bytes(self.inbox.as_slice());
        w.u64(self.l1_chain_id);
        w.u64(self.index);
        w.u64(self.l1_number);
        w.u64(self.l1_time);
        w.u64(self.deposit_from);
        w.u64(self.deposit_to);
        w.bytes(self.deposit_acc.as_slice());
        w.bytes(self.claimed_end_block_hash.as_slice());
        let mut bytes = w.finish().to_vec();
        self.encode_content(&mut bytes);
        bytes
    }

    const fn kind(&self) -> u8 {
        match self.content {
            BatchContent::Calldata { .. } => 0,
            BatchContent::Blobs(_) => 1,
            BatchContent::Forced => 2,
        }
    }

    fn encode_content(&self, out: &mut Vec<u8>) {
        match &self.content {
            BatchContent::Calldata { hash, length } => {
                out.extend_from_slice(hash.as_slice());
                out.extend_from_slice(&length.to_be_bytes());
            }
            BatchContent::Blobs(hashes) => {
                out.push(u8::try_from(hashes.len()).unwrap_or(u8::MAX));
                hashes
                    .iter()
                    .for_each(|hash| out.extend_from_slice(hash.as_slice()));
            }
            BatchContent::Forced => {}
        }
    }

    /// Reads the bytes of [`Self::encode`].
    ///
    /// # Errors
    /// [`BatchHeaderError`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchHeaderError> {
        let mut r = Reader::new(bytes);
        let header = Self::read(&mut r).ok_or(BatchHeaderError)?;
        if r.is_empty() {
            Ok(header)
        } else {
            Err(BatchHeaderError)
        }
    }

    fn read(r: &mut Reader<'_>) -> Option<Self> {
        if r.u8()? != VERSION {
            return None;
        }
        let kind = r.u8()?;
        Some(Self {
            inbox: r.address()?,
            l1_chain_id: r.u64()?,
            index: r.u64()?,
            l1_number: r.u64()?,
            l1_time: r.u64()?,
            deposit_from: r.u64()?,
            deposit_to: r.u64()?,
            deposit_acc: r.hash()?,
            claimed_end_block_hash: r.hash()?,
            content: Self::read_content(kind, r)?,
        })
    }

    fn read_content(kind: u8, r: &mut Reader<'_>) -> Option<BatchContent> {
        match kind {
            0 => Some(BatchContent::Calldata {
                hash: r.hash()?,
                length: r.u32()?,
            }),
            1 => {
                let count = r.u8()?;
                let hashes = (0..count).map(|_| r.hash()).collect::<Option<Vec<_>>>()?;
                Some(BatchContent::Blobs(hashes))
            }
            2 => Some(BatchContent::Forced),
            _ => None,
        }
    }

    /// Keccak-256 of the encoded header.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// The Inbox's batch accumulator after this batch.
    #[must_use]
    pub fn accumulate(&self, acc: B256) -> B256 {
        accumulate(acc, self.hash())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> Vec<BatchHeader> {
        let contents = [
            BatchContent::Calldata {
                hash: B256::repeat_byte(1),
                length: 2,
            },
            BatchContent::Blobs(vec![B256::repeat_byte(3), B256::repeat_byte(4)]),
            BatchContent::Forced,
        ];
        let header = |content| BatchHeader {
            inbox: Address::repeat_byte(5),
            l1_chain_id: 6,
            index: 7,
            l1_number: 8,
            l1_time: 9,
            deposit_from: 10,
            deposit_to: 11,
            deposit_acc: B256::repeat_byte(12),
            claimed_end_block_hash: B256::repeat_byte(13),
            content,
        };
        contents.into_iter().map(header).collect()
    }

    #[test]
    fn header_encoded_and_decoded_is_the_same() {
        for (header, length) in headers().into_iter().zip([170, 135 + 64, 134]) {
            let bytes = header.encode();
            assert_eq!(bytes.len(), length);
            assert_eq!(BatchHeader::decode(&bytes), Ok(header));
        }
    }

    #[test]
    fn header_cut_or_extended_is_refused() {
        for header in headers() {
            let mut bytes = header.encode();
            for end in 0..bytes.len() {
                assert!(BatchHeader::decode(&bytes[..end]).is_err());
            }
            bytes.push(0);
            assert!(BatchHeader::decode(&bytes).is_err());
        }
    }
}
