//! The one fee: base fee from excess gas and time, floor from the price of L1 data.
//!
//! Derivation, the builder and the RPC's fee methods all call this file. Spec: `SPEC.md`, section 6.

use crate::{ChainConfig, HeaderExtra, L1Attributes, OperatorParams};
use alloy_primitives::U256;

/// Gas of a posted calldata byte (EIP-7623, non-zero).
const CALLDATA_GAS_PER_BYTE: u64 = 40;
/// Gas of one blob.
const BLOB_GAS: u64 = 131_072;
/// Bytes that one blob carries: 31 in each of 4,096 elements.
const BLOB_BYTES: u64 = 126_976;
/// Gas that a calldata byte pays on L2, in millionths.
const BYTE_GAS_MILLIONTHS: u64 = 16_000_000;
/// Bit of `data_kinds` for calldata.
const KIND_CALLDATA: u8 = 1;
/// Bit of `data_kinds` for blobs.
const KIND_BLOBS: u8 = 2;

/// Excess gas that is left of `parent`'s after `seconds`.
#[must_use]
pub const fn drained_excess(config: &ChainConfig, parent: HeaderExtra, seconds: u64) -> u64 {
    parent
        .excess
        .saturating_sub(config.target_gas_per_second.saturating_mul(seconds))
}

/// Base fee, in wei per gas, of a child of `parent` that is `seconds` younger.
///
/// At least the parent's floor; saturates at 2^64 − 1.
#[must_use]
pub fn base_fee(config: &ChainConfig, parent: HeaderExtra, seconds: u64) -> u64 {
    let drained = drained_excess(config, parent, seconds);
    fake_exponential(parent.floor, drained, config.fee_denominator)
}

/// Excess gas after a block that began with `drained` and used `gas_used`.
#[must_use]
pub fn next_excess(config: &ChainConfig, drained: u64, gas_used: u64) -> u64 {
    drained.saturating_add(gas_used).min(config.excess_cap)
}

/// Gas that user transactions may use in a block that began with `drained` excess and whose
/// deposits used `deposit_gas`.
#[must_use]
pub fn user_gas(config: &ChainConfig, user_limit: u64, drained: u64, deposit_gas: u64) -> u64 {
    let block = config.block_gas_limit.saturating_sub(deposit_gas);
    let burst = config.excess_cap.saturating_sub(drained);
    user_limit.min(block).min(burst)
}

/// Floor of the base fee, in wei per gas, after an L1-attributes entry.
///
/// Moves towards what the cheaper way of posting costs, by at most an eighth.
#[must_use]
pub fn next_floor(floor: u128, params: &OperatorParams, l1: &L1Attributes) -> u128 {
    let price = data_price(params.data_kinds, l1);
    let divisor = U256::from(BYTE_GAS_MILLIONTHS);
    let goal = price
        .saturating_mul(U256::from(params.data_scalar))
        .div_ceil(divisor);
    let goal = u128::try_from(goal)
        .unwrap_or(u128::MAX)
        .max(params.min_floor);
    let step = floor.div_ceil(8);
    let low = floor.saturating_sub(step).max(1);
    let high = floor.saturating_add(step).max(1).min(u128::from(u64::MAX));
    goal.max(low).min(high)
}

/// Wei for one posted byte by the cheapest of the ways in `kinds`.
fn data_price(kinds: u8, l1: &L1Attributes) -> U256 {
    let calldata = l1
        .base_fee
        .saturating_mul(U256::from(CALLDATA_GAS_PER_BYTE));
    let blob = l1
        .blob_base_fee
        .saturating_mul(U256::from(BLOB_GAS))
        .div_ceil(U256::from(BLOB_BYTES));
    match (kinds & KIND_CALLDATA != 0, kinds & KIND_BLOBS != 0) {
        (true, true) => calldata.min(blob),
        (false, true) => blob,
        _ => calldata,
    }
}

/// `factor · e^(numerator / denominator)` by the Taylor sum of EIP-4844, saturating at 2^64 − 1.
fn fake_exponential(factor: u128, numerator: u64, denominator: u64) -> u64 {
    let (numerator, denominator) = (U256::from(numerator), U256::from(denominator.max(1)));
    let mut term = U256::from(factor).saturating_mul(denominator);
    let mut sum = U256::ZERO;
    let mut i = U256::from(1);
    while !term.is_zero() {
        sum = sum.saturating_add(term);
        let below = denominator.saturating_mul(i);
        term = term
            .saturating_mul(numerator)
            .checked_div(below)
            .unwrap_or_default();
        i = i.saturating_add(U256::from(1));
    }
    let fee = sum.checked_div(denominator).unwrap_or_default();
    u64::try_from(fee).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, B256};
    use proptest::prelude::*;

    fn config() -> ChainConfig {
        ChainConfig::new(1, 2, Address::ZERO, B256::ZERO)
    }

    fn l1(base_fee: u64, blob_base_fee: u64) -> L1Attributes {
        L1Attributes {
            base_fee: U256::from(base_fee),
            blob_base_fee: U256::from(blob_base_fee),
            parent_hash: B256::ZERO,
            prevrandao: B256::ZERO,
        }
    }

    fn params(data_kinds: u8) -> OperatorParams {
        OperatorParams {
            user_gas_limit: 47_900_000,
            data_scalar: 1_000_000,
            data_kinds,
            min_floor: 5,
            batcher: Address::ZERO,
        }
    }

    #[test]
    fn base_fee_without_excess_is_the_floor() {
        let extra = HeaderExtra {
            excess: 0,
            floor: 1_234_567,
        };
        assert_eq!(base_fee(&config(), extra, 0), 1_234_567);
    }

    #[test]
    fn rule_31_full_block_moves_the_fee_by_at_most_an_eighth() {
        let extra = HeaderExtra {
            excess: config().block_gas_limit,
            floor: 1_000_000_000,
        };
        let fee = base_fee(&config(), extra, 0);
        assert!(fee > 1_120_000_000 && fee <= 1_125_000_000, "{fee}");
    }

    #[test]
    fn rule_31_base_fee_clamps_to_u64() {
        let extra = HeaderExtra {
            excess: config().excess_cap,
            floor: u128::from(u64::MAX),
        };
        assert_eq!(base_fee(&config(), extra, 0), u64::MAX);
    }

    #[test]
    fn rule_17_user_gas_is_bounded_by_the_burst_left() {
        let cap = config().excess_cap;
        assert_eq!(user_gas(&config(), u64::MAX, cap, 0), 0);
        assert_eq!(user_gas(&config(), u64::MAX, cap - 7, 0), 7);
        assert_eq!(user_gas(&config(), u64::MAX, 0, 47_000_000), 900_000);
        assert_eq!(user_gas(&config(), 11, 0, 0), 11);
    }

    #[test]
    fn rule_32_floor_moves_by_at_most_an_eighth() {
        let far = l1(1_000_000_000_000, 0);
        assert_eq!(next_floor(800, &params(1), &far), 900);
        assert_eq!(next_floor(800, &params(3), &far), 700);
        assert_eq!(next_floor(0, &params(1), &far), 1);
    }

    #[test]
    fn floor_settles_at_the_price_of_a_byte_over_sixteen() {
        let at = |kinds| {
            (0..500).fold(1, |floor, _| {
                next_floor(floor, &params(kinds), &l1(1600, 310))
            })
        };
        assert_eq!(at(1), 4_000);
        assert_eq!(at(2), 20);
        assert_eq!(at(3), 20);
        assert_eq!(at(0), 4_000);
    }

    proptest! {
        #[test]
        fn base_fee_grows_with_excess_and_falls_with_time(
            floor in 1u64.., excess in 0u64..4_000_000_000, more in 0u64..1_000_000, secs in 0u64..100,
        ) {
            let at = |excess, secs| {
                base_fee(&config(), HeaderExtra { excess, floor: u128::from(floor) }, secs)
            };
            prop_assert!(at(excess, secs) >= floor);
            prop_assert!(at(excess.saturating_add(more), secs) >= at(excess, secs));
            prop_assert!(at(excess, secs) <= at(excess, 0));
        }
    }
}
