//! The static configuration of a chain, and its hash, which binds it into every proof.
//!
//! Whoever derives, executes or proves takes these numbers from here. What an operator may change
//! at once travels through the queue instead ([`crate::OperatorParams`]). Spec: `SPEC.md`, section 2.

use crate::bytes::{Reader, Writer};
use alloy_primitives::{Address, B256, keccak256};

/// Version byte of the encoded configuration.
const VERSION: u8 = 1;
/// Zero bytes that end the encoded configuration.
const RESERVED: usize = 17;

/// Numbers that never change in the life of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainConfig {
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// Chain id of this chain; below 2^53, so that JavaScript can hold it.
    pub l2_chain_id: u64,
    /// The Inbox (proxy) on L1.
    pub inbox: Address,
    /// Hash of L2 block 0.
    pub genesis_hash: B256,
    /// Static gas limit of a block, which its header shows.
    pub block_gas_limit: u64,
    /// Highest gas limit of a user transaction (EIP-7825).
    pub tx_gas_limit: u64,
    /// Gas per second at which `excess` drains.
    pub target_gas_per_second: u64,
    /// Gas of excess that multiplies the base fee by e.
    pub fee_denominator: u64,
    /// Hard cap of `excess`, in gas.
    pub excess_cap: u64,
    /// Seconds that a block may lie behind the L1 time of its batch.
    pub max_time_lag: u64,
    /// Seconds that a block may lie ahead of the L1 time of its batch.
    pub max_time_drift: u64,
    /// Gas of work that one payload may ask for.
    pub batch_work_budget: u64,
    /// Gas of queue entries that one batch may consume.
    pub batch_deposit_gas: u64,
    /// Longest calldata payload, in bytes.
    pub max_payload_bytes: u32,
    /// Most blobs in one batch.
    pub max_blobs: u8,
    /// Longest data of a deposit, in bytes.
    pub max_deposit_data: u32,
    /// Longest decompressed payload, in bytes.
    pub max_decompressed: u32,
    /// Most blocks in one payload.
    pub max_blocks_per_batch: u32,
    /// Longest encoded user transaction that a builder takes, in bytes.
    pub max_tx_bytes: u32,
    /// Work charged for every block of a payload, in gas.
    pub block_work: u64,
    /// Gas limit and charge of a system entry of the queue.
    pub system_entry_gas: u64,
}

/// Why bytes are no chain configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The length is not [`ChainConfig::ENCODED_LEN`].
    #[error("configuration is {got} bytes long, expected {expected}")]
    Length {
        /// Length by the specification, in bytes.
        expected: usize,
        /// Length found, in bytes.
        got: usize,
    },
    /// The version byte is unknown, or a reserved byte is not zero.
    #[error("configuration has an unknown version or reserved bytes that are not zero")]
    Version,
}

impl ChainConfig {
    /// Length of the encoded configuration, in bytes.
    pub const ENCODED_LEN: usize = 195;

    /// A configuration with the default numbers of the specification.
    #[must_use]
    pub const fn new(
        l1_chain_id: u64,
        l2_chain_id: u64,
        inbox: Address,
        genesis_hash: B256,
    ) -> Self {
        Self {
            l1_chain_id,
            l2_chain_id,
            inbox,
            genesis_hash,
            block_gas_limit: 47_900_000,
            tx_gas_limit: 16_777_216,
            target_gas_per_second: 10_000_000,
            fee_denominator: 406_718_900,
            excess_cap: 4_880_626_800,
            max_time_lag: 86_400,
            max_time_drift: 300,
            batch_work_budget: 480_000_000,
            batch_deposit_gas: 120_000_000,
            max_payload_bytes: 100_000,
            max_blobs: 6,
            max_deposit_data: 100_000,
            max_decompressed: 16_777_216,
            max_blocks_per_batch: 4_096,
            max_tx_bytes: 95_000,
            block_work: 50_000,
            system_entry_gas: 250_000,
        }
    }

    /// The configuration with another target, and the fee denominator and cap that follow from it.
    ///
    /// The denominator makes a full block, and one second of draining, each move the fee by at most
    /// 12.5 %; the cap is twelve times the denominator. `target` is in gas per second.
    #[must_use]
    pub const fn with_target(mut self, target: u64) -> Self {
        let widest = if target > self.block_gas_limit {
            target
        } else {
            self.block_gas_limit
        };
        self.target_gas_per_second = target;
        // 1 / ln 1.125 = 8.49018…, rounded up to thousandths.
        self.fee_denominator = widest.saturating_mul(8_491) / 1_000;
        self.excess_cap = self.fee_denominator.saturating_mul(12);
        self
    }

    /// The bytes that [`Self::hash`] hashes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::ENCODED_LEN] {
        let mut w = Writer::<{ Self::ENCODED_LEN }>::new();
        w.u8(VERSION);
        w.u64(self.l1_chain_id);
        w.u64(self.l2_chain_id);
        w.bytes(self.inbox.as_slice());
        w.bytes(self.genesis_hash.as_slice());
        w.u64(self.block_gas_limit);
        w.u64(self.tx_gas_limit);
        w.u64(self.target_gas_per_second);
        w.u64(self.fee_denominator);
        w.u64(self.excess_cap);
        w.u64(self.max_time_lag);
        w.u64(self.max_time_drift);
        w.u64(self.batch_work_budget);
        w.u64(self.batch_deposit_gas);
        w.u32(self.max_payload_bytes);
        w.u8(self.max_blobs);
        w.u32(self.max_deposit_data);
        w.u32(self.max_decompressed);
        w.u32(self.max_blocks_per_batch);
        w.u32(self.max_tx_bytes);
        w.u64(self.block_work);
        w.u64(self.system_entry_gas);
        w.finish()
    }

    /// Reads the bytes of [`Self::encode`].
    ///
    /// # Errors
    /// [`ConfigError::Length`] and [`ConfigError::Version`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ConfigError> {
        let length = ConfigError::Length {
            expected: Self::ENCODED_LEN,
            got: bytes.len(),
        };
        if bytes.len() != Self::ENCODED_LEN {
            return Err(length);
        }
        let mut r = Reader::new(bytes);
        if r.u8() != Some(VERSION) {
            return Err(ConfigError::Version);
        }
        let config = Self::read(&mut r).ok_or(length)?;
        let reserved = r.bytes(RESERVED).ok_or(length)?;
        if reserved.iter().any(|byte| *byte != 0) {
            return Err(ConfigError::Version);
        }
        Ok(config)
    }

    fn read(r: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            l1_chain_id: r.u64()?,
            l2_chain_id: r.u64()?,
            inbox: r.address()?,
            genesis_hash: r.hash()?,
            block_gas_limit: r.u64()?,
            tx_gas_limit: r.u64()?,
            target_gas_per_second: r.u64()?,
            fee_denominator: r.u64()?,
            excess_cap: r.u64()?,
            max_time_lag: r.u64()?,
            max_time_drift: r.u64()?,
            batch_work_budget: r.u64()?,
            batch_deposit_gas: r.u64()?,
            max_payload_bytes: r.u32()?,
            max_blobs: r.u8()?,
            max_deposit_data: r.u32()?,
            max_decompressed: r.u32()?,
            max_blocks_per_batch: r.u32()?,
            max_tx_bytes: r.u32()?,
            block_work: r.u64()?,
            system_entry_gas: r.u64()?,
        })
    }

    /// Keccak-256 of the encoded configuration.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_encoded_and_decoded_is_the_same() {
        let config = ChainConfig::new(1, 4242, Address::repeat_byte(7), B256::repeat_byte(9));
        assert_eq!(ChainConfig::decode(&config.encode()), Ok(config));
    }

    #[test]
    fn config_with_set_reserved_byte_is_refused() {
        let mut bytes = ChainConfig::new(1, 2, Address::ZERO, B256::ZERO).encode();
        bytes[ChainConfig::ENCODED_LEN - 1] = 1;
        assert_eq!(ChainConfig::decode(&bytes), Err(ConfigError::Version));
    }

    #[test]
    fn default_denominator_follows_from_the_default_limits() {
        let config = ChainConfig::new(1, 2, Address::ZERO, B256::ZERO);
        assert_eq!(config.clone().with_target(10_000_000), config);
    }
}
