//! Snapshots: a whole data directory as one stream that any machine can read again.
//!
//! ```text
//! file = zstd( "TRSTLSNP" ‖ version u32 ‖ identity ‖ head number u64 ‖ head hash ‖ table* ‖ 0 ‖ keccak256(all before) )
//! table = 1 ‖ name length u8 ‖ name ‖ entry* ‖ 3        entry = 2 ‖ key length u32 ‖ value length u32 ‖ key ‖ value
//! ```
//! Numbers are big-endian. A stream of our own, and not MDBX's copy of its file: it does not depend on the engine's
//! version or page size, leaves out free pages and everything that can be made again, and is checked while it is read.
//! Left out are trie nodes, indexes by hash, the pool, and what was signed for L1 by the account of the old place.
//!
//! What reading proves: the bytes are those that were written; every header hashes to its hash and names its parent,
//! down to the genesis of the configured chain; transactions and receipts of every block, and the whole state of the
//! head, are what the headers commit to. So whoever knows the head's output root is right knows all this to be right.
//! Not proven by it: older states (the history) and the senders of transactions, for which the maker's word stands.

mod check;
mod read;
mod write;

use super::{Identity, StoreError, history::Subject, tables::Tables};
use alloy_primitives::{B256, Keccak256};
use signet_libmdbx::Database;
use std::io::{self, Read, Write};

pub use read::restore_snapshot;

const MAGIC: &[u8; 8] = b"TRSTLSNP";
/// The version written.
const VERSION: u32 = 2;
/// The oldest version that is read. Its accounts all have code hashes, of no code as well.
const OLDEST: u32 = 1;
/// Tags of the parts.
const END: u8 = 0;
const TABLE: u8 = 1;
const ENTRY: u8 = 2;
const TABLE_END: u8 = 3;
/// Longest key and value that are read, in bytes.
const KEY_MAX: u32 = 2_048;
const VALUE_MAX: u32 = 1 << 28;
/// Marks up to this kind are about L1; those above are of the account that sent from the old place.
const LAST_L1_MARK: u8 = 5;

/// Why a snapshot is not written or not taken.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Reading or writing the file failed.
    #[error("snapshot: {0}")]
    Io(#[from] io::Error),
    /// The file is none of ours, or of another version.
    #[error("this is no snapshot of version {OLDEST} to {VERSION}")]
    Foreign,
    /// The file ends too early, or its bytes have changed.
    #[error("the snapshot is damaged: {what}")]
    Damaged {
        /// Where it shows.
        what: &'static str,
    },
    /// It is of another chain.
    #[error("the snapshot is of another chain: it holds {got}, configured is {expected}")]
    OtherChain {
        /// The chain configured.
        expected: Box<Identity>,
        /// The chain in the snapshot.
        got: Box<Identity>,
    },
    /// Its content contradicts itself.
    #[error(
        "the snapshot contradicts itself: {what} of block {number} is not what its header commits to"
    )]
    Untrue {
        /// What is wrong.
        what: &'static str,
        /// Block.
        number: u64,
    },
}

/// Where the entries of a table of a snapshot lie.
enum Origin {
    /// In a table of the same name.
    Table(Database),
    /// In the leaves of the account trie; by address.
    Accounts,
    /// In the runs of the history, whose keys begin with this.
    History(u8),
}

/// Tables that a snapshot has, in their order.
fn tables(t: &Tables) -> [(&'static str, Origin); 10] {
    [
        ("headers", Origin::Table(t.headers)),
        ("bodies", Origin::Table(t.bodies)),
        ("receipts", Origin::Table(t.receipts)),
        ("accounts", Origin::Accounts),
        ("storage", Origin::Table(t.storage)),
        ("codes", Origin::Table(t.codes)),
        ("account_history", Origin::History(Subject::ACCOUNT)),
        ("storage_history", Origin::History(Subject::SLOT)),
        ("touched", Origin::Table(t.touched)),
        ("marks", Origin::Table(t.marks)),
    ]
}

/// Whether an entry goes into a snapshot.
fn is_kept(table: &str, key: &[u8]) -> bool {
    table != "marks" || key.first().is_some_and(|kind| *kind <= LAST_L1_MARK)
}

/// Hashes what passes through.
struct Hashing<T> {
    inner: T,
    hasher: Keccak256,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            hasher: Keccak256::new(),
        }
    }

    fn hash(&self) -> B256 {
        self.hasher.clone().finalize()
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.hasher.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
