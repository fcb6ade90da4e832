//! Calldata or blobs: which of them carries a payload to L1 for less, at L1's prices now.
//!
//! Pure arithmetic, in wei and L1 gas. Payloads are compressed, so nearly every byte costs what one that is not zero
//! costs; a blob costs the same however little of it is used. Spec: `SPEC.md`, sections 3.2 and 4.2.

use crate::l1::{FeeMarket, FeePolicy};
use alloy_primitives::U256;
use trestle_protocol::{ChainConfig, blobs::ELEMENTS_PER_BLOB};

/// Payload bytes that a field element carries.
const ELEMENT_BYTES: usize = 31;
/// Bytes of the length before a payload in blobs.
const LENGTH_BYTES: usize = 4;
/// L1 gas of `appendBatch` apart from its payload, the transaction's own 21,000 included: `snapshots/inbox.json`.
const APPEND_GAS: u128 = 106_000;
/// The same of `appendBlobBatch` with one blob.
const BLOB_BATCH_GAS: u128 = 104_300;
/// L1 gas that each blob after the first adds to an append.
const BLOB_APPEND_GAS: u128 = 4_000;
/// L1 gas of a transaction, and of a byte of calldata that is not zero, at the floor of EIP-7623.
const TRANSACTION_GAS: u128 = 21_000;
const FLOOR_BYTE_GAS: u128 = 40;
/// The same byte where execution outweighs the floor.
const BYTE_GAS: u128 = 16;
/// Blob gas of a blob (EIP-4844).
const GAS_PER_BLOB: u128 = 131_072;

/// Where the payload of a batch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// Into the input of `appendBatch`.
    Calldata,
    /// Into the blobs of `appendBlobBatch`.
    Blobs,
}

/// Which kinds the batcher may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KindPolicy {
    /// The cheaper one, batch by batch.
    Auto,
    /// Calldata always.
    #[default]
    Calldata,
    /// Blobs always.
    Blobs,
}

impl BatchKind {
    /// Name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calldata => "calldata",
            Self::Blobs => "blobs",
        }
    }

    /// Longest payload of this kind, in bytes.
    #[must_use]
    pub fn max_payload(self, chain: &ChainConfig) -> usize {
        match self {
            Self::Calldata => usize::try_from(chain.max_payload_bytes).unwrap_or(usize::MAX),
            Self::Blobs => usize::from(chain.max_blobs)
                .saturating_mul(blob_bytes())
                .saturating_sub(LENGTH_BYTES),
        }
    }

    /// Wei that a payload of so many bytes costs, in as many batches as it takes.
    #[must_use]
    pub fn cost(self, chain: &ChainConfig, market: &FeeMarket, bytes: usize) -> u128 {
        let batches = as_u128(bytes.div_ceil(self.max_payload(chain).max(1)).max(1));
        let gas_price = market.next_base_fee.saturating_add(market.median_tip);
        let bytes_gas = |per_byte: u128| per_byte.saturating_mul(as_u128(bytes));
        match self {
            Self::Calldata => {
                let executed = batches
                    .saturating_mul(APPEND_GAS)
                    .saturating_add(bytes_gas(BYTE_GAS));
                let floor = batches
                    .saturating_mul(TRANSACTION_GAS)
                    .saturating_add(bytes_gas(FLOOR_BYTE_GAS));
                executed.max(floor).saturating_mul(gas_price)
            }
            Self::Blobs => {
                let blobs = as_u128(blobs_for(bytes));
                let further = blobs.saturating_sub(batches);
                let gas = batches
                    .saturating_mul(BLOB_BATCH_GAS)
                    .saturating_add(further.saturating_mul(BLOB_APPEND_GAS));
                let blob_gas = blobs.saturating_mul(GAS_PER_BLOB);
                gas.saturating_mul(gas_price)
                    .saturating_add(blob_gas.saturating_mul(market.next_blob_base_fee.max(1)))
            }
        }
    }

    /// The least that any batch may cost at these prices, in wei: what the smallest sets aside.
    #[must_use]
    pub(crate) fn least_cost(market: &FeeMarket) -> U256 {
        let fees = FeePolicy::default().first(market, false);
        U256::from(APPEND_GAS).saturating_mul(U256::from(fees.max_fee))
    }

    /// The kind that carries a payload of so many bytes for less; a longer one than calldata takes goes into blobs only if
    /// that is cheaper than several batches.
    #[must_use]
    pub fn cheaper(chain: &ChainConfig, market: &FeeMarket, bytes: usize) -> Self {
        let cost = |kind: Self| kind.cost(chain, market, bytes);
        if cost(Self::Blobs) < cost(Self::Calldata) {
            Self::Blobs
        } else {
            Self::Calldata
        }
    }
}

/// Blobs that a payload of so many bytes fills, at least one.
pub(super) fn blobs_for(bytes: usize) -> usize {
    bytes.saturating_add(LENGTH_BYTES).div_ceil(blob_bytes())
}

/// Payload bytes that a blob carries.
fn blob_bytes() -> usize {
    usize::try_from(ELEMENTS_PER_BLOB)
        .unwrap_or(usize::MAX)
        .saturating_mul(ELEMENT_BYTES)
}

fn as_u128(count: usize) -> u128 {
    u128::try_from(count).unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, B256};
    use trestle_protocol::blobs::write_payload;

    fn chain() -> ChainConfig {
        ChainConfig::new(1, 4_242, Address::ZERO, B256::ZERO)
    }

    fn market(next_base_fee: u128, next_blob_base_fee: u128) -> FeeMarket {
        FeeMarket {
            next_base_fee,
            median_tip: 0,
            next_blob_base_fee,
        }
    }

    #[test]
    fn longest_blob_payload_fills_the_blobs_and_no_more() {
        let longest = BatchKind::Blobs.max_payload(&chain());
        assert_eq!(longest, 761_852);
        for (bytes, blobs) in [
            (0, 1),
            (126_972, 1),
            (126_973, 2),
            (longest, 6),
            (longest + 1, 7),
        ] {
            assert_eq!(blobs_for(bytes), blobs, "{bytes}");
            assert_eq!(write_payload(&vec![1; bytes]).len(), blobs, "{bytes}");
        }
    }

    #[test]
    fn cheaper_kind_follows_the_prices_and_the_size() {
        let (chain, gwei) = (chain(), 1_000_000_000);
        let cheaper = |base, blob, bytes| BatchKind::cheaper(&chain, &market(base, blob), bytes);
        // Blobs at the price of gas are far cheaper for much, and dearer for a few bytes.
        assert_eq!(cheaper(gwei, gwei, 700_000), BatchKind::Blobs);
        assert_eq!(cheaper(gwei, gwei, 100), BatchKind::Calldata);
        assert_eq!(cheaper(gwei, 1, 100), BatchKind::Blobs);
        // A blob byte carries 31 of 32 bytes: at forty times the price of gas calldata wins.
        assert_eq!(cheaper(gwei, 45 * gwei, 761_852), BatchKind::Calldata);
        assert_eq!(cheaper(gwei, 30 * gwei, 761_852), BatchKind::Blobs);
        assert_eq!(cheaper(0, 0, 50_000), BatchKind::Calldata);
    }

    #[test]
    fn cost_of_calldata_is_what_the_gas_snapshot_says_or_a_little_more() {
        let text = std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../contracts/snapshots/inbox.json"
        ));
        let gas: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
        let snapshot = |name: &str| gas[name].as_str().unwrap().parse::<u128>().unwrap();
        let close = |cost: u128, snapshot: u128| cost.abs_diff(snapshot) * 20 < snapshot;
        let cost = |kind: BatchKind, bytes| kind.cost(&chain(), &market(1, 0), bytes);
        let kind = BatchKind::Calldata;
        assert!(close(cost(kind, 1_000), snapshot("appendBatch, 1 KB")));
        assert!(close(cost(kind, 100_000), snapshot("appendBatch, 100 KB")));
        for (bytes, blobs) in [(100, 1u8), (761_852, 6)] {
            let blob_gas = u128::from(blobs) * GAS_PER_BLOB;
            let name = format!("appendBlobBatch, blobs: {blobs}");
            assert!(close(
                cost(BatchKind::Blobs, bytes) - blob_gas,
                snapshot(&name)
            ));
        }
    }
}
