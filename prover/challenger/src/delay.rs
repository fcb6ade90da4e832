//! How long a game can last, from its clocks alone.
//!
//! Both bounds are independent of the number of parties: clocks are inherited along a path, and every claim is
//! decided by its own path.

use crate::{claim::Level, dissection::moves_below};

/// The clocks of a deployment, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// W: chess clock of one side.
    pub max_clock: u64,
    /// EXT: least time to answer any claim.
    pub extension: u64,
}

/// When the games of one length are over, in seconds from creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayBounds {
    /// No counter at all: W.
    pub undisputed: u64,
    /// The worst any attacker can do to a true root whose defender answers each claim within `response`.
    pub prompt_defender: u64,
    /// The worst whatever anybody does: `2W + (D − 1)·EXT`, D the number of moves below the root.
    pub absolute: u64,
}

impl Clocks {
    /// Time to answer a claim, in seconds, where the answering side has used this much already.
    pub const fn time_to_answer(&self, used: u64) -> u64 {
        let left = self.max_clock.saturating_sub(used);
        if left > self.extension {
            left
        } else {
            self.extension
        }
    }

    /// Bounds for games over `batches` batches.
    ///
    /// `response` is the defender's time from a claim to its answer's inclusion, in seconds. The attacker can run
    /// down one window on the root and on each claim of the defender: `⌊D/2⌋ + 1` of them, the first W, the
    /// others EXT once W is used up.
    pub fn bounds(&self, batches: u64, response: u64) -> DelayBounds {
        let depth = u64::from(moves_below(Level::Root, batches));
        let windows = (depth / 2).saturating_add(1);
        let extensions = windows.saturating_sub(1).saturating_mul(self.extension);
        let answers = depth.div_ceil(2).saturating_mul(response);
        let all_extensions = depth.saturating_sub(1).saturating_mul(self.extension);
        DelayBounds {
            undisputed: self.max_clock,
            prompt_defender: self
                .max_clock
                .saturating_add(extensions)
                .saturating_add(answers),
            absolute: self
                .max_clock
                .saturating_mul(2)
                .saturating_add(all_extensions),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_12_default_clocks_give_the_published_bounds() {
        let clocks = Clocks {
            max_clock: 302_400,
            extension: 14_400,
        };
        let bounds = clocks.bounds(1 << 21, 600);
        assert_eq!(bounds.absolute, 2 * 302_400 + 8 * 14_400);
        assert_eq!(bounds.prompt_defender, 302_400 + 4 * 14_400 + 5 * 600);
    }

    #[test]
    fn time_to_answer_never_falls_below_the_extension() {
        let clocks = Clocks {
            max_clock: 100,
            extension: 10,
        };
        assert_eq!(clocks.time_to_answer(0), 100);
        assert_eq!(clocks.time_to_answer(95), 10);
        assert_eq!(clocks.time_to_answer(1_000), 10);
    }
}
