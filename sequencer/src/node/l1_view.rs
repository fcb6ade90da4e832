//! What the engine took in of L1, as the RPC wants it.

use crate::{
    engine::{BatchRecord, EngineError, Heads, batch_of_block, read_batch, read_entries},
    l1::L1View as ReaderView,
    rpc::{BatchInfo, L1Status, L1View, LoggedBatch, QueueEntryInfo},
    store::{BlockRef, Store},
};
use alloy_primitives::{B256, Sealable};
use std::sync::Arc;
use tokio::sync::watch;
use trestle_protocol::{ChainConfig, deposit_transaction};

/// Batches and queue entries in the store.
#[derive(Debug)]
pub(super) struct StoredL1 {
    config: Arc<ChainConfig>,
    store: Arc<Store>,
    heads: watch::Receiver<Heads>,
    reader: watch::Receiver<ReaderView>,
}

impl StoredL1 {
    pub(super) const fn new(
        config: Arc<ChainConfig>,
        store: Arc<Store>,
        heads: watch::Receiver<Heads>,
        reader: watch::Receiver<ReaderView>,
    ) -> Self {
        Self {
            config,
            store,
            heads,
            reader,
        }
    }

    fn info(&self, index: u64, record: &BatchRecord) -> Result<BatchInfo, EngineError> {
        let before = match index.checked_sub(1) {
            Some(0) | None => 0,
            Some(before) => read_batch(&self.store, before)?.map_or(0, |batch| batch.end_number),
        };
        Ok(BatchInfo {
            index,
            first_block: before.saturating_add(1),
            last_block: record.end_number,
            l1_block_number: record.l1_number,
            l1_block_hash: record.l1_hash,
            l1_transaction_hash: None,
            finalized: record.l1_number <= self.heads.borrow().l1_finalized.number,
        })
    }

    /// A batch whose blocks are on disk.
    fn find(&self, index: u64) -> Result<Option<BatchInfo>, EngineError> {
        if index > self.heads.borrow().batches {
            return Ok(None);
        }
        let record = read_batch(&self.store, index)?;
        record.map(|record| self.info(index, &record)).transpose()
    }

    fn logged(&self, index: u64) -> Result<Option<LoggedBatch>, EngineError> {
        let Some(record) = read_batch(&self.store, index)? else {
            return Ok(None);
        };
        let before = match index.checked_sub(1) {
            Some(0) | None => None,
            Some(before) => read_batch(&self.store, before)?,
        };
        let header = record.header()?;
        let (from, to) = (header.deposit_from, header.deposit_to);
        // One more, for the accumulator before them.
        let mut entries = read_entries(&self.store, from.saturating_sub(1)..to)?;
        let deposit_acc_before = match from {
            0 => B256::ZERO,
            _ if entries.is_empty() => header.deposit_acc,
            _ => entries.remove(0).acc,
        };
        let genesis = BlockRef {
            number: 0,
            hash: self.config.genesis_hash,
        };
        Ok(Some(LoggedBatch {
            acc_before: before.as_ref().map_or(B256::ZERO, |before| before.acc),
            acc: record.acc,
            deposit_acc_before,
            entries,
            start: before.map_or(genesis, |before| before.end()),
            end: record.end(),
            output: record.output,
            header,
        }))
    }

    fn entry(&self, index: u64) -> Result<Option<QueueEntryInfo>, EngineError> {
        let found = match read_entries(&self.store, index..index.saturating_add(1)) {
            Ok(found) => found,
            Err(EngineError::Sequence { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(found.first().map(|queued| QueueEntryInfo {
            index,
            l1_block_number: queued.entry.l1_number,
            l2_transaction_hash: deposit_transaction(&self.config, queued).seal_slow().seal(),
        }))
    }
}

impl L1View for StoredL1 {
    fn batch(&self, index: u64) -> Result<Option<BatchInfo>, String> {
        self.find(index).map_err(|error| error.to_string())
    }

    fn batch_of_block(&self, number: u64) -> Result<Option<BatchInfo>, String> {
        let find = || match batch_of_block(&self.store, number)? {
            Some(index) => self.find(index),
            None => Ok(None),
        };
        find().map_err(|error: EngineError| error.to_string())
    }

    fn queue_entry(&self, index: u64) -> Result<Option<QueueEntryInfo>, String> {
        self.entry(index).map_err(|error| error.to_string())
    }

    fn logged_batch(&self, index: u64) -> Result<Option<LoggedBatch>, String> {
        self.logged(index).map_err(|error| error.to_string())
    }

    fn status(&self) -> L1Status {
        let heads = *self.heads.borrow();
        let reader = self.reader.borrow();
        L1Status {
            head: reader.head.number.max(heads.l1.number),
            finalized: heads.l1_finalized.number,
            read: heads.l1.number,
            batches: heads.batches,
            queued: heads.deposits,
        }
    }
}
