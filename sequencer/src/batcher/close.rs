//! When a batch is closed although it is not full.

use super::BatchBlock;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long blocks may wait for company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosePolicy {
    /// For blocks with transactions or deposits.
    pub max_delay: Duration,
    /// For blocks that hold nothing but L1 attributes, when the batch before was of that kind too:
    /// each batch enqueues attributes, which make a block, which would make a batch.
    pub idle_delay: Duration,
}

impl ClosePolicy {
    /// The moment at which a batch of these blocks is due; `None` without blocks.
    pub(super) fn due(&self, blocks: &[Arc<BatchBlock>], was_idle: bool) -> Option<Instant> {
        let first = blocks.first()?;
        let is_idle = was_idle && blocks.iter().all(|block| block.is_idle);
        if is_idle {
            return Some(first.seen + self.idle_delay);
        }
        let urgent = blocks.iter().find(|block| !was_idle || !block.is_idle)?;
        Some(urgent.seen + self.max_delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;
    use trestle_protocol::payload::PayloadBlock;

    fn block(is_idle: bool, seen: Instant) -> Arc<BatchBlock> {
        Arc::new(BatchBlock {
            number: 1,
            hash: B256::ZERO,
            parent: B256::ZERO,
            declared: PayloadBlock::default(),
            deposits: None,
            deposit_gas: 0,
            work: 0,
            least_bytes: 0,
            guessed_bytes: 0,
            is_idle,
            seen,
        })
    }

    #[test]
    fn idle_blocks_follow_a_batch_once_and_then_wait() {
        let policy = ClosePolicy {
            max_delay: Duration::from_secs(1),
            idle_delay: Duration::from_secs(60),
        };
        let start = Instant::now();
        let later = start + Duration::from_secs(5);
        let (idle, full) = (block(true, start), block(false, later));
        assert_eq!(policy.due(&[], false), None);
        assert_eq!(
            policy.due(std::slice::from_ref(&idle), false),
            Some(start + policy.max_delay)
        );
        assert_eq!(
            policy.due(std::slice::from_ref(&idle), true),
            Some(start + policy.idle_delay)
        );
        assert_eq!(
            policy.due(&[idle, full], true),
            Some(later + policy.max_delay)
        );
    }
}
