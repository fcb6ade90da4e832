//! Backpressure: what waits for L1 raises the price of admission and, at its bounds, stops it, so that
//! the chain never outruns its L1.
//!
//! The node's own rule, not consensus: a transaction that was admitted stays so, and blocks that
//! others derive are judged by nothing here.

/// Price of admission in percent of the least fee, below half of the bounds and just below them.
const PRICE: [u64; 2] = [100, 1_600];
/// Unit of [`Backlog::fill`]: a bound is reached.
const FULL: u64 = 1_024;

/// What is sealed and in no batch on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Bytes of user transactions, EIP-2718 encoded.
    pub bytes: u64,
    /// Age of the oldest block with a user transaction, in seconds.
    pub seconds: u64,
}

/// Bounds of a backlog at which no transaction is admitted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogLimits {
    /// Bytes of user transactions, EIP-2718 encoded.
    pub bytes: u64,
    /// Age of the oldest block with a user transaction, in seconds.
    pub seconds: u64,
}

impl Backlog {
    /// How far the nearer bound is reached, of [`FULL`].
    fn fill(&self, limits: &BacklogLimits) -> u64 {
        let part = |is: u64, limit: u64| is.min(limit).saturating_mul(FULL) / limit.max(1);
        let fill = part(self.bytes, limits.bytes).max(part(self.seconds, limits.seconds));
        let is_over = self.bytes >= limits.bytes || self.seconds >= limits.seconds;
        if is_over { FULL } else { fill.min(FULL - 1) }
    }

    /// Price of admission in percent of the least fee: 100 up to half of the bounds, then evenly up to
    /// 1,600; `None` at the bounds, where nothing is admitted.
    pub fn price_percent(&self, limits: &BacklogLimits) -> Option<u32> {
        let (fill, half) = (self.fill(limits), FULL / 2);
        if fill >= FULL {
            return None;
        }
        let [least, most] = PRICE;
        let above = fill.saturating_sub(half);
        let percent = least + (most - least) * above / half;
        u32::try_from(percent).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BacklogLimits = BacklogLimits {
        bytes: 1 << 20,
        seconds: 1_000,
    };

    fn price(bytes: u64, seconds: u64) -> Option<u32> {
        Backlog { bytes, seconds }.price_percent(&LIMITS)
    }

    #[test]
    fn price_stays_up_to_half_rises_and_stops_at_either_bound() {
        assert_eq!(price(0, 0), Some(100));
        assert_eq!(price(1 << 19, 500), Some(100));
        assert_eq!(price(3 << 18, 0), Some(850));
        assert_eq!(price(0, 750), Some(850));
        assert_eq!(price((1 << 20) - 1, 0), Some(1_597));
        assert_eq!(price(1 << 20, 0), None);
        assert_eq!(price(0, 1_000), None);
        assert_eq!(price(u64::MAX, u64::MAX), None);
    }

    #[test]
    fn price_never_falls_while_the_backlog_grows() {
        let prices: Vec<_> = (0..=1_024).map(|kib| price(kib << 10, 0)).collect();
        let open: Vec<_> = prices.iter().map_while(|price| *price).collect();
        assert!(open.is_sorted());
        assert_eq!(open.len(), 1_024, "only the bound itself stops");
    }
}
