//! An index from hashes to places in sorted runs, so that a fold writes few pages however old the chain is.
//!
//! Hashes lie at random in a table: in one of millions each new one costs a page of its own. So new entries go into a
//! small table, a run; runs are never changed once they are large enough, and eight of a size are merged, in the
//! order of their keys, into one of the next size: a log-structured merge-tree with tiers (O'Neil et al., "The
//! Log-Structured Merge-Tree", 1996). An entry is written once for each level, side by side with its neighbours.
//!
//! A merge goes on with every fold, by twice as many entries as the fold adds, so none is long. Its result is read
//! only when it is whole; where it stands is the last key written. All of it is part of the fold's transaction.

mod shape;

use self::shape::{LEVELS, SLOTS, Shape};
use super::{
    StoreError,
    tables::{WriteTx, del, get, put},
};
use alloy_primitives::B256;
use signet_libmdbx::{
    Database, MdbxResult, TransactionKind,
    tx::{Tx, aliases::RwCursorUnsync},
};
use std::{cmp::Reverse, collections::BinaryHeap};

/// Key of the [`Shape`] in the table `meta`.
const SHAPE: &[u8] = b"transaction runs";

/// Number of a block, and index of a transaction there.
pub(super) type Place = (u64, u32);
/// A place as it is stored, big-endian.
type Stored = [u8; 12];
/// A hash, and what is stored of it.
type Entry = ([u8; 32], Stored);

/// Where each transaction is, by its hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runs {
    /// Tables by level and slot.
    tables: [[Database; SLOTS as usize]; LEVELS],
    meta: Database,
}

impl Runs {
    /// Opens or makes the tables, named `transactions 0.0` and so on.
    pub(super) fn open(
        meta: Database,
        table: impl Fn(&str) -> MdbxResult<Database>,
    ) -> MdbxResult<Self> {
        let mut tables = [[meta; SLOTS as usize]; LEVELS];
        for (level, slots) in tables.iter_mut().enumerate() {
            for (slot, run) in slots.iter_mut().enumerate() {
                *run = table(&format!("transactions {level}.{slot}"))?;
            }
        }
        Ok(Self { tables, meta })
    }

    /// The place of a transaction, if it has one.
    pub(super) fn get<K: TransactionKind>(
        &self,
        tx: &Tx<K>,
        hash: &B256,
    ) -> Result<Option<Place>, StoreError> {
        let shape = self.shape(tx)?;
        for (level, tier) in shape.levels.iter().enumerate() {
            for run in (0..tier.runs).rev() {
                if let Some(place) = get(tx, self.table(level, tier.slot(run))?, hash.as_slice())? {
                    let bad = StoreError::Decode { what: "place" };
                    return decode(&place).ok_or(bad).map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Adds transactions.
    pub(super) fn add(
        &self,
        tx: &WriteTx,
        mut places: Vec<(B256, Place)>,
    ) -> Result<(), StoreError> {
        if places.is_empty() {
            return Ok(());
        }
        places.sort_unstable();
        places.dedup_by_key(|(hash, _)| *hash);
        let entries: Vec<_> = places.into_iter().map(encode).collect();
        let mut shape = self.shape(tx)?;
        let (newest, is_new) = shape.newest();
        let run = self.table(0, newest)?;
        match is_new {
            true => append(&mut tx.cursor(run)?, &entries)?,
            false => entries
                .iter()
                .try_for_each(|(hash, place)| put(tx, run, hash, place))?,
        }
        let added = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        shape.newest = shape.newest.saturating_add(added);
        let most = entries.len().saturating_mul(2);
        for level in (0..LEVELS - 1).rev() {
            self.merge(tx, &mut shape, level, most)?;
        }
        put(tx, self.meta, SHAPE, &shape.encode())
    }

    /// Removes a transaction, there or not.
    pub(super) fn remove(&self, tx: &WriteTx, hash: &B256) -> Result<(), StoreError> {
        let shape = self.shape(tx)?;
        for (level, tier) in shape.levels.iter().enumerate() {
            // One more than there are: it may be in the making.
            for run in 0..SLOTS.min(tier.runs.saturating_add(1)) {
                del(tx, self.table(level, tier.slot(run))?, hash.as_slice())?;
            }
        }
        Ok(())
    }

    /// Goes on by `most` entries with merging the oldest runs of a level, if there are enough of them.
    fn merge(
        &self,
        tx: &WriteTx,
        shape: &mut Shape,
        level: usize,
        most: usize,
    ) -> Result<(), StoreError> {
        let (Some(slots), Some(target)) = (shape.mergeable(level), shape.next_slot(level + 1))
        else {
            return Ok(());
        };
        let sources = slots
            .iter()
            .map(|slot| self.table(level, *slot))
            .collect::<Result<Vec<_>, _>>()?;
        if self.merge_some(tx, &sources, self.table(level + 1, target)?, most)? {
            for source in sources {
                tx.clear_db(source)?;
            }
            shape.merged(level);
        }
        Ok(())
    }

    /// Appends up to `most` of what follows the last key of `target` in the sources, oldest first; whether that was all.
    fn merge_some(
        &self,
        tx: &WriteTx,
        sources: &[Database],
        target: Database,
        most: usize,
    ) -> Result<bool, StoreError> {
        let mut target = tx.cursor(target)?;
        let last = target.last::<[u8; 32], ()>()?.map(|(key, ())| key);
        let mut cursors = Vec::with_capacity(sources.len());
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (source, table) in sources.iter().enumerate() {
            let mut cursor = tx.cursor(*table)?;
            let head = match &last {
                Some(last) => after(&mut cursor, last)?,
                None => cursor.first()?,
            };
            heads.extend(head.map(|(hash, place): Entry| Reverse((hash, source, place))));
            cursors.push(cursor);
        }
        let mut some = Vec::with_capacity(most);
        while some.len() < most {
            let Some(Reverse((hash, source, place))) = heads.pop() else {
                break;
            };
            match some.last_mut() {
                Some((known, older)) if *known == hash => *older = place,
                _ => some.push((hash, place)),
            }
            let Some(cursor) = cursors.get_mut(source) else {
                continue;
            };
            let next = cursor.next()?;
            heads.extend(next.map(|(hash, place): Entry| Reverse((hash, source, place))));
        }
        append(&mut target, &some)?;
        Ok(heads.is_empty())
    }

    fn table(&self, level: usize, slot: u8) -> Result<Database, StoreError> {
        let table = self
            .tables
            .get(level)
            .and_then(|l| l.get(usize::from(slot)));
        table.copied().ok_or(StoreError::Internal("no such run"))
    }

    fn shape<K: TransactionKind>(&self, tx: &Tx<K>) -> Result<Shape, StoreError> {
        let Some(bytes) = get(tx, self.meta, SHAPE)? else {
            return Ok(Shape::default());
        };
        Shape::decode(&bytes).ok_or(StoreError::Decode {
            what: "shape of the transaction runs",
        })
    }
}

/// The first entry behind `last`.
fn after(cursor: &mut RwCursorUnsync<'_>, last: &[u8; 32]) -> Result<Option<Entry>, StoreError> {
    match cursor.set_range(last)? {
        Some((hash, _)) if hash == *last => Ok(cursor.next()?),
        found => Ok(found),
    }
}

/// Writes entries behind all that a table has.
fn append(cursor: &mut RwCursorUnsync<'_>, entries: &[Entry]) -> Result<(), StoreError> {
    for (hash, place) in entries {
        cursor.append(hash, place)?;
    }
    Ok(())
}

fn encode((hash, (number, index)): (B256, Place)) -> Entry {
    let mut stored = [0; 12];
    let (head, tail) = stored.split_at_mut(8);
    head.copy_from_slice(&number.to_be_bytes());
    tail.copy_from_slice(&index.to_be_bytes());
    (hash.0, stored)
}

fn decode(stored: &[u8]) -> Option<Place> {
    let (number, index) = stored.split_first_chunk()?;
    let index = u32::from_be_bytes(index.try_into().ok()?);
    Some((u64::from_be_bytes(*number), index))
}

#[cfg(test)]
mod tests;
