//! The store as the memory of an L1 sender.

use super::{Mark, MarkBatch, Store, StoreError};
use crate::l1::{JournalError, JournaledTx, SenderJournal, TxKey};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use parking_lot::Mutex;
use std::sync::Arc;

/// Transactions that one L1 account signed, kept in the store.
#[derive(Debug)]
pub struct SentTransactions {
    store: Arc<Store>,
    /// Where they lie, by nonce.
    kind: fn(u64) -> Mark,
    /// Where the sidecars of their blobs lie, by nonce.
    blobs: Option<fn(u64) -> Mark>,
    /// Where the record of what was spent lies.
    spent: Option<Mark>,
    /// Held while a mark is read and written again.
    writing: Mutex<()>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct SentRecord {
    attempt: u32,
    key: B256,
    raw: Bytes,
}

impl SentTransactions {
    /// Those of one account: [`Mark::BatcherSent`] or [`Mark::ProposerSent`].
    pub fn new(store: Arc<Store>, kind: fn(u64) -> Mark) -> Self {
        Self {
            store,
            kind,
            blobs: None,
            spent: None,
            writing: Mutex::new(()),
        }
    }

    /// With room for blobs: [`Mark::BatcherBlobs`].
    #[must_use]
    pub fn with_blobs(mut self, blobs: fn(u64) -> Mark) -> Self {
        self.blobs = Some(blobs);
        self
    }

    /// With a record of what was spent: [`Mark::BatcherSpent`].
    #[must_use]
    pub const fn with_spending(mut self, spent: Mark) -> Self {
        self.spent = Some(spent);
        self
    }

    fn at(&self, nonce: u64) -> Result<Vec<SentRecord>, StoreError> {
        self.store
            .mark((self.kind)(nonce))?
            .map_or(Ok(Vec::new()), |bytes| decode(&bytes))
    }

    fn all(&self) -> Result<Vec<JournaledTx>, StoreError> {
        let mut all = Vec::new();
        for (nonce, bytes) in self.store.marks(self.kind, 0..u64::MAX)? {
            all.extend(
                decode(&bytes)?
                    .into_iter()
                    .map(|SentRecord { attempt, key, raw }| JournaledTx {
                        nonce,
                        attempt,
                        key: TxKey(key),
                        raw,
                    }),
            );
        }
        Ok(all)
    }

    fn keep(&self, tx: &JournaledTx, sidecar: Option<&Bytes>) -> Result<(), StoreError> {
        let _writing = self.writing.lock();
        let mut records = self.at(tx.nonce)?;
        records.retain(|record| record.attempt != tx.attempt);
        records.push(SentRecord {
            attempt: tx.attempt,
            key: tx.key.0,
            raw: tx.raw.clone(),
        });
        records.sort_by_key(|record| record.attempt);
        let mut marks = MarkBatch::default();
        marks.set((self.kind)(tx.nonce), alloy_rlp::encode(records));
        if let (Some(blobs), Some(sidecar)) = (self.blobs, sidecar) {
            marks.set(blobs(tx.nonce), sidecar.clone());
        }
        self.store.write_marks(marks)?.wait()
    }

    fn remove_below(&self, nonce: u64, spent: &Bytes) -> Result<(), StoreError> {
        let _writing = self.writing.lock();
        let mut marks = MarkBatch::default();
        if let Some(mark) = self.spent {
            marks.set(mark, spent.clone());
        }
        for kind in [Some(self.kind), self.blobs].into_iter().flatten() {
            for (old, _) in self.store.marks(kind, 0..nonce)? {
                marks.remove(kind(old));
            }
        }
        if marks.is_empty() {
            return Ok(());
        }
        self.store.write_marks(marks)?.wait()
    }
}

fn decode(mut bytes: &[u8]) -> Result<Vec<SentRecord>, StoreError> {
    Decodable::decode(&mut bytes).map_err(|_| StoreError::Decode {
        what: "sent transaction",
    })
}

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> Self {
        Self {
            reason: error.to_string(),
        }
    }
}

impl SenderJournal for SentTransactions {
    fn load(&self) -> Result<Vec<JournaledTx>, JournalError> {
        Ok(self.all()?)
    }

    fn append(&self, tx: &JournaledTx, sidecar: Option<&Bytes>) -> Result<(), JournalError> {
        if sidecar.is_some() && self.blobs.is_none() {
            let reason = "this account's journal keeps no blobs".into();
            return Err(JournalError { reason });
        }
        Ok(self.keep(tx, sidecar)?)
    }

    fn sidecar(&self, nonce: u64) -> Result<Option<Bytes>, JournalError> {
        let Some(blobs) = self.blobs else {
            return Ok(None);
        };
        Ok(self.store.mark(blobs(nonce))?)
    }

    fn prune_below(&self, nonce: u64, spent: &Bytes) -> Result<(), JournalError> {
        Ok(self.remove_below(nonce, spent)?)
    }

    fn spent(&self) -> Result<Option<Bytes>, JournalError> {
        match self.spent {
            Some(mark) => Ok(self.store.mark(mark)?),
            None => Ok(None),
        }
    }
}
