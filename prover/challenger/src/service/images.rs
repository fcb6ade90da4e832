//! Which guest images a game's batches are proven by. Spec: `SPEC.md`, section D.1.

use crate::image::{IMAGE_ROOT, Programs};
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
    /// One image for every batch.
    #[must_use]
    pub const fn only(image: B256) -> Self {
        Self {
            current: image,
            previous: image,
            from_batch: 0,
        }
    }

    /// Root of the image of a batch.
    #[must_use]
    pub const fn of(&self, batch: u64) -> B256 {
        if batch >= self.from_batch {
            self.current
        } else {
            self.previous
        }
    }

    /// An image that one of the batches from `first` to `last` is proven by and that is not among `known`; `None` when
    /// all of them are.
    #[must_use]
    pub fn foreign(&self, known: &Programs, first: u64, last: u64) -> Option<B256> {
        let mut ends = [last, first].into_iter().map(|batch| self.of(batch));
        ends.find(|image| known.get(image).is_none())
    }
}

/// How a game judges its batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// By which images.
    pub images: Images,
    /// The batch that it begins after: whatever came of batches up to it is settled.
    pub anchor: u64,
}

impl Rules {
    /// Those of a chain that has had one image, the built-in one, since its genesis.
    pub const BUILT_IN: Self = Self {
        images: Images::only(IMAGE_ROOT),
        anchor: 0,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use trestle_vm::Image;

    const OLD: B256 = IMAGE_ROOT;
    const NEW: B256 = B256::repeat_byte(2);

    fn other() -> Arc<Image> {
        let code = 0x13_u32.to_le_bytes();
        Arc::new(Image::new(4_096, code.to_vec(), &[(4_096, &code[..])], (4_096, 4_096)).unwrap())
    }

    #[test]
    fn rule_44_batch_is_proven_by_the_image_announced_for_its_index() {
        let images = Images {
            current: NEW,
            previous: OLD,
            from_batch: 10,
        };
        let known = Programs::default();
        assert_eq!(images.foreign(&known, 1, 9), None, "all before the change");
        assert_eq!(images.foreign(&known, 1, 10), Some(NEW), "one of the next");
        let images = Images {
            current: OLD,
            previous: NEW,
            from_batch: 10,
        };
        assert_eq!(images.foreign(&known, 10, 12), None, "all after the change");
        assert_eq!(images.foreign(&known, 9, 12), Some(NEW), "one of the last");
    }

    #[test]
    fn game_of_two_images_is_judged_by_who_has_both() {
        let mut known = Programs::default();
        let new = known.add(other());
        let images = Images {
            current: new,
            previous: OLD,
            from_batch: 10,
        };
        assert_eq!(images.foreign(&known, 1, 12), None);
        assert_eq!((images.of(9), images.of(10)), (OLD, new));
        let roots: Vec<B256> = known.roots().collect();
        assert!(roots.len() == 2 && roots.contains(&OLD) && roots.contains(&new));
    }

    #[test]
    fn game_before_any_change_has_one_image() {
        let known = Programs::default();
        assert_eq!(Images::only(OLD).foreign(&known, 1, u64::MAX), None);
        assert_eq!(Images::only(NEW).foreign(&known, 1, 1), Some(NEW));
    }
}
