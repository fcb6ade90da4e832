//! A bounded cache of blocks by hash: clients ask for what was sealed a moment ago, and for many
//! transactions of one block one after another.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use alloy_primitives::B256;
use parking_lot::Mutex;

use trestle_protocol::SealedBlock;

/// Transactions of all cached blocks together, at most.
const CACHED_TRANSACTIONS: usize = 100_000;
/// Blocks in the cache, at most.
const CACHED_BLOCKS: usize = 2_048;

/// Blocks by hash, the newest ones.
#[derive(Debug, Default)]
pub(super) struct BlockCache(Mutex<Cached>);

#[derive(Debug, Default)]
struct Cached {
    by_hash: HashMap<B256, Arc<SealedBlock>>,
    order: VecDeque<B256>,
    transactions: usize,
}

impl BlockCache {
    pub(super) fn get(&self, hash: &B256) -> Option<Arc<SealedBlock>> {
        self.0.lock().by_hash.get(hash).cloned()
    }

    pub(super) fn insert(&self, block: Arc<SealedBlock>) {
        let mut cached = self.0.lock();
        let (hash, count) = (block.header.hash, block.body.transactions.len());
        if cached.by_hash.insert(hash, block).is_some() {
            return;
        }
        cached.order.push_back(hash);
        cached.transactions += count;
        while cached.order.len() > CACHED_BLOCKS || cached.transactions > CACHED_TRANSACTIONS {
            let Some(oldest) = cached.order.pop_front() else {
                break;
            };
            if let Some(gone) = cached.by_hash.remove(&oldest) {
                cached.transactions -= gone.body.transactions.len();
            }
        }
    }
}
