//! Writes a snapshot.

use super::{
    END, ENTRY, Hashing, MAGIC, SnapshotError, TABLE, TABLE_END, VERSION, is_kept, tables,
};
use crate::store::{BlockRef, Identity, Store, StoreError, tables::ReadTx};
use signet_libmdbx::Database;
use std::io::{BufWriter, Write};

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
        for (name, table) in tables(&db.tables) {
            write_table(&tx, name, table, &mut out)?;
        }
        out.write_all(&[END])?;
        let hash = out.hash();
        out.write_all(hash.as_slice())?;
        out.inner.finish()?.flush()?;
        Ok(head)
    }
}

fn write_table(
    tx: &ReadTx,
    name: &str,
    table: Database,
    out: &mut impl Write,
) -> Result<(), SnapshotError> {
    let length = |bytes: &[u8]| {
        u32::try_from(bytes.len()).map_err(|_| StoreError::Internal("an entry of 4 GiB"))
    };
    let name_length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    out.write_all(&[TABLE, name_length])?;
    out.write_all(name.as_bytes())?;
    let mut cursor = tx.cursor(table).map_err(StoreError::from)?;
    let mut next = cursor
        .first::<Vec<u8>, Vec<u8>>()
        .map_err(StoreError::from)?;
    while let Some((key, value)) = next {
        if is_kept(name, &key) {
            out.write_all(&[ENTRY])?;
            out.write_all(&length(&key)?.to_be_bytes())?;
            out.write_all(&length(&value)?.to_be_bytes())?;
            out.write_all(&key)?;
            out.write_all(&value)?;
        }
        next = cursor
            .next::<Vec<u8>, Vec<u8>>()
            .map_err(StoreError::from)?;
    }
    Ok(out.write_all(&[TABLE_END])?)
}
