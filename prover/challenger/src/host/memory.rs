//! A store in memory, for short chains and tests.

use super::{Additions, BatchRecord, Store, StoreError};
use alloy_primitives::{B256, Bytes, keccak256, map::B256Map};
use parking_lot::RwLock;
use std::collections::BTreeMap;

/// Everything in memory; gone when the process ends.
#[derive(Debug, Default)]
pub struct MemoryStore(RwLock<Content>);

#[derive(Debug, Default)]
struct Content {
    preimages: B256Map<Bytes>,
    blobs: B256Map<Bytes>,
    records: BTreeMap<u64, BatchRecord>,
}

impl Store for MemoryStore {
    fn preimage(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.read().preimages.get(hash).cloned())
    }

    fn blob(&self, versioned_hash: &B256) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.read().blobs.get(versioned_hash).cloned())
    }

    fn record(&self, batch: u64) -> Result<Option<BatchRecord>, StoreError> {
        Ok(self.0.read().records.get(&batch).copied())
    }

    fn newest(&self) -> Result<Option<BatchRecord>, StoreError> {
        let content = self.0.read();
        Ok(content.records.last_key_value().map(|(_, record)| *record))
    }

    fn append(&self, record: &BatchRecord, additions: Additions) -> Result<(), StoreError> {
        let mut content = self.0.write();
        for bytes in additions.preimages {
            content.preimages.insert(keccak256(&bytes), bytes);
        }
        content.blobs.extend(additions.blobs);
        content.records.insert(record.batch(), *record);
        Ok(())
    }

    fn unwind(&self, batch: u64) -> Result<(), StoreError> {
        self.0.write().records.retain(|number, _| *number <= batch);
        Ok(())
    }
}
