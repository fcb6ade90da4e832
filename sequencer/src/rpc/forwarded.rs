//! Hashes of transactions that a replica handed to the sequencer, which took them: while the sequencer does
//! not answer, nobody else knows of them.

use std::collections::{HashSet, VecDeque};

use alloy_primitives::B256;
use parking_lot::Mutex;

/// Hashes that are kept; older ones are forgotten.
const KEPT: usize = 16_384;

/// The newest hashes, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Forwarded(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    known: HashSet<B256>,
    order: VecDeque<B256>,
}

impl Forwarded {
    pub(super) fn insert(&self, hash: B256) {
        let mut kept = self.0.lock();
        if !kept.known.insert(hash) {
            return;
        }
        kept.order.push_back(hash);
        if kept.order.len() > KEPT
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.known.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, hash: &B256) -> bool {
        self.0.lock().known.contains(hash)
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, U256};

    use super::{Forwarded, KEPT};

    #[test]
    fn newest_hashes_are_kept_and_no_more() {
        let forwarded = Forwarded::default();
        let hash = |index: usize| B256::from(U256::from(index));
        (0..=KEPT).for_each(|index| forwarded.insert(hash(index)));
        forwarded.insert(hash(KEPT));
        assert!(!forwarded.contains(&hash(0)));
        assert!(forwarded.contains(&hash(1)) && forwarded.contains(&hash(KEPT)));
        assert_eq!(forwarded.0.lock().order.len(), KEPT);
    }
}
