//! How much is left of the time in which what waits can still be posted as users saw it.
//!
//! Two clocks run: a block whose batch comes later than the Inbox's time lag gets another timestamp, and another
//! hash with it; a queue entry that waits longer than the forced-inclusion delay can be forced in by anyone, ahead
//! of the blocks that wait. The alarm is for the half of either, whatever keeps batches back: L1, funds, the
//! spending cap. Spec: `SPEC.md`, sections 3.2 and 4.

use super::{
    BatcherError,
    task::{Batcher, TIME_MARGIN},
};
use crate::engine::BatchTip;
use crate::l1::L1View;
use std::time::{SystemTime, UNIX_EPOCH};
use trestle_protocol::ChainConfig;

/// Percent of the time at which it is logged as an error; the alert rule asks for the same.
const ALARM_PERCENT: u64 = 50;

impl Batcher {
    /// Measures the nearer of the two clocks and says so when half of it is over.
    pub(super) fn watch_window(
        &mut self,
        posted: &BatchTip,
        view: &L1View,
    ) -> Result<(), BatcherError> {
        let now = view.head.time.max(unix_now());
        let used = self
            .block_percent(now)
            .max(self.entry_percent(posted, view, now)?);
        metrics::gauge!("trestle_batcher_window_used_percent").set(crate::metrics::number(used));
        let is_late = used >= ALARM_PERCENT;
        if is_late && self.window_used < ALARM_PERCENT {
            let backlog = self.queue.len();
            tracing::error!(
                used,
                backlog,
                "what waits for L1 nears the end of its time: users will see other blocks than they saw"
            );
        }
        self.window_used = used;
        Ok(())
    }

    /// Percent of the time after which the oldest block would get another timestamp.
    fn block_percent(&self, now: u64) -> u64 {
        let Some(first) = self.queue.front() else {
            return 0;
        };
        let lag = now.saturating_sub(first.declared.timestamp);
        let window = self.config.chain.max_time_lag.saturating_sub(TIME_MARGIN);
        if lag > window {
            // Derivation will move its time: the transactions survive, the block hashes do not.
            tracing::error!(
                block = first.number,
                lag,
                "block is too old to be posted unchanged"
            );
            metrics::counter!("trestle_batcher_late_blocks_total").increment(1);
        }
        percent(lag, window)
    }

    /// Percent of the time after which the oldest queue entry can be forced in.
    fn entry_percent(
        &self,
        posted: &BatchTip,
        view: &L1View,
        now: u64,
    ) -> Result<u64, BatcherError> {
        let Some(delay) = self.config.forced_delay else {
            return Ok(0);
        };
        if view.inbox.deposits <= posted.deposit_to {
            return Ok(0);
        }
        let enqueued = self.source.entry_time(posted.deposit_to)?;
        let waits = enqueued.map_or(0, |time| now.saturating_sub(time));
        Ok(percent(waits, delay.as_secs()))
    }
}

fn percent(used: u64, of: u64) -> u64 {
    used.saturating_mul(100) / of.max(1)
}

/// Latest timestamp that a block may have to be posted unchanged, in seconds.
pub(super) fn latest_time(chain: &ChainConfig, l1_time: u64) -> u64 {
    let margin = TIME_MARGIN.min(chain.max_time_drift / 2);
    l1_time
        .max(unix_now())
        .saturating_add(chain.max_time_drift.saturating_sub(margin))
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
