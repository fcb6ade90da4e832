//! What L1 said so far: queue entries, batches, and the blocks that said it.
//!
//! Kept in the store's marks, so that a restart goes on where it stopped; entries that no batch has
//! consumed are in memory too. One L1 block is one batch of marks: all or nothing.

use super::{
    EngineError, L1BlockRef, SeenBatch,
    heads::BatchTip,
    records::{BatchRecord, EntryRecord, L1Record, decode},
};
use crate::store::{BlockRef, Mark, MarkBatch, Store, Ticket};
use alloy_primitives::{B256, Bytes};
use std::{ops::Range, sync::Arc};
use trestle_protocol::QueuedEntry;

/// The engine's view of L1.
#[derive(Debug)]
pub struct L1Ledger {
    store: Arc<Store>,
    newest: L1Record,
    finalized: L1BlockRef,
    finalized_batches: u64,
    tip: BatchTip,
}

impl L1Ledger {
    /// What the store holds; `start` is the L1 block before the first that can concern the chain,
    /// `genesis` block 0.
    ///
    /// # Errors
    /// When the store cannot be read or holds something else.
    pub fn open(
        store: Arc<Store>,
        start: L1BlockRef,
        genesis: BlockRef,
    ) -> Result<Self, EngineError> {
        let newest = match store.last_mark(Mark::L1Block, u64::MAX)? {
            Some((_, bytes)) => decode("L1 block", &bytes)?,
            None => L1Record {
                number: start.number,
                hash: start.hash,
                time: start.time,
                deposits: 0,
                batches: 0,
            },
        };
        let mut ledger = Self {
            store,
            newest,
            finalized: start,
            finalized_batches: 0,
            tip: BatchTip {
                end: genesis,
                ..BatchTip::default()
            },
        };
        ledger.tip = ledger.tip_at(newest.batches, genesis)?;
        Ok(ledger)
    }

    /// The newest L1 block.
    pub const fn newest(&self) -> L1BlockRef {
        self.newest.block()
    }

    /// The newest final L1 block.
    pub const fn finalized(&self) -> L1BlockRef {
        self.finalized
    }

    /// Batches that L1 will never take back.
    pub const fn finalized_batches(&self) -> u64 {
        self.finalized_batches
    }

    /// The end of the newest batch.
    pub const fn tip(&self) -> BatchTip {
        self.tip
    }

    /// Number of queue entries seen.
    pub const fn deposits(&self) -> u64 {
        self.newest.deposits
    }

    /// Number of queue entries with at least `depth` L1 blocks on top.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn deposits_below(&self, depth: u64) -> Result<u64, EngineError> {
        let Some(number) = self.newest.number.checked_sub(depth) else {
            return Ok(0);
        };
        match self.store.last_mark(Mark::L1Block, number)? {
            Some((_, bytes)) => Ok(decode::<L1Record>("L1 block", &bytes)?.deposits),
            None => Ok(0),
        }
    }

    /// Where the reader stood at the last update that was taken in.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cursor(&self) -> Result<Option<Bytes>, EngineError> {
        Ok(self.store.mark(Mark::L1Cursor)?)
    }

    /// Queue entries by index.
    ///
    /// # Errors
    /// When the store cannot be read; [`EngineError::Sequence`] when some are not there.
    pub fn entries(&self, range: Range<u64>) -> Result<Vec<QueuedEntry>, EngineError> {
        read_entries(&self.store, range)
    }

    /// A batch by index.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn batch(&self, index: u64) -> Result<Option<BatchRecord>, EngineError> {
        read_batch(&self.store, index)
    }

    fn tip_at(&self, index: u64, genesis: BlockRef) -> Result<BatchTip, EngineError> {
        if index == 0 {
            return Ok(BatchTip {
                end: genesis,
                ..BatchTip::default()
            });
        }
        let record = self
            .batch(index)?
            .ok_or(EngineError::Record { what: "batch" })?;
        let deposit_to = record.header()?.deposit_to;
        Ok(BatchTip {
            index,
            acc: record.acc,
            end: record.end(),
            deposit_to,
        })
    }

    /// Takes in the entries of the next L1 block; its batches follow with [`Self::add_batch`], and
    /// [`Self::end_block`] makes the block count.
    ///
    /// # Errors
    /// [`EngineError::Sequence`] when the entries do not follow on; when the store refuses.
    pub fn add_entries(&mut self, entries: &[QueuedEntry]) -> Result<(), EngineError> {
        let mut marks = MarkBatch::default();
        for (expected, queued) in (self.newest.deposits..).zip(entries) {
            if queued.index != expected {
                let got = queued.index;
                return Err(EngineError::Sequence {
                    what: "queue entry",
                    expected,
                    got,
                });
            }
            let record = EntryRecord::new(queued);
            marks.set(Mark::Deposit(queued.index), alloy_rlp::encode(record));
        }
        if !entries.is_empty() {
            let _ticket = self.store.write_marks(marks)?;
        }
        Ok(())
    }

    /// Takes in a batch whose blocks end at `end`.
    ///
    /// # Errors
    /// [`EngineError::Sequence`] when it does not follow on; when the store refuses.
    pub fn add_batch(
        &mut self,
        block: L1BlockRef,
        batch: &SeenBatch,
        end: BlockRef,
        output: B256,
    ) -> Result<(), EngineError> {
        let (expected, got) = (self.tip.index + 1, batch.header.index);
        if expected != got {
            return Err(EngineError::Sequence {
                what: "batch",
                expected,
                got,
            });
        }
        let record = BatchRecord {
            header: batch.header.encode().into(),
            acc: batch.acc,
            l1_number: block.number,
            l1_hash: block.hash,
            end_number: end.number,
            end_hash: end.hash,
            output,
        };
        let mut marks = MarkBatch::default();
        marks.set(Mark::Batch(got), alloy_rlp::encode(record));
        marks.set(Mark::BatchEnd(end.number), alloy_rlp::encode(got));
        let _ticket = self.store.write_marks(marks)?;
        let deposit_to = batch.header.deposit_to;
        self.tip = BatchTip {
            index: got,
            acc: batch.acc,
            end,
            deposit_to,
        };
        Ok(())
    }

    /// Makes an L1 block the newest, with `entries` more queue entries than before it.
    ///
    /// # Errors
    /// When the store refuses.
    pub fn end_block(
        &mut self,
        block: L1BlockRef,
        entries: u64,
        cursor: Bytes,
    ) -> Result<(), EngineError> {
        let record = L1Record {
            number: block.number,
            hash: block.hash,
            time: block.time,
            deposits: self.newest.deposits + entries,
            batches: self.tip.index,
        };
        let mut marks = MarkBatch::default();
        marks.set(Mark::L1Block(block.number), alloy_rlp::encode(record));
        marks.set(Mark::L1Cursor, cursor);
        let _ticket = self.store.write_marks(marks)?;
        self.newest = record;
        Ok(())
    }

    /// Forgets everything after the L1 block `to`.
    ///
    /// # Errors
    /// When the store refuses.
    pub fn rewind(
        &mut self,
        to: L1BlockRef,
        genesis: BlockRef,
        cursor: Bytes,
    ) -> Result<(), EngineError> {
        let kept = match self.store.last_mark(Mark::L1Block, to.number)? {
            Some((_, bytes)) => decode::<L1Record>("L1 block", &bytes)?,
            None => L1Record {
                number: to.number,
                hash: to.hash,
                time: to.time,
                deposits: 0,
                batches: 0,
            },
        };
        let mut marks = MarkBatch::default();
        for (number, _) in self
            .store
            .marks(Mark::L1Block, kept.number + 1..self.newest.number + 1)?
        {
            marks.remove(Mark::L1Block(number));
        }
        (kept.deposits..self.newest.deposits).for_each(|index| {
            marks.remove(Mark::Deposit(index));
        });
        let dropped = kept.batches + 1..self.tip.index + 1;
        for (index, bytes) in self.store.marks(Mark::Batch, dropped)? {
            let record: BatchRecord = decode("batch", &bytes)?;
            marks
                .remove(Mark::Batch(index))
                .remove(Mark::BatchEnd(record.end_number));
        }
        let tip = self.tip_at(kept.batches, genesis)?;
        if tip.index > 0 {
            marks.set(Mark::BatchEnd(tip.end.number), alloy_rlp::encode(tip.index));
        }
        marks.set(Mark::L1Cursor, cursor);
        let _ticket = self.store.write_marks(marks)?;
        self.newest = kept;
        self.tip = tip;
        Ok(())
    }

    /// Notes the newest final block; returns the end of the newest batch at or below it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn finalize(
        &mut self,
        block: L1BlockRef,
        cursor: Bytes,
    ) -> Result<Option<BlockRef>, EngineError> {
        let mut marks = MarkBatch::default();
        marks.set(Mark::L1Cursor, cursor);
        let _ticket = self.store.write_marks(marks)?;
        self.finalized = block;
        let Some((_, bytes)) = self.store.last_mark(Mark::L1Block, block.number)? else {
            return Ok(None);
        };
        let batches = decode::<L1Record>("L1 block", &bytes)?.batches;
        self.finalized_batches = batches;
        Ok(self.batch(batches)?.map(|record| record.end()))
    }
}

/// Queue entries that the store holds, by index.
///
/// # Errors
/// When the store cannot be read; [`EngineError::Sequence`] when some are not there.
pub fn read_entries(store: &Store, range: Range<u64>) -> Result<Vec<QueuedEntry>, EngineError> {
    let found = store.marks(Mark::Deposit, range.clone())?;
    let mut entries = Vec::with_capacity(found.len());
    for (expected, (index, bytes)) in range.clone().zip(found) {
        if index != expected {
            return Err(EngineError::Sequence {
                what: "queue entry",
                expected,
                got: index,
            });
        }
        entries.push(decode::<EntryRecord>("queue entry", &bytes)?.queued(index)?);
    }
    let got = range.start.saturating_add(entries.len() as u64);
    if got == range.end || range.is_empty() {
        Ok(entries)
    } else {
        Err(EngineError::Sequence {
            what: "queue entry",
            expected: range.end,
            got,
        })
    }
}

/// A batch that the store holds, by index.
///
/// # Errors
/// When the store cannot be read.
pub fn read_batch(store: &Store, index: u64) -> Result<Option<BatchRecord>, EngineError> {
    let bytes = store.mark(Mark::Batch(index))?;
    bytes.map(|bytes| decode("batch", &bytes)).transpose()
}

/// Index of the first batch that ends at L2 block `number` or after it.
///
/// # Errors
/// When the store cannot be read.
pub fn batch_of_block(store: &Store, number: u64) -> Result<Option<u64>, EngineError> {
    let found = store.first_mark(Mark::BatchEnd, number)?;
    found
        .map(|(_, bytes)| decode("batch end", &bytes))
        .transpose()
}

/// The newest batch that the engine has seen on L1, with its index.
///
/// # Errors
/// When the store cannot be read.
pub fn newest_batch(store: &Store) -> Result<Option<(u64, BatchRecord)>, EngineError> {
    let found = store.last_mark(Mark::Batch, u64::MAX)?;
    found
        .map(|(index, bytes)| Ok((index, decode("batch", &bytes)?)))
        .transpose()
}

/// Forgets everything that L1 said: it is read again from the chain's deployment on, and held against the blocks that
/// are there.
///
/// # Errors
/// When the store cannot be read, or refuses.
pub fn forget_l1(store: &Store) -> Result<Ticket, EngineError> {
    let mut batch = MarkBatch::default();
    batch.remove(Mark::L1Cursor);
    for kind in [Mark::Batch, Mark::BatchEnd, Mark::Deposit, Mark::L1Block] {
        for (number, _) in store.marks(kind, 0..u64::MAX)? {
            batch.remove(kind(number));
        }
    }
    Ok(store.write_marks(batch)?)
}
