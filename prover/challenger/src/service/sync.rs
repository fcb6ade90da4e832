//! Keeps the oracle at the end of L1's log.

use std::sync::Arc;

use alloy_primitives::Address;
use trestle_contracts::bindings::inbox::Inbox::batchAccCall;
use trestle_sequencer::l1::{ContractReader, L1Client};

use super::{Oracle, ServiceError};
use crate::host::{BlobSource, L1Log};

/// Reads L1's log into an oracle.
#[derive(Debug)]
pub struct Sync {
    client: L1Client,
    reader: ContractReader,
    inbox: Address,
    blobs: BlobSource,
    oracle: Arc<Oracle>,
    log: Option<L1Log>,
}

impl Sync {
    /// A reader of the Inbox at `inbox`.
    #[must_use]
    pub fn new(client: L1Client, inbox: Address, blobs: BlobSource, oracle: Arc<Oracle>) -> Self {
        Self {
            reader: ContractReader::new(client.clone()),
            client,
            inbox,
            blobs,
            oracle,
            log: None,
        }
    }

    /// Derives every batch that L1 has up to block `head`; gives how many that were.
    ///
    /// # Errors
    /// [`ServiceError`]; what is derived stays.
    pub async fn advance(&mut self, head: u64) -> Result<u64, ServiceError> {
        self.unwind().await?;
        let mut derived = 0_u64;
        while self.derive_next(head).await? {
            derived = derived.saturating_add(1);
        }
        Ok(derived)
    }

    /// Derives the next batch; false when L1 has none up to block `head`.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn derive_next(&mut self, head: u64) -> Result<bool, ServiceError> {
        let position = self.oracle.newest().position;
        let log = self.log.get_or_insert_with(|| {
            L1Log::new(
                self.client.clone(),
                self.inbox,
                self.blobs.clone(),
                position,
            )
        });
        let next = match log.next(head).await {
            Ok(next) => next,
            Err(error) => {
                // What it buffered may be of a chain that is gone.
                self.log = None;
                return Err(error.into());
            }
        };
        let Some(batch) = next else {
            return Ok(false);
        };
        let oracle = Arc::clone(&self.oracle);
        match tokio::task::spawn_blocking(move || oracle.derive(&batch)).await? {
            Ok(_) => Ok(true),
            Err(error) => {
                self.log = None;
                Err(error.into())
            }
        }
    }

    /// After an L1 reorg: back to the newest batch that the Inbox still has.
    async fn unwind(&mut self) -> Result<(), ServiceError> {
        let newest = self.oracle.newest().batch();
        let mut batch = newest;
        while batch > 0 {
            let acc = self
                .reader
                .read(self.inbox, &batchAccCall { index: batch })
                .await?;
            if acc == self.oracle.record(batch)?.position.batch_acc {
                break;
            }
            batch = batch.saturating_sub(1);
        }
        if batch == newest {
            return Ok(());
        }
        tracing::warn!(from = newest, to = batch, "l1 took batches back");
        self.log = None;
        let oracle = Arc::clone(&self.oracle);
        Ok(tokio::task::spawn_blocking(move || oracle.unwind(batch)).await??)
    }
}
