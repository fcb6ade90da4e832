//! The store as the mempool and the L1 sender want to see it.

use crate::{
    l1::{JournalError, JournaledTx, SenderJournal, TxKey},
    mempool::{AccountSource, SenderAccount, TransactionJournal},
    store::{Mark, MarkBatch, Store, StoreError},
};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use futures::future::BoxFuture;
use std::sync::Arc;

/// Accounts of the newest block, on disk or not.
#[derive(Debug)]
pub(super) struct StoreAccounts(pub(super) Arc<Store>);

impl AccountSource for StoreAccounts {
    fn account(&self, sender: Address) -> Result<SenderAccount, String> {
        let read = || -> Result<SenderAccount, StoreError> {
            let snapshot = self.0.sequenced()?;
            let view = snapshot.state_at(snapshot.head().number)?;
            let info = view.account(&sender)?.unwrap_or_default();
            Ok(SenderAccount { info, code: view.code(&info.code_hash)? })
        };
        read().map_err(|error| error.to_string())
    }
}

/// The store's journal for transactions of the pool.
#[derive(Debug)]
pub(super) struct StorePool(pub(super) Arc<Store>);

impl TransactionJournal for StorePool {
    fn admit(&self, hash: B256, encoded: Bytes) -> BoxFuture<'static, Result<(), String>> {
        let ticket = self.0.admit([(hash, encoded)]);
        Box::pin(async move {
            let ticket = ticket.map_err(|error| error.to_string())?;
            ticket.durable().await.map_err(|error| error.to_string())
        })
    }

    fn forget(&self, hashes: Vec<B256>) {
        // What the disk refuses to forget is offered to the pool again at the next start.
        if let Err(error) = self.0.forget(hashes) {
            tracing::warn!(%error, "dropped transactions stay in the journal");
        }
    }
}

/// One signed L1 transaction in the store.
#[derive(Debug, Clone, RlpEncodable, RlpDecodable)]
struct SentRecord {
    attempt: u32,
    key: B256,
    raw: Bytes,
}

/// The store's marks for transactions sent to L1, by nonce.
#[derive(Debug)]
pub(super) struct StoreSent(pub(super) Arc<Store>);

impl StoreSent {
    fn attempts(&self, nonce: u64) -> Result<Vec<SentRecord>, JournalError> {
        let bytes = self.0.mark(Mark::Sent(nonce)).map_err(failed)?;
        bytes.map_or_else(|| Ok(Vec::new()), |bytes| decode(&bytes))
    }
}

impl SenderJournal for StoreSent {
    fn load(&self) -> Result<Vec<JournaledTx>, JournalError> {
        let mut all = Vec::new();
        for (nonce, bytes) in self.0.marks(Mark::Sent, 0..u64::MAX).map_err(failed)? {
            let restore = |SentRecord { attempt, key, raw }| JournaledTx {
                nonce,
                attempt,
                key: TxKey(key),
                raw,
            };
            all.extend(decode(&bytes)?.into_iter().map(restore));
        }
        Ok(all)
    }

    fn append(&self, tx: &JournaledTx) -> Result<(), JournalError> {
        let mut attempts = self.attempts(tx.nonce)?;
        attempts.retain(|record| record.attempt != tx.attempt);
        attempts.push(SentRecord { attempt: tx.attempt, key: tx.key.0, raw: tx.raw.clone() });
        let mut marks = MarkBatch::default();
        marks.set(Mark::Sent(tx.nonce), alloy_rlp::encode(attempts));
        self.0.write_marks(marks).and_then(|ticket| ticket.wait()).map_err(failed)
    }

    fn prune_below(&self, nonce: u64) -> Result<(), JournalError> {
        let mut marks = MarkBatch::default();
        for (old, _) in self.0.marks(Mark::Sent, 0..nonce).map_err(failed)? {
            marks.remove(Mark::Sent(old));
        }
        self.0.write_marks(marks).map(drop).map_err(failed)
    }
}

fn decode(bytes: &[u8]) -> Result<Vec<SentRecord>, JournalError> {
    alloy_rlp::decode_exact(bytes).map_err(|error| JournalError { reason: error.to_string() })
}

fn failed(error: StoreError) -> JournalError {
    JournalError { reason: error.to_string() }
}
