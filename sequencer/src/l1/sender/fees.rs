//! What the sender pays: fees of a first attempt, and of a replacement.
//!
//! Pure arithmetic, in wei per L1 gas. A replacement raises both fees by at least ten percent, or
//! nodes refuse it; the cap holds always, so that a wild market cannot drain the account.

/// Smallest raise that L1 nodes take as a replacement, in percent.
const MIN_BUMP_PERCENT: u128 = 10;

/// Fees of one signed transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// `maxFeePerGas`, in wei.
    pub max_fee: u128,
    /// `maxPriorityFeePerGas`, in wei; at most `max_fee`.
    pub tip: u128,
}

/// What L1 asks at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeMarket {
    /// Base fee of the next block, in wei per gas.
    pub next_base_fee: u128,
    /// Median tip of the last blocks, in wei per gas.
    pub median_tip: u128,
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
    /// Raise of a replacement, in percent; at least 10.
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
            bump_percent: 13,
            bump_after_blocks: 3,
        }
    }
}

impl FeePolicy {
    /// Fees of a first attempt: room for the base fee to double, within the caps.
    #[must_use]
    pub fn first(&self, market: &FeeMarket) -> Fees {
        let tip = market.median_tip.max(self.min_tip.max(1)).min(self.max_tip);
        let max_fee = market
            .next_base_fee
            .saturating_mul(2)
            .saturating_add(tip)
            .min(self.max_fee);
        Fees {
            max_fee,
            tip: tip.min(max_fee),
        }
    }

    /// Fees of a replacement for `previous`, or `None` where the caps leave no legal raise.
    #[must_use]
    pub fn replacement(&self, previous: &Fees, market: &FeeMarket) -> Option<Fees> {
        let market = self.first(market);
        let percent = self.bump_percent.max(MIN_BUMP_PERCENT);
        let max_fee = raised(previous.max_fee, percent)
            .max(market.max_fee)
            .min(self.max_fee);
        let tip = raised(previous.tip, percent)
            .max(market.tip)
            .min(self.max_tip)
            .min(max_fee);
        let is_legal = max_fee >= raised(previous.max_fee, MIN_BUMP_PERCENT)
            && tip >= raised(previous.tip, MIN_BUMP_PERCENT);
        is_legal.then_some(Fees { max_fee, tip })
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
    fn first_fees_leave_room_for_twice_the_base_fee() {
        let market = FeeMarket {
            next_base_fee: 30_000_000_000,
            median_tip: 2_000_000_000,
        };
        let fees = FeePolicy::default().first(&market);
        assert_eq!(
            fees,
            Fees {
                max_fee: 62_000_000_000,
                tip: 2_000_000_000
            }
        );
    }

    #[test]
    fn replacement_at_the_cap_is_refused() {
        let policy = FeePolicy::default();
        let market = FeeMarket {
            next_base_fee: 1,
            median_tip: 1,
        };
        let previous = Fees {
            max_fee: policy.max_fee,
            tip: 1_000_000,
        };
        assert_eq!(policy.replacement(&previous, &market), None);
    }

    proptest! {
        #[test]
        fn replacement_is_legal_and_within_the_caps(
            max_fee in 0u128..1_000_000_000_000,
            tip in 0u128..100_000_000_000,
            next_base_fee in 0u128..1_000_000_000_000,
            median_tip in 0u128..100_000_000_000,
        ) {
            let policy = FeePolicy::default();
            let previous = Fees { max_fee, tip: tip.min(max_fee) };
            let market = FeeMarket { next_base_fee, median_tip };
            if let Some(new) = policy.replacement(&previous, &market) {
                prop_assert!(new.max_fee * 100 >= previous.max_fee * 110);
                prop_assert!(new.tip * 100 >= previous.tip * 110);
                prop_assert!(new.max_fee > previous.max_fee && new.tip > previous.tip);
                prop_assert!(new.max_fee <= policy.max_fee && new.tip <= policy.max_tip);
                prop_assert!(new.tip <= new.max_fee);
            }
        }
    }
}
