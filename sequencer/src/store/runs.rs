//! Tables as sorted runs, for what lies at random places: a fold writes few pages however old the chain is.
//!
//! Where each transaction is by its hash, and what each block replaced by account and slot: in one table of millions
//! each new entry costs a page of its own. So new entries go into a small table, a run; runs are never changed once they
//! are large enough, and eight of a size are merged, in the order of their keys, into one of the next size: a
//! log-structured merge-tree with tiers (O'Neil et al., "The Log-Structured Merge-Tree", 1996). An entry is written once
//! for each level, side by side with its neighbours.
//!
//! A merge goes on with every fold, by twice as many entries as the fold adds, so none is long. Its result is read
//! only when it is whole; where it stands is the last key written. All of it is part of the fold's transaction.

mod shape;

use self::shape::{LEVELS, SLOTS, Shape};
use super::{
    StoreError,
    tables::{WriteTx, del, get, put},
};
use signet_libmdbx::{
    Database, MdbxResult, TransactionKind,
    tx::{Tx, aliases::RwCursorUnsync},
};
use std::{cmp::Reverse, collections::BinaryHeap};

/// A key and its value.
pub(super) type Entry = (Vec<u8>, Vec<u8>);

/// Sorted runs that together are one table.
#[derive(Debug, Clone)]
pub(super) struct Runs {
    /// Key of the [`Shape`] in the table `meta`.
    name: &'static str,
    /// Tables by level and slot.
    tables: [[Database; SLOTS as usize]; LEVELS],
    meta: Database,
}

impl Runs {
    /// Opens or makes the tables, named `NAME 0.0` and so on.
    pub(super) fn open(
        name: &'static str,
        meta: Database,
        table: impl Fn(&str) -> MdbxResult<Database>,
    ) -> MdbxResult<Self> {
        let mut tables = [[meta; SLOTS as usize]; LEVELS];
        for (level, slots) in tables.iter_mut().enumerate() {
            for (slot, run) in slots.iter_mut().enumerate() {
                *run = table(&format!("{name} {level}.{slot}"))?;
            }
        }
        Ok(Self { name, tables, meta })
    }

    /// The value of a key, if it has one.
    pub(super) fn get<K: TransactionKind>(
        &self,
        tx: &Tx<K>,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        for run in self.whole(tx)? {
            if let Some(value) = get(tx, run, key)? {
                return Ok(Some(value.into_owned()));
            }
        }
        Ok(None)
    }

    /// The first entry whose key is `key` or above it.
    pub(super) fn at_or_above<K: TransactionKind>(
        &self,
        tx: &Tx<K>,
        key: &[u8],
    ) -> Result<Option<Entry>, StoreError> {
        let mut first: Option<Entry> = None;
        for run in self.whole(tx)? {
            let found: Option<Entry> = tx.cursor(run)?.set_range(key)?;
            first = match (first, found) {
                (Some(first), Some(found)) if found.0 < first.0 => Some(found),
                (first, found) => first.or(found),
            };
        }
        Ok(first)
    }

    /// Calls `take` with the entries from `first` on in the order of their keys, each once, as long as it answers `true`.
    pub(super) fn each<K: TransactionKind, E: From<StoreError>>(
        &self,
        tx: &Tx<K>,
        first: &[u8],
        mut take: impl FnMut(&[u8], &[u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let failed = |error: signet_libmdbx::MdbxError| E::from(error.into());
        let unread = |error: signet_libmdbx::ReadError| E::from(error.into());
        let (mut cursors, mut heads) = (Vec::new(), BinaryHeap::new());
        for (age, run) in self.whole(tx)?.into_iter().enumerate() {
            let mut cursor = tx.cursor(run).map_err(failed)?;
            let head = cursor.set_range(first).map_err(unread)?;
            heads.extend(head.map(|(key, value): Entry| Reverse((key, age, value))));
            cursors.push(cursor);
        }
        let mut last = None;
        while let Some(Reverse((key, age, value))) = heads.pop() {
            if last.as_ref() != Some(&key) && !take(&key, &value)? {
                break;
            }
            last = Some(key);
            if let Some(cursor) = cursors.get_mut(age) {
                let next = cursor.next().map_err(unread)?;
                heads.extend(next.map(|(key, value): Entry| Reverse((key, age, value))));
            }
        }
        Ok(())
    }

    /// Adds entries; what is given twice keeps the last value.
    pub(super) fn add(&self, tx: &WriteTx, mut entries: Vec<Entry>) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|later, first| {
            let is_same = later.0 == first.0;
            if is_same {
                std::mem::swap(&mut later.1, &mut first.1);
            }
            is_same
        });
        let mut shape = self.shape(tx)?;
        let (newest, is_new) = shape.newest();
        let run = self.table(0, newest)?;
        match is_new {
            true => append(&mut tx.cursor(run)?, &entries)?,
            false => entries
                .iter()
                .try_for_each(|(key, value)| put(tx, run, key, value))?,
        }
        let added = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        shape.newest = shape.newest.saturating_add(added);
        let most = entries.len().saturating_mul(2);
        for level in (0..LEVELS - 1).rev() {
            self.merge(tx, &mut shape, level, most)?;
        }
        put(tx, self.meta, self.name.as_bytes(), &shape.encode())
    }

    /// Removes a key, there or not.
    pub(super) fn remove(&self, tx: &WriteTx, key: &[u8]) -> Result<(), StoreError> {
        let shape = self.shape(tx)?;
        for (level, tier) in shape.levels.iter().enumerate() {
            // One more than there are: it may be in the making.
            for run in 0..SLOTS.min(tier.runs.saturating_add(1)) {
                del(tx, self.table(level, tier.slot(run))?, key)?;
            }
        }
        Ok(())
    }

    /// The runs that are read, the newest first.
    fn whole<K: TransactionKind>(&self, tx: &Tx<K>) -> Result<Vec<Database>, StoreError> {
        let shape = self.shape(tx)?;
        let slots = shape.levels.iter().enumerate().flat_map(|(level, tier)| {
            let runs = (0..tier.runs).rev();
            runs.map(move |run| (level, tier.slot(run)))
        });
        slots.map(|(level, slot)| self.table(level, slot)).collect()
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
        let last = target.last::<Vec<u8>, ()>()?.map(|(key, ())| key);
        let mut cursors = Vec::with_capacity(sources.len());
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (source, table) in sources.iter().enumerate() {
            let mut cursor = tx.cursor(*table)?;
            let head = match &last {
                Some(last) => after(&mut cursor, last)?,
                None => cursor.first()?,
            };
            heads.extend(head.map(|(key, value): Entry| Reverse((key, source, value))));
            cursors.push(cursor);
        }
        let mut some: Vec<Entry> = Vec::with_capacity(most);
        while some.len() < most {
            let Some(Reverse((key, source, value))) = heads.pop() else {
                break;
            };
            match some.last_mut() {
                Some((known, older)) if *known == key => *older = value,
                _ => some.push((key, value)),
            }
            let Some(cursor) = cursors.get_mut(source) else {
                continue;
            };
            let next = cursor.next()?;
            heads.extend(next.map(|(key, value): Entry| Reverse((key, source, value))));
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
        let Some(bytes) = get(tx, self.meta, self.name.as_bytes())? else {
            return Ok(Shape::default());
        };
        Shape::decode(&bytes).ok_or(StoreError::Decode { what: "runs" })
    }
}

/// The first entry behind `last`.
fn after(cursor: &mut RwCursorUnsync<'_>, last: &[u8]) -> Result<Option<Entry>, StoreError> {
    match cursor.set_range::<Vec<u8>, Vec<u8>>(last)? {
        Some((key, _)) if key == last => Ok(cursor.next()?),
        found => Ok(found),
    }
}

/// Writes entries behind all that a table has.
fn append(cursor: &mut RwCursorUnsync<'_>, entries: &[Entry]) -> Result<(), StoreError> {
    for (key, value) in entries {
        cursor.append(key, value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
