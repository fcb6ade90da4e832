//! Where derivation keeps what it made: batch records, and everything by its hash.

use super::BatchRecord;
use alloy_primitives::{B256, Bytes};

/// Why the store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A preimage that should be there is not.
    #[error("preimage of {0} is not in the store")]
    Missing(B256),
    /// A blob that should be there is not.
    #[error("blob {0} is not in the store")]
    MissingBlob(B256),
    /// What is stored is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(&'static str),
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] signet_libmdbx::MdbxError),
    /// The database could not be read.
    #[error("database: {0}")]
    Read(#[from] signet_libmdbx::ReadError),
    /// The database's folder could not be made.
    #[error("folder of the database: {0}")]
    Folder(#[from] std::io::Error),
}

/// What a batch adds to a store.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// Preimages, which the store keys by their Keccak-256.
    pub preimages: Vec<Bytes>,
    /// Blobs of 131,072 bytes by versioned hash.
    pub blobs: Vec<(B256, Bytes)>,
}

/// Batch records by number, preimages by Keccak-256, blobs by versioned hash.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// The bytes with this Keccak-256.
    ///
    /// # Errors
    /// [`StoreError`]; what is not there is `None`.
    fn preimage(&self, hash: &B256) -> Result<Option<Bytes>, StoreError>;

    /// The blob with this versioned hash.
    ///
    /// # Errors
    /// [`StoreError`]; what is not there is `None`.
    fn blob(&self, versioned_hash: &B256) -> Result<Option<Bytes>, StoreError>;

    /// The record of a batch.
    ///
    /// # Errors
    /// [`StoreError`]; what is not there is `None`.
    fn record(&self, batch: u64) -> Result<Option<BatchRecord>, StoreError>;

    /// The newest record; `None` in an empty store.
    ///
    /// # Errors
    /// [`StoreError`].
    fn newest(&self) -> Result<Option<BatchRecord>, StoreError>;

    /// Adds a batch: all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn append(&self, record: &BatchRecord, additions: Additions) -> Result<(), StoreError>;

    /// Forgets the records of all batches above this one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn unwind(&self, batch: u64) -> Result<(), StoreError>;
}
