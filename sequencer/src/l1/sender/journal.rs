//! What the sender must remember over a crash: every signed transaction, before L1 sees it.
//!
//! The store implements [`SenderJournal`] durably; [`MemoryJournal`] serves tools that may forget.
//! With the bytes on disk before the broadcast, a restart sends the same transaction again instead
//! of building a second one.

use super::request::TxKey;
use alloy::primitives::Bytes;
use parking_lot::Mutex;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// A signed transaction as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournaledTx {
    /// Nonce of the account.
    pub nonce: u64,
    /// Number of the attempt at this nonce, from 0; a higher one replaces a lower one.
    pub attempt: u32,
    /// What the transaction is for.
    pub key: TxKey,
    /// The signed transaction, EIP-2718 encoded; one with blobs without its sidecar.
    pub raw: Bytes,
}

/// The journal could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sender journal failed: {reason}")]
pub struct JournalError {
    /// Cause, in the store's words.
    pub reason: String,
}

/// Durable memory of the sender.
pub trait SenderJournal: Send + Sync + fmt::Debug {
    /// Every transaction kept, by nonce and attempt.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be read.
    fn load(&self) -> Result<Vec<JournaledTx>, JournalError>;

    /// Keeps `tx` and, in place of what there is for its nonce, `sidecar`; both are durable when this returns.
    /// Without one, the sidecar of the attempt before stays.
    ///
    /// # Errors
    /// [`JournalError`] when it may not be durable: the sender then does not broadcast it.
    fn append(&self, tx: &JournaledTx, sidecar: Option<&Bytes>) -> Result<(), JournalError>;

    /// The sidecar of the newest attempt at `nonce`, if it carries blobs.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be read.
    fn sidecar(&self, nonce: u64) -> Result<Option<Bytes>, JournalError>;

    /// Forgets the transactions with a nonce below `nonce` and, in the same write, keeps what final ones have
    /// cost: the sender's own record, in place of the one before.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be written.
    fn prune_below(&self, nonce: u64, spent: &Bytes) -> Result<(), JournalError>;

    /// The record kept last; `None` when there is none.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be read.
    fn spent(&self) -> Result<Option<Bytes>, JournalError>;
}

/// A journal that lives as long as the process.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal {
    entries: Arc<Mutex<BTreeMap<(u64, u32), JournaledTx>>>,
    sidecars: Arc<Mutex<BTreeMap<u64, Bytes>>>,
    spent: Arc<Mutex<Option<Bytes>>>,
}

impl SenderJournal for MemoryJournal {
    fn load(&self) -> Result<Vec<JournaledTx>, JournalError> {
        Ok(self.entries.lock().values().cloned().collect())
    }

    fn append(&self, tx: &JournaledTx, sidecar: Option<&Bytes>) -> Result<(), JournalError> {
        if let Some(sidecar) = sidecar {
            self.sidecars.lock().insert(tx.nonce, sidecar.clone());
        }
        self.entries
            .lock()
            .insert((tx.nonce, tx.attempt), tx.clone());
        Ok(())
    }

    fn sidecar(&self, nonce: u64) -> Result<Option<Bytes>, JournalError> {
        Ok(self.sidecars.lock().get(&nonce).cloned())
    }

    fn prune_below(&self, nonce: u64, spent: &Bytes) -> Result<(), JournalError> {
        *self.spent.lock() = Some(spent.clone());
        self.sidecars.lock().retain(|kept, _| *kept >= nonce);
        self.entries.lock().retain(|(kept, _), _| *kept >= nonce);
        Ok(())
    }

    fn spent(&self) -> Result<Option<Bytes>, JournalError> {
        Ok(self.spent.lock().clone())
    }
}
