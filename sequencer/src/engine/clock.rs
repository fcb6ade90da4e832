//! What time it is for the chain: the clock of the day, as far as L1 bears it out.
//!
//! Derivation takes no block that is more than `maxTimeDrift` ahead of the L1 block its batch is in: it changes its
//! time, and so its hash and its receipts. A machine whose clock runs ahead must not acknowledge such a block. L1's
//! time is taken to go on at the machine's own pace while L1 is not seen.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A difference between the machine's clock and L1's that is worth a word, in seconds.
const WRONG: u64 = 60;

/// The chain's clock.
#[derive(Debug, Clone)]
pub(crate) struct ChainClock {
    /// Timestamp of the newest L1 block, in seconds, and when it was seen; `None` before the first.
    l1: Option<(u64, Instant)>,
    /// Seconds that a block may be ahead of L1, with room for what is not known of L1's clock.
    most_ahead: u64,
    is_wrong: bool,
}

impl ChainClock {
    /// A clock for a chain whose blocks may be `max_time_drift` seconds ahead of L1.
    pub(crate) const fn new(max_time_drift: u64) -> Self {
        Self {
            l1: None,
            most_ahead: max_time_drift / 2,
            is_wrong: false,
        }
    }

    /// The newest L1 block is of this time.
    pub(crate) fn see_l1(&mut self, time: u64) {
        if self.l1.is_none_or(|(known, _)| known != time) {
            self.l1 = Some((time, Instant::now()));
        }
    }

    /// Seconds since the Unix epoch, no more than L1 bears out.
    pub(crate) fn now(&self) -> u64 {
        let most = self.l1_now().map(|l1| l1.saturating_add(self.most_ahead));
        unix_now().min(most.unwrap_or(u64::MAX))
    }

    /// What L1's time should be now.
    fn l1_now(&self) -> Option<u64> {
        let (time, seen) = self.l1?;
        Some(time.saturating_add(seen.elapsed().as_secs()))
    }

    /// Measures how wrong the machine's clock is, and says so once when that is much.
    pub(crate) fn report(&mut self) {
        let Some(l1) = self.l1_now() else {
            return;
        };
        let now = unix_now();
        let (ahead, behind) = (now.saturating_sub(l1), l1.saturating_sub(now));
        metrics::gauge!("trestle_clock_ahead_seconds").set(Duration::from_secs(ahead));
        metrics::gauge!("trestle_clock_behind_seconds").set(Duration::from_secs(behind));
        let was_wrong = std::mem::replace(&mut self.is_wrong, ahead.max(behind) > WRONG);
        match (was_wrong, self.is_wrong) {
            (false, true) => tracing::error!(
                ahead,
                behind,
                "clock of this machine is wrong by L1's: block times are held to what L1 takes"
            ),
            (true, false) => tracing::info!(ahead, behind, "clock agrees with L1's again"),
            _ => {}
        }
    }
}

/// Seconds since the Unix epoch by the machine's clock; 0 for a clock before it.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_ahead_of_l1_is_held_to_half_the_drift() {
        let mut clock = ChainClock::new(300);
        let now = unix_now();
        assert!(clock.now() >= now, "L1 is not known yet");
        clock.see_l1(now - 3_600);
        let held = clock.now();
        assert!((now - 3_450..now - 3_440).contains(&held), "{held}");
        clock.see_l1(now);
        assert!(clock.now() >= now);
    }

    #[test]
    fn clock_behind_l1_is_believed() {
        let mut clock = ChainClock::new(300);
        let now = unix_now();
        clock.see_l1(now + 3_600);
        assert!((now..now + 10).contains(&clock.now()));
    }
}
