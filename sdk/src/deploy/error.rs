//! Why a deployment did not come to its end. Running it again resumes it.

use alloy::{
    contract,
    primitives::{Address, TxHash},
    providers::PendingTransactionError,
    transports::TransportError,
};

use super::ConfigError;

/// Why a deployment did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The configuration cannot be deployed; nothing was sent.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// The endpoint serves another L1; nothing was sent.
    #[error("L1 has chain id {got}, the configuration is for {expected}")]
    WrongL1 {
        /// Chain id in the configuration.
        expected: u64,
        /// Chain id of the endpoint.
        got: u64,
    },
    /// The request to L1 failed.
    #[error("L1: {0}")]
    Transport(#[from] TransportError),
    /// A call to a contract on L1 failed.
    #[error("L1 contract: {0}")]
    Contract(#[from] contract::Error),
    /// A transaction was sent and its receipt did not come.
    #[error("receipt of the transaction that deploys {step}: {source}")]
    Receipt {
        /// Contract that the transaction deploys.
        step: &'static str,
        /// What went wrong.
        source: PendingTransactionError,
    },
    /// A transaction was included and failed.
    #[error("transaction {tx} that deploys {step} failed on L1")]
    Reverted {
        /// Contract that the transaction deploys.
        step: &'static str,
        /// Its hash.
        tx: TxHash,
    },
    /// A transaction succeeded, but there is no code at the expected address.
    #[error("{step} is not at {address}")]
    NoCode {
        /// Contract that is missing.
        step: &'static str,
        /// Where it should be.
        address: Address,
    },
    /// What is on L1 is not what the configuration asks for.
    #[error("{what} on L1 is {got}, expected {expected}")]
    Mismatch {
        /// Property that was read.
        what: &'static str,
        /// Value that the configuration asks for.
        expected: String,
        /// Value on L1.
        got: String,
    },
    /// The block of the deployment cannot be read.
    #[error("L1 block {number} of the deployment is not known to the endpoint")]
    NoStartBlock {
        /// Its number.
        number: u64,
    },
}
