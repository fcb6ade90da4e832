//! The 128 bytes whose hash the machine is started with.
//!
//! Host and program read them through this file. Spec: `SPEC.md`, M.5.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};

/// What a proof of one batch is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchInput {
    /// Hash of the chain's configuration.
    pub config_hash: B256,
    /// Output root before the batch.
    pub output_before: B256,
    /// The Inbox's batch accumulator before the batch.
    pub batch_acc_before: B256,
    /// The accumulator after it.
    pub batch_acc_after: B256,
}

impl BatchInput {
    /// Length of the encoding, in bytes.
    pub const ENCODED_LEN: usize = 128;

    /// `configHash ‖ outputBefore ‖ batchAccBefore ‖ batchAccAfter`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [
            self.config_hash,
            self.output_before,
            self.batch_acc_before,
            self.batch_acc_after,
        ]
        .concat()
    }

    /// Reads the encoding; `None` unless it is 128 bytes long.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<32>();
        let [
            config_hash,
            output_before,
            batch_acc_before,
            batch_acc_after,
        ] = <[[u8; 32]; 4]>::try_from(words).ok()?.map(B256::from);
        rest.is_empty().then_some(Self {
            config_hash,
            output_before,
            batch_acc_before,
            batch_acc_after,
        })
    }

    /// The input hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_encoded_and_decoded_is_the_same_and_other_lengths_are_none() {
        let word = B256::repeat_byte;
        let input = BatchInput {
            config_hash: word(1),
            output_before: word(2),
            batch_acc_before: word(3),
            batch_acc_after: word(4),
        };
        let bytes = input.encode();
        assert_eq!(bytes.len(), BatchInput::ENCODED_LEN);
        assert_eq!(BatchInput::decode(&bytes), Some(input));
        assert_eq!(BatchInput::decode(&bytes[1..]), None);
        assert_eq!(BatchInput::decode(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(BatchInput::decode(&[&bytes[..], &[0; 32]].concat()), None);
    }
}
