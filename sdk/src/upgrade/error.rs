//! What can keep a change from being announced or executed.

use alloy::primitives::{Address, B256};

use crate::transfer::TransferError;

/// What can keep a change from going on. Nothing is lost by any of it.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// L1 did not answer, or refused.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// A contract could not be read.
    #[error("L1: {0}")]
    Contract(#[from] alloy::contract::Error),
    /// L1 did not answer.
    #[error("L1: {0}")]
    Rpc(#[from] alloy::transports::TransportError),
    /// The image is the one that batches are proven with already, or none.
    #[error("{root} is no other image than the present one")]
    SameImage {
        /// Root given.
        root: B256,
    },
    /// Batches that are on L1 already would be proven by an image that did not exist when they were made.
    #[error("batch {from_batch} is on L1 already, there are {batches}: choose a later one")]
    BatchGone {
        /// First batch of the new image.
        from_batch: u64,
        /// Batches on L1.
        batches: u64,
    },
    /// Batches of the image before the present one are not settled, and a game knows two images.
    #[error(
        "the anchor is at batch {anchor}; before another change of the image it has to reach {needed}, the last batch of the image before the present one"
    )]
    TwoChanges {
        /// Batch of the anchor.
        anchor: u64,
        /// Least batch of the anchor.
        needed: u64,
    },
    /// There is no code at an address.
    #[error("there is no code at {at}")]
    NoCode {
        /// The address.
        at: Address,
    },
    /// The proxy has this implementation already.
    #[error("{at} is the implementation already")]
    SameImplementation {
        /// The implementation.
        at: Address,
    },
    /// The same change waits already.
    #[error("the same change is announced already, as {id}")]
    Announced {
        /// Its id in the timelock.
        id: B256,
    },
    /// The timelock knows no such change.
    #[error("no change {id} was announced")]
    Unknown {
        /// The id.
        id: B256,
    },
    /// The change does not wait: it was executed or cancelled.
    #[error("change {id} is {state}")]
    NotPending {
        /// The id.
        id: B256,
        /// What it is instead.
        state: &'static str,
    },
    /// The delay is not over.
    #[error("change {id} can be executed in {seconds} s")]
    Early {
        /// The id.
        id: B256,
        /// Seconds left.
        seconds: u64,
    },
}
