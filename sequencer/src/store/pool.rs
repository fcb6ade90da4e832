//! The store as the mempool's memory and as its view of accounts.

use super::{Store, StoreError, Ticket};
use crate::mempool::{AccountSource, SenderAccount, TransactionJournal};
use alloy_primitives::{Address, B256, Bytes};
use futures::{FutureExt, future::BoxFuture};

impl TransactionJournal for Store {
    fn admit(&self, transactions: Vec<(B256, Bytes)>) -> BoxFuture<'static, Result<(), String>> {
        let ticket = Self::admit(self, transactions);
        async move { durable(ticket).await.map_err(|error| error.to_string()) }.boxed()
    }

    fn forget(&self, hashes: Vec<B256>) {
        let count = hashes.len();
        if let Err(error) = Self::forget(self, hashes) {
            // They come back after a restart and are dropped once more.
            tracing::warn!(%error, count, "dropped transactions stay in the journal");
        }
    }
}

async fn durable(ticket: Result<Ticket, StoreError>) -> Result<(), StoreError> {
    ticket?.durable().await
}

impl AccountSource for Store {
    fn accounts(&self, senders: &[Address]) -> Result<Vec<SenderAccount>, String> {
        self.sender_accounts(senders)
            .map_err(|error| error.to_string())
    }
}

impl Store {
    fn sender_accounts(&self, senders: &[Address]) -> Result<Vec<SenderAccount>, StoreError> {
        if senders.is_empty() {
            return Ok(Vec::new());
        }
        let snapshot = self.sequenced()?;
        let state = snapshot.state_at(snapshot.head().number)?;
        let account = |sender| {
            let info = state.account(sender)?.unwrap_or_default();
            let code = state.code(&info.code_hash)?;
            Ok(SenderAccount { info, code })
        };
        senders.iter().map(account).collect()
    }
}
