//! Which guest images a game's batches are proven by. Spec: `SPEC.md`, section D.1.

use alloy_primitives::B256;

/// The images that a game began with, and keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Images {
    /// Root of the image of the batches from `from_batch` on.
    pub current: B256,
    /// Root of the image of the batches before.
    pub previous: B256,
    /// First batch of the current image.
    pub from_batch: u64,
}

impl Images {
    /// An image other than `ours` that one of the batches from `first` to `last` is proven by; `None` when all of them
    /// are proven by `ours`.
    #[must_use]
    pub fn foreign(&self, ours: B256, first: u64, last: u64) -> Option<B256> {
        let runs_current = last >= self.from_batch;
        let runs_previous = first < self.from_batch;
        if runs_current && self.current != ours {
            return Some(self.current);
        }
        (runs_previous && self.previous != ours).then_some(self.previous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: B256 = B256::repeat_byte(1);
    const NEW: B256 = B256::repeat_byte(2);

    #[test]
    fn rule_44_batch_is_proven_by_the_image_announced_for_its_index() {
        let images = Images {
            current: NEW,
            previous: OLD,
            from_batch: 10,
        };
        assert_eq!(images.foreign(OLD, 1, 9), None, "all before the change");
        assert_eq!(images.foreign(OLD, 1, 10), Some(NEW), "one of the next");
        assert_eq!(images.foreign(NEW, 10, 12), None, "all after the change");
        assert_eq!(images.foreign(NEW, 9, 12), Some(OLD), "one of the last");
    }

    #[test]
    fn game_before_any_change_has_one_image() {
        let images = Images {
            current: NEW,
            previous: NEW,
            from_batch: 0,
        };
        assert_eq!(images.foreign(NEW, 1, u64::MAX), None);
        assert_eq!(images.foreign(OLD, 1, 1), Some(NEW));
    }
}
