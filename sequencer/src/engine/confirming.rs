//! Batches held against the chain beside the engine, which builds blocks meanwhile.
//!
//! A batch of ten thousand transactions takes a tenth of a second to be read back and compared. What is found stays
//! true as long as the chain holds the batch's last block: its hash commits to all blocks before it.

#[cfg(test)]
mod tests;

use super::{
    Chain, EngineError, L1Input, L1Ledger, L1Update, SeenBatch,
    batches::{Held, confirm, derivation},
    ledger::read_entries,
};
use crate::{
    aside::aside,
    store::{BlockRef, Snapshot, Store, StoreError},
};
use std::sync::Arc;
use tokio::sync::oneshot::{Receiver, error::TryRecvError};
use trestle_protocol::{ChainConfig, QueuedEntry, SealedHeader};

/// A batch all of whose blocks the chain held.
#[derive(Debug, Clone)]
pub(super) struct Confirmed {
    index: u64,
    start: BlockRef,
    end: SealedHeader,
}

impl Confirmed {
    /// The last block of `batch`, if that is the one, begins after `start`, and its blocks are in the chain yet.
    pub(super) fn still(
        &self,
        snapshot: &Snapshot,
        batch: &SeenBatch,
        start: BlockRef,
    ) -> Result<Option<SealedHeader>, StoreError> {
        if (self.index, self.start) != (batch.header.index, start) {
            return Ok(None);
        }
        let now = snapshot.header(self.end.header.number)?;
        Ok(now.filter(|now| now.hash == self.end.hash))
    }
}

/// A comparison under way. Whoever drops it waits for its end, so that none reads a store that is being closed.
#[derive(Debug)]
pub(super) struct Confirming(Option<Receiver<Vec<Confirmed>>>);

impl Confirming {
    /// Begins to compare the new batches of `input`; `None` where the chain has no blocks for them, or no thread is to
    /// be had: the engine compares them itself then.
    pub(super) fn start(chain: &Chain, ledger: &L1Ledger, input: &L1Input) -> Option<Self> {
        let L1Update::Block {
            entries, batches, ..
        } = &input.update
        else {
            return None;
        };
        let tip = ledger.tip();
        let new = |batch: &&SeenBatch| batch.header.index > tip.index;
        let batches: Vec<_> = batches.iter().filter(new).cloned().collect();
        if batches.is_empty() || chain.head().header.number <= tip.end.number {
            return None;
        }
        let comparison = Comparison {
            store: Arc::clone(chain.store()),
            config: Arc::clone(chain.config()),
            start: tip.end,
            known_entries: ledger.deposits(),
            entries: entries.clone(),
            batches,
        };
        aside(move || comparison.run()).ok().map(Some).map(Self)
    }

    /// What was found, once; `None` until then.
    pub(super) fn take(&mut self) -> Option<Vec<Confirmed>> {
        let found = match self.0.as_mut()?.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Closed) => Vec::new(),
            Ok(found) => found,
        };
        self.0 = None;
        Some(found)
    }
}

impl Drop for Confirming {
    fn drop(&mut self) {
        if let Some(outcome) = self.0.take() {
            drop(outcome.blocking_recv());
        }
    }
}

/// What is compared with what.
struct Comparison {
    store: Arc<Store>,
    config: Arc<ChainConfig>,
    /// The block before the first batch.
    start: BlockRef,
    /// Queue entries that the store holds.
    known_entries: u64,
    /// Those that came with the batches.
    entries: Vec<QueuedEntry>,
    batches: Vec<SeenBatch>,
}

impl Comparison {
    /// The batches that the chain holds, up to the first that it does not. What cannot be read the engine meets itself.
    fn run(&self) -> Vec<Confirmed> {
        let mut found = Vec::new();
        if let Err(error) = self.compare(&mut found) {
            tracing::debug!(%error, "batches are not compared beside the engine");
        }
        found
    }

    fn compare(&self, found: &mut Vec<Confirmed>) -> Result<(), EngineError> {
        let snapshot = self.store.sequenced()?;
        let mut start = self.start;
        for batch in &self.batches {
            let derivation = derivation(&self.config, batch, self.entries_of(batch)?);
            let Held::All(end) = confirm(&snapshot, derivation, start)? else {
                return Ok(());
            };
            let next = BlockRef {
                number: end.header.number,
                hash: end.hash,
            };
            found.push(Confirmed {
                index: batch.header.index,
                start,
                end: *end,
            });
            start = next;
        }
        Ok(())
    }

    /// The queue entries that a batch consumes.
    fn entries_of(&self, batch: &SeenBatch) -> Result<Vec<QueuedEntry>, EngineError> {
        let (from, to) = (batch.header.deposit_from, batch.header.deposit_to);
        let known = from.min(self.known_entries)..to.min(self.known_entries);
        let mut entries = read_entries(&self.store, known)?;
        let fresh = |entry: &&QueuedEntry| (from..to).contains(&entry.index);
        entries.extend(self.entries.iter().filter(fresh).cloned());
        if u64::try_from(entries.len()).ok() != to.checked_sub(from) {
            return Err(EngineError::Internal(
                "queue entries of a batch are missing",
            ));
        }
        Ok(entries)
    }
}
