//! Writes a snapshot.

use super::{
    END, ENTRY, Hashing, MAGIC, Origin, SnapshotError, TABLE, TABLE_END, VERSION, is_kept, tables,
};
use crate::store::{
    BlockRef, Identity, Store, StoreError,
    codec::encode_account,
    history::Subject,
    nodes::stored_account,
    tables::{Db, ReadTx, Tables},
};
use signet_libmdbx::Database;
use std::io::{BufWriter, Write};
use trestle_protocol::trie::hash_address;

/// Compression level: a good half of the best one's effect at a tenth of its time.
const LEVEL: i32 = 3;

impl Store {
    /// Writes everything that the store holds, folded, to `out`; gives the head. `identity` is that of the store.
    ///
    /// # Errors
    /// [`SnapshotError::Store`], [`SnapshotError::Io`].
    pub fn write_snapshot(
        &self,
        identity: &Identity,
        out: impl Write,
    ) -> Result<BlockRef, SnapshotError> {
        self.fold()?;
        let db = &self.core.db;
        let tx = db.read()?;
        let head = db.tables.folded(&tx)?.head;
        let mut out = Hashing::new(zstd::Encoder::new(BufWriter::new(out), LEVEL)?);
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_be_bytes())?;
        out.write_all(&identity.encode())?;
        out.write_all(&head.number.to_be_bytes())?;
        out.write_all(head.hash.as_slice())?;
        for (name, origin) in tables(&db.tables) {
            let out = &mut out;
            TableWriter { name, out }.write(db, &tx, &origin)?;
        }
        out.write_all(&[END])?;
        let hash = out.hash();
        out.write_all(hash.as_slice())?;
        out.inner.finish()?.flush()?;
        Ok(head)
    }
}

/// Writes one table and its name.
struct TableWriter<'a, W> {
    name: &'a str,
    out: &'a mut W,
}

impl<W: Write> TableWriter<'_, W> {
    fn write(&mut self, db: &Db, tx: &ReadTx, origin: &Origin) -> Result<(), SnapshotError> {
        let name_length = u8::try_from(self.name.len()).unwrap_or(u8::MAX);
        self.out.write_all(&[TABLE, name_length])?;
        self.out.write_all(self.name.as_bytes())?;
        match origin {
            Origin::Table(table) => self.table(tx, *table)?,
            Origin::Accounts => self.accounts(tx, &db.tables)?,
            Origin::History(subject) => self.history(tx, &db.tables, *subject)?,
        }
        Ok(self.out.write_all(&[TABLE_END])?)
    }

    fn table(&mut self, tx: &ReadTx, table: Database) -> Result<(), SnapshotError> {
        let mut cursor = tx.cursor(table).map_err(StoreError::from)?;
        let first = cursor.first::<Vec<u8>, Vec<u8>>();
        let mut next = first.map_err(StoreError::from)?;
        while let Some((key, value)) = next {
            if is_kept(self.name, &key) {
                self.entry(&key, &value)?;
            }
            next = cursor.next().map_err(StoreError::from)?;
        }
        Ok(())
    }

    /// Every account: each was changed by some block, the genesis among them, and so has a history.
    fn accounts(&mut self, tx: &ReadTx, t: &Tables) -> Result<(), SnapshotError> {
        let (mut last, mut cursor) = (None, tx.cursor(t.nodes).map_err(StoreError::from)?);
        t.history.each(tx, &[Subject::ACCOUNT], |key, _| {
            let Some((Subject::Account(address), _)) = Subject::parse(key) else {
                return Ok(false);
            };
            if last.replace(address) == Some(address) {
                return Ok(true);
            }
            if let Some(leaf) = stored_account(&mut cursor, &hash_address(address))? {
                self.entry(address.as_slice(), &encode_account(&leaf.info))?;
            }
            Ok::<_, SnapshotError>(true)
        })
    }

    /// What blocks replaced, without the first byte of the keys.
    fn history(&mut self, tx: &ReadTx, t: &Tables, subject: u8) -> Result<(), SnapshotError> {
        t.history
            .each(tx, &[subject], |key, value| match key.split_first() {
                Some((first, key)) if *first == subject => {
                    self.entry(key, value)?;
                    Ok::<_, SnapshotError>(true)
                }
                _ => Ok(false),
            })
    }

    fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        let length = |bytes: &[u8]| {
            u32::try_from(bytes.len()).map_err(|_| StoreError::Internal("an entry of 4 GiB"))
        };
        self.out.write_all(&[ENTRY])?;
        self.out.write_all(&length(key)?.to_be_bytes())?;
        self.out.write_all(&length(value)?.to_be_bytes())?;
        self.out.write_all(key)?;
        Ok(self.out.write_all(value)?)
    }
}
