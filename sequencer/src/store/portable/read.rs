//! Reads a snapshot into a new data directory.

use super::{
    END, ENTRY, Hashing, KEY_MAX, MAGIC, OLDEST, Origin, SnapshotError, TABLE, TABLE_END,
    VALUE_MAX, VERSION, check, tables,
};
use crate::store::{
    BlockRef, Identity, StoreError,
    history::Subject,
    open::Directory,
    runs::Entry,
    tables::{Db, Folded, put},
};
use alloy_primitives::B256;
use signet_libmdbx::Database;
use std::{
    io::{self, BufReader, Read},
    path::Path,
};

/// What a file that was cut off is told.
const CUT: &str = "it ends too early";
/// Bytes that are written to the database in one transaction.
const TRANSACTION_BYTES: usize = 32 << 20;

/// Reads the snapshot `input` of the chain `identity` into the directory `dir`, which must be empty or not there, and
/// checks all that its headers commit to. Gives the head. After an error the directory holds nothing of use.
///
/// # Errors
/// [`SnapshotError`]: what is wrong with the file, or with the directory.
pub fn restore_snapshot(
    dir: &Path,
    identity: &Identity,
    input: impl Read,
) -> Result<BlockRef, SnapshotError> {
    let mut input = Hashing::new(zstd::Decoder::new(BufReader::new(input))?);
    let head = read_head(&mut input, identity)?;
    let directory = Directory::lock(dir)?;
    let db = Db::open(directory.db())?;
    let mut accounts = Vec::new();
    for (name, origin) in tables(&db.tables) {
        let mut take = |entries: Vec<Entry>| match origin {
            Origin::Table(table) => Ok(put_all(&db, table, &entries)?),
            Origin::History(subject) => add_history(&db, subject, entries),
            Origin::Accounts => {
                accounts.extend(entries);
                Ok(())
            }
        };
        read_table(name, &mut input, &mut take)?;
    }
    expect(&mut input, &[END], "end of the tables")?;
    let expected = input.hash();
    let mut hash = [0; 32];
    read_exact(&mut input, &mut hash)?;
    if expected != B256::from(hash) {
        return Err(SnapshotError::Damaged {
            what: "its hash is another",
        });
    }
    check::check(&db, identity, head, accounts)?;
    let tx = db.write()?;
    db.tables.set_identity(&tx, identity)?;
    db.tables.set_folded(&tx, &Folded { head, record: 0 })?;
    tx.commit().map_err(StoreError::from)?;
    Ok(head)
}

fn read_head(input: &mut impl Read, identity: &Identity) -> Result<BlockRef, SnapshotError> {
    let mut start = [0; 12];
    read_exact(input, &mut start).map_err(|error| match error {
        SnapshotError::Damaged { what } if what == CUT => error,
        _ => SnapshotError::Foreign,
    })?;
    let is_of = |version: u32| start == *[MAGIC.as_slice(), &version.to_be_bytes()].concat();
    if !(OLDEST..=VERSION).any(is_of) {
        return Err(SnapshotError::Foreign);
    }
    let mut got = [0; Identity::LEN];
    read_exact(input, &mut got)?;
    let damaged = SnapshotError::Damaged { what: "identity" };
    let got = Identity::decode(&got).ok_or(damaged)?;
    if got != *identity {
        let (expected, got) = (Box::new(*identity), Box::new(got));
        return Err(SnapshotError::OtherChain { expected, got });
    }
    let (mut number, mut hash) = ([0; 8], [0; 32]);
    read_exact(input, &mut number)?;
    read_exact(input, &mut hash)?;
    Ok(BlockRef {
        number: u64::from_be_bytes(number),
        hash: hash.into(),
    })
}

/// Hands out the entries of a table, some at a time.
fn read_table(
    name: &'static str,
    input: &mut impl Read,
    take: &mut impl FnMut(Vec<Entry>) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    expect(input, &[TABLE, length], name)?;
    expect(input, name.as_bytes(), name)?;
    loop {
        let (mut some, mut bytes) = (Vec::new(), 0);
        let is_over = loop {
            if bytes > TRANSACTION_BYTES {
                break false;
            }
            let Some(entry) = read_entry(name, input)? else {
                break true;
            };
            bytes += entry.0.len() + entry.1.len();
            some.push(entry);
        };
        take(some)?;
        if is_over {
            return Ok(());
        }
    }
}

fn put_all(db: &Db, table: Database, entries: &[Entry]) -> Result<(), StoreError> {
    let tx = db.write()?;
    for (key, value) in entries {
        put(&tx, table, key, value)?;
    }
    Ok(tx.commit()?)
}

fn add_history(db: &Db, subject: u8, mut entries: Vec<Entry>) -> Result<(), SnapshotError> {
    entries
        .iter_mut()
        .for_each(|(key, _)| key.insert(0, subject));
    if entries.iter().any(|(key, _)| Subject::parse(key).is_none()) {
        return Err(SnapshotError::Damaged { what: "history" });
    }
    let tx = db.write()?;
    db.tables.history.add(&tx, entries)?;
    Ok(tx.commit().map_err(StoreError::from)?)
}

/// The next entry; `None` at the end of the table.
fn read_entry(name: &'static str, input: &mut impl Read) -> Result<Option<Entry>, SnapshotError> {
    let mut tag = [0];
    read_exact(input, &mut tag)?;
    match tag {
        [TABLE_END] => return Ok(None),
        [ENTRY] => {}
        _ => return Err(SnapshotError::Damaged { what: name }),
    }
    let (mut key, mut value) = ([0; 4], [0; 4]);
    read_exact(input, &mut key)?;
    read_exact(input, &mut value)?;
    let (key, value) = (u32::from_be_bytes(key), u32::from_be_bytes(value));
    if key == 0 || key > KEY_MAX || value > VALUE_MAX {
        return Err(SnapshotError::Damaged { what: name });
    }
    Ok(Some((take(input, key)?, take(input, value)?)))
}

/// So many bytes; memory grows with what is there, not with what is promised.
fn take(input: &mut impl Read, length: u32) -> Result<Vec<u8>, SnapshotError> {
    let mut bytes = Vec::new();
    input
        .take(length.into())
        .read_to_end(&mut bytes)
        .map_err(ended)?;
    match u32::try_from(bytes.len()) {
        Ok(got) if got == length => Ok(bytes),
        _ => Err(SnapshotError::Damaged { what: CUT }),
    }
}

fn expect(input: &mut impl Read, bytes: &[u8], what: &'static str) -> Result<(), SnapshotError> {
    let mut got = vec![0; bytes.len()];
    read_exact(input, &mut got)?;
    match got == bytes {
        true => Ok(()),
        false => Err(SnapshotError::Damaged { what }),
    }
}

fn read_exact(input: &mut impl Read, into: &mut [u8]) -> Result<(), SnapshotError> {
    input.read_exact(into).map_err(ended)
}

/// A file that ends, and a frame that does not decompress, are damage; anything else is the disk's fault.
fn ended(error: io::Error) -> SnapshotError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => SnapshotError::Damaged { what: CUT },
        io::ErrorKind::Other | io::ErrorKind::InvalidData => SnapshotError::Damaged {
            what: "it does not decompress",
        },
        _ => SnapshotError::Io(error),
    }
}
