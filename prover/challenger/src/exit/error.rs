//! What can keep somebody from leaving. Nothing is lost by any of it.

use trestle_sdk::transfer::TransferError;

use crate::host::HostError;

/// What can keep somebody from leaving.
#[derive(Debug, thiserror::Error)]
pub enum ExitError {
    /// The chain could not be derived from L1.
    #[error(transparent)]
    Host(#[from] HostError),
    /// L1 refused, or did not answer.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The list of found withdrawals could not be kept.
    #[error("list of withdrawals: {0}")]
    Found(#[from] std::io::Error),
    /// L2 executed the call and it began no withdrawal: the account has less there than it asked for.
    #[error(
        "L2 refused the withdrawal of queue entry {entry}: the account has less there than it asked for"
    )]
    Refused {
        /// Index of the queue entry.
        entry: u64,
    },
    /// Not done in the time that was given.
    #[error("not finished after {seconds} s; the same command goes on from there")]
    TimeUp {
        /// Seconds given.
        seconds: u64,
    },
    /// A task of ours ended early.
    #[error("internal: derivation ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}
