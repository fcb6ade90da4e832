//! Settings of the sender.

use super::fees::FeePolicy;
use alloy::primitives::U256;
use std::time::Duration;

/// Settings of the sender; times are wall-clock.
#[derive(Debug, Clone)]
pub struct SenderConfig {
    /// Chain id that the endpoint must serve.
    pub chain_id: u64,
    /// Bounds of fees.
    pub fees: FeePolicy,
    /// Pause between two looks at L1 while something is under way.
    pub poll: Duration,
    /// Pause after which a transaction without inclusion is broadcast again.
    pub resend_after: Duration,
    /// Time for the caller to give a stale transaction's nonce other content, before the sender
    /// uses it up itself.
    pub cancel_after: Duration,
    /// Time that a used nonce may go without a receipt of ours before it counts as taken by
    /// somebody else: an endpoint's index may lag.
    pub taken_after: Duration,
    /// Highest L1 gas limit of a transaction (EIP-7825).
    pub max_gas: u64,
    /// Most that the account pays in fees in any 24 hours, in wei; no bound but its balance without.
    pub max_per_day: Option<U256>,
}

impl SenderConfig {
    /// Settings for an L1 with one block every `block_time`.
    #[must_use]
    pub fn for_block_time(chain_id: u64, block_time: Duration) -> Self {
        Self {
            chain_id,
            fees: FeePolicy::default(),
            poll: (block_time / 8).clamp(Duration::from_millis(50), Duration::from_secs(2)),
            resend_after: block_time.clamp(Duration::from_millis(500), Duration::from_secs(15)),
            cancel_after: (block_time / 4)
                .clamp(Duration::from_millis(250), Duration::from_secs(3)),
            taken_after: (block_time * 3).clamp(Duration::from_secs(2), Duration::from_secs(60)),
            max_gas: 1 << 24,
            max_per_day: None,
        }
    }
}
