//! What the sender pays: fees of a first attempt, and of a replacement.
//!
//! Pure arithmetic, in wei per L1 gas. A replacement raises every fee by at least ten percent, one with blobs
//! to twice at least, or nodes refuse it; the caps hold always, so that a wild market cannot drain the account.

/// Smallest raise that L1 nodes take as a replacement, in percent.
const MIN_BUMP_PERCENT: u128 = 10;
/// The same for a transaction with blobs (geth's and reth's blob pools).
const MIN_BLOB_BUMP_PERCENT: u128 = 100;

/// Fees of one signed transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// `maxFeePerGas`, in wei.
    pub max_fee: u128,
    /// `maxPriorityFeePerGas`, in wei; at most `max_fee`.
    pub tip: u128,
    /// `maxFeePerBlobGas`, in wei; `None` for a transaction without blobs.
    pub max_blob_fee: Option<u128>,
}

/// What L1 asks at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeeMarket {
    /// Base fee of the next block, in wei per gas.
    pub next_base_fee: u128,
    /// Median tip of the last blocks, in wei per gas.
    pub median_tip: u128,
    /// Base fee of blobs in the next block, in wei per blob gas.
    pub next_blob_base_fee: u128,
}

/// Bounds of what the sender pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeePolicy {
    /// Lowest tip, in wei per gas; at least 1.
    pub min_tip: u128,
    /// Highest tip, in wei per gas.
    pub max_tip: u128,
    /// Highest `maxFeePerGas`, in wei.
    pub max_fee: u128,
    /// Highest `maxFeePerBlobGas`, in wei.
    pub max_blob_fee: u128,
    /// Raise of a replacement, in percent; at least 10, and 100 with blobs.
    pub bump_percent: u128,
    /// Blocks without inclusion after which a transaction is replaced.
    pub bump_after_blocks: u64,
}

impl Default for FeePolicy {
    fn default() -> Self {
        Self {
            min_tip: 1_000_000,
            max_tip: 50_000_000_000,
            max_fee: 500_000_000_000,
            max_blob_fee: 500_000_000_000,
            bump_percent: 13,
            bump_after_blocks: 3,
        }
    }
}

impl FeePolicy {
    /// Fees of a first attempt: room for the base fees to double, within the caps.
    #[must_use]
    pub fn first(&self, market: &FeeMarket, carries_blobs: bool) -> Fees {
        let tip = market.median_tip.max(self.min_tip.max(1)).min(self.max_tip);
        let max_fee = market
            .next_base_fee
            .saturating_mul(2)
            .saturating_add(tip)
            .min(self.max_fee);
        let blob_fee = market.next_blob_base_fee.max(1).saturating_mul(2);
        Fees {
            max_fee,
            tip: tip.min(max_fee),
            max_blob_fee: carries_blobs.then(|| blob_fee.min(self.max_blob_fee)),
        }
    }

    /// Fees of a replacement of the same kind for `previous`, or `None` where the caps leave no legal raise.
    #[must_use]
    pub fn replacement(&self, previous: &Fees, market: &FeeMarket) -> Option<Fees> {
        let market = self.first(market, previous.max_blob_fee.is_some());
        let least = previous
            .max_blob_fee
            .map_or(MIN_BUMP_PERCENT, |_| MIN_BLOB_BUMP_PERCENT);
        let percent = self.bump_percent.max(least);
        let next = |previous, market: u128, cap| raised(previous, percent).max(market).min(cap);
        let max_fee = next(previous.max_fee, market.max_fee, self.max_fee);
        let tip = next(previous.tip, market.tip, self.max_tip).min(max_fee);
        let blob_fees = previous.max_blob_fee.zip(market.max_blob_fee);
        let max_blob_fee =
            blob_fees.map(|(previous, market)| next(previous, market, self.max_blob_fee));
        let is_raised = |new: u128, previous: u128| new >= raised(previous, least);
        let is_legal = is_raised(max_fee, previous.max_fee)
            && is_raised(tip, previous.tip)
            && max_blob_fee
                .zip(previous.max_blob_fee)
                .is_none_or(|(new, previous)| is_raised(new, previous));
        is_legal.then_some(Fees {
            max_fee,
            tip,
            max_blob_fee,
        })
    }
}

/// `fee` raised by `percent`, rounded up and by 1 wei at least.
fn raised(fee: u128, percent: u128) -> u128 {
    let raise = fee.saturating_mul(percent).div_ceil(100).max(1);
    fee.saturating_add(raise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn first_fees_leave_room_for_twice_the_base_fees() {
        let market = FeeMarket {
            next_base_fee: 30_000_000_000,
            median_tip: 2_000_000_000,
            next_blob_base_fee: 5,
        };
        let fees = FeePolicy::default().first(&market, false);
        let expected = Fees {
            max_fee: 62_000_000_000,
            tip: 2_000_000_000,
            max_blob_fee: None,
        };
        assert_eq!(fees, expected);
        let with_blobs = FeePolicy::default().first(&market, true);
        assert_eq!(with_blobs.max_blob_fee, Some(10));
    }

    #[test]
    fn replacement_at_a_cap_is_refused() {
        let policy = FeePolicy::default();
        let market = FeeMarket::default();
        let fees = |max_fee, max_blob_fee| Fees {
            max_fee,
            tip: 1_000_000,
            max_blob_fee,
        };
        assert_eq!(
            policy.replacement(&fees(policy.max_fee, None), &market),
            None
        );
        let at_blob_cap = fees(10_000_000, Some(policy.max_blob_fee));
        assert_eq!(policy.replacement(&at_blob_cap, &market), None);
        // Less than twice is not enough for a blob pool, where it would be for another transaction.
        let near_cap = |blobs| fees(policy.max_fee / 3 * 2, blobs);
        assert_eq!(policy.replacement(&near_cap(Some(1)), &market), None);
        assert!(policy.replacement(&near_cap(None), &market).is_some());
    }

    proptest! {
        #[test]
        fn replacement_is_legal_and_within_the_caps(
            max_fee in 0u128..1_000_000_000_000,
            tip in 0u128..100_000_000_000,
            max_blob_fee in prop::option::of(0u128..1_000_000_000_000),
            next_base_fee in 0u128..1_000_000_000_000,
            median_tip in 0u128..100_000_000_000,
            next_blob_base_fee in 0u128..1_000_000_000_000,
        ) {
            let policy = FeePolicy::default();
            let previous = Fees { max_fee, tip: tip.min(max_fee), max_blob_fee };
            let market = FeeMarket { next_base_fee, median_tip, next_blob_base_fee };
            if let Some(new) = policy.replacement(&previous, &market) {
                let percent = if max_blob_fee.is_some() { 200 } else { 110 };
                prop_assert!(new.max_fee * 100 >= previous.max_fee * percent);
                prop_assert!(new.tip * 100 >= previous.tip * percent);
                prop_assert!(new.max_fee > previous.max_fee && new.tip > previous.tip);
                prop_assert!(new.max_fee <= policy.max_fee && new.tip <= policy.max_tip);
                prop_assert!(new.tip <= new.max_fee);
                prop_assert_eq!(new.max_blob_fee.is_some(), max_blob_fee.is_some());
                if let Some((new, previous)) = new.max_blob_fee.zip(max_blob_fee) {
                    prop_assert!(new * 100 >= previous * percent && new > previous);
                    prop_assert!(new <= policy.max_blob_fee);
                }
            }
        }
    }
}
