//! How long the reader waits between two looks at L1.

use super::ReaderConfig;
use std::time::Duration;
use tokio::time::Instant;

/// Polls in the time that L1 takes for a block.
const POLLS_PER_BLOCK: u32 = 6;

/// Follows the pace at which blocks come, and backs off while the endpoint fails.
#[derive(Debug)]
pub(super) struct Pace {
    min: Duration,
    max: Duration,
    backoff_max: Duration,
    /// Smoothed time between new heads.
    gap: Duration,
    last_head: Instant,
    backoff: Option<Duration>,
}

impl Pace {
    pub(super) fn new(config: &ReaderConfig) -> Self {
        Self {
            min: config.poll_min,
            max: config.poll_max,
            backoff_max: config.backoff_max,
            gap: Duration::ZERO,
            last_head: Instant::now(),
            backoff: None,
        }
    }

    /// The endpoint answered; with a new head or without.
    pub(super) fn succeeded(&mut self, is_new_head: bool) {
        self.backoff = None;
        if is_new_head {
            let now = Instant::now();
            let gap = now.saturating_duration_since(self.last_head);
            self.gap = (self.gap * 3 + gap) / 4;
            self.last_head = now;
        }
    }

    /// The endpoint failed.
    pub(super) fn failed(&mut self) {
        let next = self.backoff.map_or(self.min, |pause| pause * 2);
        self.backoff = Some(next.min(self.backoff_max));
    }

    /// Time to the next poll.
    pub(super) fn pause(&self) -> Duration {
        self.backoff
            .unwrap_or_else(|| (self.gap / POLLS_PER_BLOCK).clamp(self.min, self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::Address;

    #[tokio::test(start_paused = true)]
    async fn pace_follows_the_blocks_and_backs_off() {
        let block_time = Duration::from_secs(12);
        let config = ReaderConfig::for_block_time(1, Address::ZERO, 1, block_time);
        let mut pace = Pace::new(&config);
        assert_eq!(pace.pause(), config.poll_min);
        for _ in 0..20 {
            tokio::time::advance(block_time).await;
            pace.succeeded(true);
        }
        let pause = pace.pause();
        assert!(
            pause > Duration::from_millis(1_900) && pause <= config.poll_max,
            "{pause:?}"
        );
        (0..20).for_each(|_| pace.failed());
        assert_eq!(pace.pause(), config.backoff_max);
        pace.succeeded(false);
        assert_eq!(pace.pause(), pause);
    }
}
