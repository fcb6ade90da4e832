//! What can go wrong in the store, named so that the node can choose: stop sealing, refuse to start,
//! or answer a caller. Nothing here loses data; see [`StoreError::is_retryable`].

use super::{BlockRef, Identity};
use alloy_primitives::B256;
use signet_libmdbx::{MdbxError, ReadError};
use std::{io, path::PathBuf, sync::Arc};
use trestle_protocol::trie::TrieError;

/// Failure of a store operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file operation failed.
    #[error("cannot {verb} {path}: {source}")]
    Io {
        /// What was tried, as in "cannot open".
        verb: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Another process works in the data directory.
    #[error(
        "data directory {path} is in use by another process; stop it or choose another --datadir"
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The data directory belongs to another chain.
    #[error("data directory belongs to another chain: it holds {got}, configured is {expected}")]
    ForeignChain {
        /// The chain that is configured.
        expected: Box<Identity>,
        /// The chain in the directory.
        got: Box<Identity>,
    },
    /// The data directory was written in another format.
    #[error("data directory has format {got}, this program reads {expected}")]
    Format {
        /// Format of this program.
        expected: u32,
        /// Format in the directory.
        got: u32,
    },
    /// Bytes that were durable have changed: not a torn tail.
    #[error(
        "journal segment {path} is damaged at record {record}, before records known to be durable"
    )]
    Corrupt {
        /// The damaged segment.
        path: PathBuf,
        /// Sequence number of the first unreadable record.
        record: u64,
    },
    /// The journal starts after the first record that is needed.
    #[error("journal lacks records {expected} to {got}")]
    MissingRecords {
        /// First record needed.
        expected: u64,
        /// First record found.
        got: u64,
    },
    /// A value on disk does not decode although its checksum holds.
    #[error("stored {what} does not decode")]
    Decode {
        /// The kind of value.
        what: &'static str,
    },
    /// The database cannot be opened.
    #[error("cannot open the database in {path}: {cause}")]
    Open {
        /// Its directory.
        path: PathBuf,
        /// What it says.
        cause: Box<Self>,
    },
    /// The database refused.
    #[error("database: {}", in_words(.0))]
    Database(#[from] MdbxError),
    /// A database read failed.
    #[error("database read: {0}")]
    Read(#[from] ReadError),
    /// The block does not follow the head.
    #[error("block {} ({}) does not follow the head {} ({})", got.number, got.hash, head.number, head.hash)]
    NotNext {
        /// Present head.
        head: BlockRef,
        /// The block that was offered.
        got: BlockRef,
    },
    /// No such block, or none any more.
    #[error("block {number} is not in the store")]
    UnknownBlock {
        /// Block number.
        number: u64,
    },
    /// No code with this hash.
    #[error("code {hash} is not in the store")]
    UnknownCode {
        /// Keccak-256 of the code.
        hash: B256,
    },
    /// Trie nodes are kept for unfolded blocks and the folded head only.
    #[error("trie nodes of block {number} are not kept, the oldest are those of block {oldest}")]
    NoTrie {
        /// The block asked for.
        number: u64,
        /// The oldest block with trie nodes.
        oldest: u64,
    },
    /// Recomputing a state root gave another one than the block's header.
    #[error("state root of block {number} is {got}, its header says {expected}")]
    RootMismatch {
        /// Block number.
        number: u64,
        /// In the header.
        expected: B256,
        /// Recomputed.
        got: B256,
    },
    /// A trie node that its parent names is not in the tables.
    #[error("trie node {hash} is not in the store")]
    MissingNode {
        /// Keccak-256 of the node.
        hash: B256,
    },
    /// The trie could not be updated.
    #[error("trie: {0}")]
    Trie(Box<TrieError<Self>>),
    /// The disk refuses writes; what was accepted is kept in memory and retried.
    #[error("store cannot write, sealing stops until it can: {cause}")]
    Stalled {
        /// The first failure.
        cause: Arc<str>,
    },
    /// An unwind is half done; only opening the directory anew completes it.
    #[error("store halted, restart to recover: {cause}")]
    Halted {
        /// What happened.
        cause: Arc<str>,
    },
    /// An invariant of the store is broken.
    #[error("store invariant broken: {0}")]
    Internal(&'static str),
}

impl StoreError {
    /// The same call may succeed later, once the disk takes writes again.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Stalled { .. })
    }

    pub(super) fn io(
        verb: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { verb, path, source }
    }
}

impl From<TrieError<Self>> for StoreError {
    fn from(error: TrieError<Self>) -> Self {
        Self::Trie(Box::new(error))
    }
}

/// What the database says, and the operating system's own words where it only passes a number on.
fn in_words(error: &MdbxError) -> String {
    match error {
        MdbxError::Other(code) => io::Error::from_raw_os_error(*code).to_string(),
        MdbxError::Panic => "a sync of it failed, restart to recover".to_owned(),
        named => named.to_string(),
    }
}

impl revm::database_interface::DBErrorMarker for StoreError {}
