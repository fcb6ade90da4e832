//! A store on disk: MDBX, one write transaction per batch.

use super::{Additions, BatchRecord, Store, StoreError};
use alloy_primitives::{B256, Bytes, keccak256};
use signet_libmdbx::{
    Database, DatabaseFlags, Environment, EnvironmentFlags, Geometry, Mode, SyncMode, WriteFlags,
};
use std::{borrow::Cow, path::Path};

/// Largest database, in bytes of address space.
const MAX_BYTES: usize = 4 << 40;
/// Step by which the file grows, in bytes.
const GROWTH_BYTES: isize = 64 << 20;

/// Everything in a folder of its own.
#[derive(Debug)]
pub struct DiskStore {
    env: Environment,
    preimages: Database,
    blobs: Database,
    records: Database,
}

impl DiskStore {
    /// Opens the store in `folder`, creating what is missing.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Database`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)?;
        let env = Environment::builder()
            .set_max_dbs(4)
            .set_geometry(Geometry {
                size: Some(0..MAX_BYTES),
                growth_step: Some(GROWTH_BYTES),
                ..Geometry::default()
            })
            .set_flags(EnvironmentFlags {
                no_rdahead: true,
                mode: Mode::ReadWrite {
                    sync_mode: SyncMode::Durable,
                },
                ..EnvironmentFlags::default()
            })
            .open_with_permissions(folder, 0o600)?;
        let tx = env.begin_rw_unsync()?;
        let [preimages, blobs, records] = ["preimages", "blobs", "records"]
            .map(|name| tx.create_db(Some(name), DatabaseFlags::empty()));
        let (preimages, blobs, records) = (preimages?, blobs?, records?);
        tx.commit()?;
        Ok(Self {
            env,
            preimages,
            blobs,
            records,
        })
    }

    fn get(&self, table: Database, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let tx = self.env.begin_ro_sync()?;
        let value = tx.get::<Cow<'_, [u8]>>(table.dbi(), key)?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }
}

fn decode(bytes: &[u8]) -> Result<BatchRecord, StoreError> {
    BatchRecord::decode(bytes).ok_or(StoreError::Damaged("record of a batch"))
}

impl Store for DiskStore {
    fn preimage(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        self.get(self.preimages, hash.as_slice())
    }

    fn blob(&self, versioned_hash: &B256) -> Result<Option<Bytes>, StoreError> {
        self.get(self.blobs, versioned_hash.as_slice())
    }

    fn record(&self, batch: u64) -> Result<Option<BatchRecord>, StoreError> {
        let bytes = self.get(self.records, &batch.to_be_bytes())?;
        bytes.map(|bytes| decode(&bytes)).transpose()
    }

    fn newest(&self) -> Result<Option<BatchRecord>, StoreError> {
        let tx = self.env.begin_ro_sync()?;
        let mut cursor = tx.cursor(self.records)?;
        let last = cursor.last::<Cow<'_, [u8]>, Cow<'_, [u8]>>()?;
        last.map(|(_, bytes)| decode(&bytes)).transpose()
    }

    fn append(&self, record: &BatchRecord, additions: Additions) -> Result<(), StoreError> {
        let tx = self.env.begin_rw_unsync()?;
        let preimages = additions.preimages.iter();
        let mut hashed: Vec<_> = preimages.map(|bytes| (keccak256(bytes), bytes)).collect();
        // In the order of the keys, which is the order of the pages that they go to.
        hashed.sort_unstable_by_key(|(hash, _)| *hash);
        for (hash, bytes) in hashed {
            tx.put(self.preimages, hash, bytes, WriteFlags::UPSERT)?;
        }
        for (hash, blob) in &additions.blobs {
            tx.put(self.blobs, hash, blob, WriteFlags::UPSERT)?;
        }
        let key = record.batch().to_be_bytes();
        tx.put(self.records, key, record.encode(), WriteFlags::UPSERT)?;
        tx.commit()?;
        Ok(())
    }

    fn unwind(&self, batch: u64) -> Result<(), StoreError> {
        let newest = self.newest()?.map_or(0, |record| record.batch());
        let tx = self.env.begin_rw_unsync()?;
        for number in batch.saturating_add(1)..=newest {
            tx.del(self.records, number.to_be_bytes(), None)?;
        }
        tx.commit()?;
        Ok(())
    }
}
