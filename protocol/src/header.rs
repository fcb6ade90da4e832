//! Block headers: an Ethereum header at Osaka with our constants and the fee state in `extraData`.
//!
//! Spec: `SPEC.md`, section 5.1.

use crate::{
    ChainConfig,
    bytes::{Reader, Writer},
    predeploys::SEQUENCER_FEE_VAULT,
};
use alloy_consensus::{EMPTY_ROOT_HASH, Header};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{B64, B256, Bytes, U256};

const EXTRA_VERSION: u8 = 1;

/// The fee state after a block, as its header's `extraData` carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderExtra {
    /// Gas used above the target and not yet drained.
    pub excess: u64,
    /// Floor of the base fee in wei per gas.
    pub floor: u128,
}

/// The header's `extraData` is not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("header's extraData is not a fee state of version 1")]
pub struct ExtraError;

impl HeaderExtra {
    /// Length in bytes.
    pub const ENCODED_LEN: usize = 25;

    /// The bytes of `extraData`.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::<{ Self::ENCODED_LEN }>::new();
        w.u8(EXTRA_VERSION);
        w.u64(self.excess);
        w.u128(self.floor);
        Bytes::from(w.finish())
    }

    /// Reads the bytes of `extraData`.
    ///
    /// # Errors
    /// [`ExtraError`] for another length or version.
    pub fn decode(bytes: &[u8]) -> Result<Self, ExtraError> {
        let mut r = Reader::new(bytes);
        let extra = Self::read(&mut r).ok_or(ExtraError)?;
        if r.is_empty() {
            Ok(extra)
        } else {
            Err(ExtraError)
        }
    }

    fn read(r: &mut Reader<'_>) -> Option<Self> {
        if r.u8()? != EXTRA_VERSION {
            return None;
        }
        Some(Self {
            excess: r.u64()?,
            floor: r.u128()?,
        })
    }
}

/// A header with every field that has no meaning here, or always the same one, and empty roots.
#[must_use]
pub fn header_template(config: &ChainConfig) -> Header {
    Header {
        beneficiary: SEQUENCER_FEE_VAULT,
        difficulty: U256::ZERO,
        gas_limit: config.block_gas_limit,
        nonce: B64::ZERO,
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_encoded_and_decoded_is_the_same() {
        let extra = HeaderExtra {
            excess: 1,
            floor: u128::MAX,
        };
        assert_eq!(extra.encode().len(), HeaderExtra::ENCODED_LEN);
        assert_eq!(HeaderExtra::decode(&extra.encode()), Ok(extra));
    }

    #[test]
    fn extra_of_another_version_or_length_is_refused() {
        let bytes = HeaderExtra {
            excess: 1,
            floor: 2,
        }
        .encode();
        let mut other = bytes.to_vec();
        other[0] = 2;
        assert_eq!(HeaderExtra::decode(&other), Err(ExtraError));
        assert_eq!(HeaderExtra::decode(&bytes[..24]), Err(ExtraError));
        assert_eq!(HeaderExtra::decode(&[]), Err(ExtraError));
    }
}
