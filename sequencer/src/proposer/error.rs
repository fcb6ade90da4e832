//! What can keep the proposer from its work. All of it is retried.

use crate::{
    engine::EngineError,
    l1::{ReadError, SubmitError},
    store::StoreError,
};
use alloy_primitives::{Address, B256, U256};

/// What can keep the proposer from its work.
#[derive(Debug, thiserror::Error)]
pub enum ProposerError {
    /// L1 could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The sender did not take the transaction.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A batch could not be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The end of a final batch is not the block that the store has at its number.
    #[error("batch {batch} ends in {expected}, the store holds {got}")]
    Inconsistent {
        /// Index of the batch.
        batch: u64,
        /// Block hash recorded for its end.
        expected: B256,
        /// Block hash in the store.
        got: B256,
    },
    /// The account cannot pay the next bond.
    #[error("account {account} holds {balance} wei, the next proposal needs {needed}")]
    Underfunded {
        /// The account.
        account: Address,
        /// Its balance in wei.
        balance: U256,
        /// Bond of the next proposal in wei.
        needed: U256,
    },
}
