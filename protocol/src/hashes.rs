//! Hashes over longer inputs: accumulators, chunked hashes and the output root.
//!
//! Spec: `SPEC.md`, sections 1, 3 and 7.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};

/// Longest chunk of a chunked hash, in bytes.
pub const CHUNK_BYTES: usize = 4_096;

/// The accumulator after one more item.
#[must_use]
pub fn accumulate(acc: B256, item: B256) -> B256 {
    let mut bytes = [0u8; 64];
    let (left, right) = bytes.split_at_mut(32);
    left.copy_from_slice(acc.as_slice());
    right.copy_from_slice(item.as_slice());
    keccak256(bytes)
}

/// Keccak-256 of the concatenated Keccak-256 of chunks of 4,096 bytes.
#[must_use]
pub fn chunked_hash(data: &[u8]) -> B256 {
    keccak256(chunk_hashes(data))
}

/// The preimage of [`chunked_hash`]: 32 bytes for each chunk.
#[must_use]
pub fn chunk_hashes(data: &[u8]) -> Vec<u8> {
    data.chunks(CHUNK_BYTES)
        .flat_map(|chunk| keccak256(chunk).0)
        .collect()
}

/// What an output root commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputPreimage {
    /// State root of the block.
    pub state_root: B256,
    /// Storage root of [`crate::predeploys::MESSAGE_PASSER`].
    pub message_passer_root: B256,
    /// Hash of the block.
    pub block_hash: B256,
}

impl OutputPreimage {
    /// The 128 bytes under the output root: a zero version word and the three hashes.
    #[must_use]
    pub fn encode(&self) -> [u8; 128] {
        let mut w = crate::bytes::Writer::<128>::new();
        w.bytes(&[0; 32]);
        w.bytes(self.state_root.as_slice());
        w.bytes(self.message_passer_root.as_slice());
        w.bytes(self.block_hash.as_slice());
        w.finish()
    }

    /// Reads the 128 bytes; `None` for another length or version.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = crate::bytes::Reader::new(bytes);
        let version = r.hash()?;
        let output = Self {
            state_root: r.hash()?,
            message_passer_root: r.hash()?,
            block_hash: r.hash()?,
        };
        (version.is_zero() && r.is_empty()).then_some(output)
    }

    /// The output root.
    #[must_use]
    pub fn root(&self) -> B256 {
        keccak256(self.encode())
    }
}
