//! What can keep the archive from its work; all of it is retried but for a folder that is not its own.

use alloy_primitives::B256;
use std::{io, path::PathBuf};
use trestle_sequencer::l1::{BeaconError, ReadError, RpcError};

use crate::host::HostError;

/// Why the archive could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The log of L1 could not be read.
    #[error(transparent)]
    Host(#[from] HostError),
    /// L1 could not be asked.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The Inbox could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The L1 endpoint serves another chain.
    #[error("the L1 endpoint serves chain {got}, the chain settles on {expected}")]
    OtherL1 {
        /// Chain id of the chain's L1.
        expected: u64,
        /// Chain id served.
        got: u64,
    },
    /// No beacon endpoint says how it names blocks.
    #[error("beacon endpoint {host} {source}")]
    Beacon {
        /// Host and port.
        host: String,
        /// What went wrong.
        source: BeaconError,
    },
    /// The folder could not be read or written.
    #[error("archive folder {path}: {source}")]
    Disk {
        /// File or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process uses the folder.
    #[error("archive folder {0} is in use by another process")]
    InUse(PathBuf),
    /// The folder holds the archive of another chain, or no archive's state.
    #[error("{0} is no state of this chain's archive")]
    State(PathBuf),
    /// A file does not hold the blob that it is named by.
    #[error("the file of blob {0} was damaged")]
    Damaged(B256),
    /// A worker thread died.
    #[error("worker of the archive died: {0}")]
    Worker(#[from] tokio::task::JoinError),
}
