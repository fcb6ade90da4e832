//! Where the batcher gets the chain from: the store for blocks, the engine for what L1 has of them.

use super::BatchBlock;
use crate::{
    engine::{BatchTip, EntryRecord},
    store::{Mark, Store},
};
use alloy_primitives::B256;
use alloy_rlp::Decodable;
use std::{fmt, sync::Arc};
use tokio::sync::watch;
use trestle_protocol::{ChainConfig, QueuedEntry};

/// The chain could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("blocks for a batch cannot be read: {reason}")]
pub struct SourceError {
    /// Cause.
    pub reason: String,
}

impl SourceError {
    fn new(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
        }
    }
}

/// The chain as the batcher needs it. Every answer may be from another moment: the batcher checks that
/// they fit together by their hashes.
pub trait BatchSource: Send + Sync + fmt::Debug {
    /// The end of the newest batch on L1, as the engine derived it.
    fn tip(&self) -> BatchTip;

    /// The queue's accumulator after `count` entries.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    fn deposit_acc(&self, count: u64) -> Result<B256, SourceError>;

    /// Timestamp of the L1 block that enqueued entry `index`, in seconds; `None` when it is not there (any more).
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    fn entry_time(&self, index: u64) -> Result<Option<u64>, SourceError>;

    /// Number of the newest block that is durable; later ones are not posted.
    fn durable_head(&self) -> u64;

    /// Hash of the block with this number; `None` when it is not there (any more).
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    fn hash(&self, number: u64) -> Result<Option<B256>, SourceError>;

    /// The block with this number; `None` when it is not there (any more).
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be read.
    fn block(&self, number: u64) -> Result<Option<BatchBlock>, SourceError>;
}

/// The node's own chain.
#[derive(Debug)]
pub struct StoreSource {
    config: Arc<ChainConfig>,
    store: Arc<Store>,
    tip: watch::Receiver<BatchTip>,
}

impl StoreSource {
    /// The chain in `store`, whose engine publishes `tip`.
    #[must_use]
    pub const fn new(
        config: Arc<ChainConfig>,
        store: Arc<Store>,
        tip: watch::Receiver<BatchTip>,
    ) -> Self {
        Self { config, store, tip }
    }

    /// A queue entry; `None` when L1 took it back a moment ago.
    fn entry(&self, index: u64) -> Result<Option<QueuedEntry>, SourceError> {
        let Some(bytes) = self
            .store
            .mark(Mark::Deposit(index))
            .map_err(SourceError::new)?
        else {
            return Ok(None);
        };
        let record = EntryRecord::decode(&mut bytes.as_ref()).map_err(SourceError::new)?;
        record.queued(index).map(Some).map_err(SourceError::new)
    }
}

impl BatchSource for StoreSource {
    fn tip(&self) -> BatchTip {
        *self.tip.borrow()
    }

    fn deposit_acc(&self, count: u64) -> Result<B256, SourceError> {
        match count.checked_sub(1) {
            Some(last) => {
                let entry = self.entry(last)?;
                let missing = || SourceError::new(format_args!("queue entry {last} is missing"));
                Ok(entry.ok_or_else(missing)?.acc)
            }
            None => Ok(B256::ZERO),
        }
    }

    fn entry_time(&self, index: u64) -> Result<Option<u64>, SourceError> {
        Ok(self.entry(index)?.map(|queued| queued.entry.l1_time))
    }

    fn durable_head(&self) -> u64 {
        self.store.durable_head().borrow().number
    }

    fn hash(&self, number: u64) -> Result<Option<B256>, SourceError> {
        let snapshot = self.store.durable().map_err(SourceError::new)?;
        let header = snapshot.header(number).map_err(SourceError::new)?;
        Ok(header.map(|header| header.hash))
    }

    fn block(&self, number: u64) -> Result<Option<BatchBlock>, SourceError> {
        let snapshot = self.store.durable().map_err(SourceError::new)?;
        let header = snapshot.header(number).map_err(SourceError::new)?;
        let block = snapshot.transactions(number).map_err(SourceError::new)?;
        let gas_used = snapshot.gas_used(number).map_err(SourceError::new)?;
        let (Some(header), Some(block), Some(gas_used)) = (header, block, gas_used) else {
            return Ok(None);
        };
        let entries = block.deposits.clone().map(|index| self.entry(index));
        let Some(entries) = entries.collect::<Result<Option<Vec<_>>, _>>()? else {
            // The engine unwinds the block in a moment.
            return Ok(None);
        };
        Ok(Some(BatchBlock::new(
            &self.config,
            &header,
            &block.transactions,
            &gas_used,
            &entries,
        )))
    }
}
