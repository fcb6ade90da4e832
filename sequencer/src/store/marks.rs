//! Small durable values beside the chain: what L1 has shown and what was sent to it.
//!
//! A mark is written like everything else, through the journal, and a [`MarkBatch`] takes effect
//! whole or not at all. The store gives keys their order and nothing more; each user encodes its
//! own values.

use super::{
    Store, StoreError, Ticket,
    journal::{MarkWrite, Op},
    tables::get,
};
use alloy_primitives::Bytes;
use std::{collections::BTreeMap, ops::Range};

/// Name of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Batch by index: header, place on L1, last L2 block.
    Batch(u64),
    /// Index of the batch that ends with this L2 block.
    BatchEnd(u64),
    /// Queue entry by index.
    Deposit(u64),
    /// L1 block by number, as far back as a reorg may reach: hash, and what it held.
    L1Block(u64),
    /// Where the L1 reader stands.
    L1Cursor,
    /// The batcher's state.
    Batcher,
    /// Transactions that the batcher's account signed, by nonce.
    BatcherSent(u64),
    /// The proposer's state.
    Proposer,
    /// Transactions that the proposer's account signed, by nonce.
    ProposerSent(u64),
    /// Sidecars of the blobs that the batcher's account sends, by nonce.
    BatcherBlobs(u64),
    /// What the batcher's account has spent on L1.
    BatcherSpent,
}

impl Mark {
    /// A byte for the kind, then the number, big-endian.
    fn key(self) -> Vec<u8> {
        let (kind, number) = match self {
            Self::Batch(n) => (1, Some(n)),
            Self::BatchEnd(n) => (2, Some(n)),
            Self::Deposit(n) => (3, Some(n)),
            Self::L1Block(n) => (4, Some(n)),
            Self::L1Cursor => (5, None),
            Self::Batcher => (6, None),
            Self::BatcherSent(n) => (7, Some(n)),
            Self::Proposer => (8, None),
            Self::ProposerSent(n) => (9, Some(n)),
            Self::BatcherBlobs(n) => (10, Some(n)),
            Self::BatcherSpent => (11, None),
        };
        let mut key = vec![kind];
        key.extend(number.into_iter().flat_map(u64::to_be_bytes));
        key
    }
}

/// Marks to be written together.
#[derive(Debug, Clone, Default)]
pub struct MarkBatch {
    writes: Vec<MarkWrite>,
}

impl MarkBatch {
    /// Whether it would change nothing.
    pub const fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Sets a mark.
    pub fn set(&mut self, mark: Mark, value: impl Into<Bytes>) -> &mut Self {
        self.writes.push(MarkWrite {
            key: mark.key(),
            value: Some(value.into()),
        });
        self
    }

    /// Removes a mark, present or not.
    pub fn remove(&mut self, mark: Mark) -> &mut Self {
        self.writes.push(MarkWrite {
            key: mark.key(),
            value: None,
        });
        self
    }
}

impl Store {
    /// Writes marks, all or none.
    ///
    /// # Errors
    /// [`StoreError::Stalled`] while the disk refuses: then none was taken.
    pub fn write_marks(&self, batch: MarkBatch) -> Result<Ticket, StoreError> {
        self.push_small(vec![Op::Marks(batch.writes)])
    }

    /// The value of a mark, on disk or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn mark(&self, mark: Mark) -> Result<Option<Bytes>, StoreError> {
        let key = mark.key();
        if let Some((_, value)) = self.core.memory.read().marks.get(&key) {
            return Ok(value.clone());
        }
        let tx = self.core.db.read()?;
        let value = get(&tx, self.core.db.tables.marks, &key)?;
        Ok(value.map(|v| Bytes::from(v.into_owned())))
    }

    /// Marks of one numbered kind, by number, in order: `store.marks(Mark::Batch, 5..9)`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn marks(
        &self,
        kind: fn(u64) -> Mark,
        numbers: Range<u64>,
    ) -> Result<Vec<(u64, Bytes)>, StoreError> {
        let range = kind(numbers.start).key()..kind(numbers.end).key();
        let mut found = BTreeMap::new();
        let memory = self.core.memory.read();
        let tx = self.core.db.read()?;
        let mut cursor = tx.cursor(self.core.db.tables.marks)?;
        let mut next = cursor.set_range::<Vec<u8>, Vec<u8>>(&range.start)?;
        while let Some((key, value)) = next.filter(|(key, _)| *key < range.end) {
            found.insert(key, Some(Bytes::from(value)));
            next = cursor.next::<Vec<u8>, Vec<u8>>()?;
        }
        if !range.is_empty() {
            let fresh = memory.marks.range(range);
            found.extend(fresh.map(|(key, (_, value))| (key.clone(), value.clone())));
        }
        Ok(found
            .into_iter()
            .filter_map(|(key, value)| Some((number_of(&key), value?)))
            .collect())
    }

    /// The first mark of one numbered kind at or above `from`, and its number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn first_mark(
        &self,
        kind: fn(u64) -> Mark,
        from: u64,
    ) -> Result<Option<(u64, Bytes)>, StoreError> {
        self.nearest(kind, from, true)
    }

    /// The last mark of one numbered kind at or below `to`, and its number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_mark(
        &self,
        kind: fn(u64) -> Mark,
        to: u64,
    ) -> Result<Option<(u64, Bytes)>, StoreError> {
        self.nearest(kind, to, false)
    }

    /// Walks the table and the fresh marks side by side, away from `start`.
    fn nearest(
        &self,
        kind: fn(u64) -> Mark,
        start: u64,
        upwards: bool,
    ) -> Result<Option<(u64, Bytes)>, StoreError> {
        let (low, high) = if upwards {
            (start, u64::MAX)
        } else {
            (0, start)
        };
        let range = kind(low).key()..=kind(high).key();
        let memory = self.core.memory.read();
        let mut fresh = memory.marks.range(range.clone());
        let mut next_fresh = || {
            if upwards {
                fresh.next()
            } else {
                fresh.next_back()
            }
        };
        let tx = self.core.db.read()?;
        let mut cursor = tx.cursor(self.core.db.tables.marks)?;
        let mut old = if upwards {
            cursor.set_range::<Vec<u8>, Vec<u8>>(range.start())?
        } else {
            match cursor.set_range::<Vec<u8>, Vec<u8>>(range.end())? {
                Some((key, value)) if key == *range.end() => Some((key, value)),
                Some(_) => cursor.prev()?,
                None => cursor.last()?,
            }
        };
        let mut new = next_fresh();
        loop {
            old = old.filter(|(key, _)| range.contains(key));
            let fresh_first = match (&old, new) {
                (None, None) => return Ok(None),
                (Some((old, _)), Some((new, _))) if upwards => new <= old,
                (Some((old, _)), Some((new, _))) => new >= old,
                (None, Some(_)) => true,
                (Some(_), None) => false,
            };
            match (new, old.take()) {
                (Some((key, (_, value))), previous) if fresh_first => {
                    if let Some(value) = value {
                        return Ok(Some((number_of(key), value.clone())));
                    }
                    old = match previous {
                        Some((same, _)) if same == *key && upwards => cursor.next()?,
                        Some((same, _)) if same == *key => cursor.prev()?,
                        other => other,
                    };
                    new = next_fresh();
                }
                (_, Some((key, value))) => return Ok(Some((number_of(&key), value.into()))),
                _ => return Ok(None),
            }
        }
    }
}

fn number_of(key: &[u8]) -> u64 {
    key.last_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
