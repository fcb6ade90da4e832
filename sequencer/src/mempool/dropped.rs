//! A bounded memory of transactions that were acknowledged and then left the pool unincluded, so
//! that whoever asks for one by hash gets an answer.

use std::collections::{HashMap, VecDeque};

use alloy_primitives::B256;

use super::DropReason;

/// How many are remembered, the newest ones.
const REMEMBERED: usize = 131_072;

/// The newest dropped transactions by hash.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    reasons: HashMap<B256, DropReason>,
    order: VecDeque<B256>,
}

impl Dropped {
    pub(super) fn insert(&mut self, hash: B256, reason: DropReason) {
        if self.reasons.insert(hash, reason).is_none() {
            self.order.push_back(hash);
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.reasons.remove(&oldest);
            }
        }
    }

    pub(super) fn remove(&mut self, hash: &B256) {
        if self.reasons.remove(hash).is_some() {
            self.order.retain(|kept| kept != hash);
        }
    }

    pub(super) fn get(&self, hash: &B256) -> Option<DropReason> {
        self.reasons.get(hash).cloned()
    }
}
