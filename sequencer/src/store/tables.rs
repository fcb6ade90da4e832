//! The tables in MDBX: names, keys and the transactions over them.
//!
//! | table | key | value |
//! |---|---|---|
//! | `headers` | number | hash ‖ header RLP |
//! | `numbers` | block hash | number |
//! | `bodies`, `receipts` | number | see `codec` |
//! | `transactions …` | transaction hash | number ‖ index u32; see `places`, `runs` |
//! | `storage` | address ‖ slot | value without leading zeros |
//! | `codes` | code hash | code |
//! | `history …` | account or slot ‖ number | what that block replaced; see `history`, `runs` |
//! | `touched` | number | addresses and slots that the block changed |
//! | `nodes` | trie ‖ path | trie node; see `nodes`, `packed`. The leaves are all that is kept of an account's present |
//! | `marks` | key | value |
//! | `pool` | transaction hash | transaction, EIP-2718 |
//! | `meta` | name | format, identity, folded head, last record applied, which runs there are |
//!
//! Numbers are u64, big-endian, so that keys sort by block.

use super::{BlockRef, Identity, StoreError, journal::FORMAT, runs::Runs};
use alloy_primitives::{Address, B256, U256};
use signet_libmdbx::{
    Database, DatabaseFlags, Environment, EnvironmentFlags, Geometry, MdbxError, MdbxResult, Mode,
    RoSync, Rw, SyncMode, TransactionKind, TxSync, TxUnsync, WriteFlags,
    tx::{Tx, aliases::RwCursorUnsync},
};
use std::{borrow::Cow, path::Path, sync::Arc};

/// A read transaction: one consistent state of all tables.
pub(super) type ReadTx = TxSync<RoSync>;
/// The write transaction.
pub(super) type WriteTx = TxUnsync<Rw>;

/// Most tables: those named here, and twice 96 runs.
const MAX_TABLES: usize = 224;
/// Most concurrent read transactions.
const MAX_READERS: u64 = 4096;
/// Largest database, in bytes of address space.
const MAX_BYTES: usize = 4 << 40;
/// Step by which the database file grows, in bytes.
const GROWTH_BYTES: isize = 64 << 20;

/// Page buffers of one write transaction that are kept for the next, 256 MiB of 4 KiB: the system clears what it gives
/// anew.
const KEPT_PAGES: u64 = 65_536;

/// Handles of the tables.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub(super) headers: Database,
    pub(super) numbers: Database,
    pub(super) bodies: Database,
    pub(super) receipts: Database,
    pub(super) transactions: Runs,
    pub(super) storage: Database,
    pub(super) codes: Database,
    pub(super) history: Runs,
    pub(super) touched: Database,
    pub(super) nodes: Database,
    pub(super) marks: Database,
    pub(super) pool: Database,
    meta: Database,
}

/// The open database.
#[derive(Debug, Clone)]
pub(super) struct Db {
    env: Environment,
    pub(super) tables: Arc<Tables>,
}

impl Db {
    /// Opens the database in `dir`, creating what is missing.
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let mode = Mode::ReadWrite {
            sync_mode: SyncMode::Durable,
        };
        let env = Environment::builder()
            .set_max_dbs(MAX_TABLES)
            .set_max_readers(MAX_READERS)
            .set_dp_reserve_limit(KEPT_PAGES)
            .set_geometry(Geometry {
                size: Some(0..MAX_BYTES),
                growth_step: Some(GROWTH_BYTES),
                ..Geometry::default()
            })
            .set_flags(EnvironmentFlags {
                no_rdahead: true,
                mode,
                ..EnvironmentFlags::default()
            })
            .open_with_permissions(dir, 0o600)?;
        let tables = match open_tables(&env) {
            Err(StoreError::Database(MdbxError::NotFound)) => {
                refuse_other_format(&env)?;
                create_tables(&env)?
            }
            opened => opened?,
        };
        let tables = Arc::new(tables);
        Ok(Self { env, tables })
    }

    pub(super) fn read(&self) -> Result<ReadTx, StoreError> {
        Ok(self.env.begin_ro_sync()?)
    }

    pub(super) fn write(&self) -> Result<WriteTx, StoreError> {
        Ok(self.env.begin_rw_unsync()?)
    }
}

/// Opens tables that exist: without writing, so that a start costs no sync.
fn open_tables(env: &Environment) -> Result<Tables, StoreError> {
    let tx = env.begin_ro_unsync()?;
    let tables = Tables::each(|name| tx.open_db(Some(name)))?;
    tx.commit()?;
    Ok(tables)
}

/// Fails where another build's tables are, before any are added to them.
fn refuse_other_format(env: &Environment) -> Result<(), StoreError> {
    let tx = env.begin_ro_unsync()?;
    match tx.open_db(Some("meta")) {
        Ok(meta) => check_format(&tx, meta).map(drop),
        Err(MdbxError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether there is a format, which then is this build's.
fn check_format<K: TransactionKind>(tx: &Tx<K>, meta: Database) -> Result<bool, StoreError> {
    let Some(format) = get(tx, meta, b"format")? else {
        return Ok(false);
    };
    match format.first_chunk().map_or(0, |b| u32::from_be_bytes(*b)) {
        FORMAT => Ok(true),
        got => Err(StoreError::Format {
            expected: FORMAT,
            got,
        }),
    }
}

fn create_tables(env: &Environment) -> Result<Tables, StoreError> {
    let tx = env.begin_rw_unsync()?;
    let tables = Tables::each(|name| tx.create_db(Some(name), DatabaseFlags::empty()))?;
    tx.commit()?;
    Ok(tables)
}

/// How far the tables have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folded {
    /// The newest block in the tables.
    pub(super) head: BlockRef,
    /// The last journal record in the tables.
    pub(super) record: u64,
}

impl Tables {
    fn each(table: impl Fn(&str) -> MdbxResult<Database>) -> Result<Self, StoreError> {
        let meta = table("meta")?;
        Ok(Self {
            headers: table("headers")?,
            numbers: table("numbers")?,
            bodies: table("bodies")?,
            receipts: table("receipts")?,
            transactions: Runs::open("transactions", meta, &table)?,
            storage: table("storage")?,
            codes: table("codes")?,
            history: Runs::open("history", meta, &table)?,
            touched: table("touched")?,
            nodes: table("nodes")?,
            marks: table("marks")?,
            pool: table("pool")?,
            meta,
        })
    }

    /// Checks format and chain; `false` for an empty database.
    pub(super) fn check(&self, tx: &ReadTx, identity: &Identity) -> Result<bool, StoreError> {
        if !check_format(tx, self.meta)? {
            return Ok(false);
        }
        let got = get(tx, self.meta, b"identity")?;
        let got = got.as_deref().and_then(Identity::decode);
        let got = got.ok_or(StoreError::Decode { what: "identity" })?;
        if got != *identity {
            let (expected, got) = (Box::new(*identity), Box::new(got));
            return Err(StoreError::ForeignChain { expected, got });
        }
        Ok(true)
    }

    /// Writes format and chain.
    pub(super) fn set_identity(&self, tx: &WriteTx, identity: &Identity) -> Result<(), StoreError> {
        put(tx, self.meta, b"format", &FORMAT.to_be_bytes())?;
        put(tx, self.meta, b"identity", &identity.encode())
    }

    pub(super) fn folded<K: TransactionKind>(&self, tx: &Tx<K>) -> Result<Folded, StoreError> {
        let bytes = get(tx, self.meta, b"folded")?;
        let parse = |bytes: &[u8]| {
            let (number, rest) = bytes.split_first_chunk()?;
            let (record, hash) = rest.split_first_chunk()?;
            let hash = B256::try_from(hash).ok()?;
            let head = BlockRef {
                number: u64::from_be_bytes(*number),
                hash,
            };
            Some(Folded {
                head,
                record: u64::from_be_bytes(*record),
            })
        };
        bytes.as_deref().and_then(parse).ok_or(StoreError::Decode {
            what: "folded head",
        })
    }

    pub(super) fn set_folded(&self, tx: &WriteTx, folded: &Folded) -> Result<(), StoreError> {
        let Folded { head, record } = folded;
        let parts: [&[u8]; 3] = [
            &head.number.to_be_bytes(),
            &record.to_be_bytes(),
            head.hash.as_slice(),
        ];
        put(tx, self.meta, b"folded", &parts.concat())
    }
}

/// The value of a key. Copied in a write transaction: there libmdbx 0.13.7 tells borrowed pages from changed ones by
/// their distance from its map in 32 bits of pages, and takes memory 16 TiB away for its own.
pub(super) fn get<'a, K: TransactionKind>(
    tx: &'a Tx<K>,
    table: Database,
    key: &[u8],
) -> Result<Option<Cow<'a, [u8]>>, StoreError> {
    if K::IS_READ_ONLY {
        return Ok(tx.get::<Cow<'a, [u8]>>(table.dbi(), key)?);
    }
    Ok(tx.get::<Vec<u8>>(table.dbi(), key)?.map(Cow::Owned))
}

pub(super) fn put(
    tx: &WriteTx,
    table: Database,
    key: &[u8],
    value: &[u8],
) -> Result<(), StoreError> {
    Ok(tx.put(table, key, value, WriteFlags::UPSERT)?)
}

/// Removes a key, present or not.
pub(super) fn del(tx: &WriteTx, table: Database, key: &[u8]) -> Result<(), StoreError> {
    tx.del(table, key, None)?;
    Ok(())
}

/// Puts a value, or removes the key for `None`.
pub(super) fn set(
    tx: &WriteTx,
    table: Database,
    key: &[u8],
    value: Option<&(impl AsRef<[u8]> + ?Sized)>,
) -> Result<(), StoreError> {
    match value {
        Some(value) => put(tx, table, key, value.as_ref()),
        None => del(tx, table, key),
    }
}

/// As [`set`], from where a cursor is: near its key this saves the way from the root.
pub(super) fn set_at(
    cursor: &mut RwCursorUnsync<'_>,
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<(), StoreError> {
    match value {
        Some(value) => cursor.put(key, value, WriteFlags::UPSERT)?,
        None if cursor.set::<()>(key)?.is_some() => cursor.del()?,
        None => {}
    }
    Ok(())
}

/// `address ‖ slot`.
pub(super) fn slot_key(address: &Address, slot: &U256) -> Vec<u8> {
    [address.as_slice(), &slot.to_be_bytes::<32>()].concat()
}

/// Makes a closed database look like one of another format.
#[cfg(test)]
pub(super) fn set_format(dir: &Path, format: u32) -> Result<(), StoreError> {
    let db = Db::open(dir)?;
    let tx = db.write()?;
    put(&tx, db.tables.meta, b"format", &format.to_be_bytes())?;
    Ok(tx.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_another_format_are_left_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let older = || {
            Environment::builder()
                .set_max_dbs(32)
                .open(dir.path())
                .unwrap()
        };
        let env = older();
        let tx = env.begin_rw_unsync().unwrap();
        let meta = tx.create_db(Some("meta"), DatabaseFlags::empty()).unwrap();
        put(&tx, meta, b"format", &1u32.to_be_bytes()).unwrap();
        tx.commit().unwrap();
        drop(env);
        let error = Db::open(dir.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::Format { got: 1, .. }),
            "{error}"
        );
        let env = older();
        let tx = env.begin_ro_unsync().unwrap();
        assert!(tx.open_db(Some("meta")).is_ok());
        let added = tx.open_db(Some("headers")).map(drop);
        assert_eq!(added, Err(MdbxError::NotFound));
    }
}
