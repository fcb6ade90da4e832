//! Why a node does not start or stop as it should.

use super::SettingsError;
use crate::{
    engine::EngineError,
    l1::{ReaderError, RpcError, SignerError},
    metrics::MetricsError,
    rpc::RpcStartError,
    store::StoreError,
};
use alloy_primitives::B256;

/// Why a node does not start or stop as it should.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// L1 does not answer.
    #[error("L1 does not answer: {0}")]
    L1(#[source] RpcError),
    /// L1 is another chain than the one configured.
    #[error("L1 endpoint serves chain {got}, configured is chain {expected}")]
    L1Chain {
        /// Chain id configured.
        expected: u64,
        /// Chain id served.
        got: u64,
    },
    /// The genesis is not that of the configuration.
    #[error("genesis hashes to {got}, configured is {expected}")]
    Genesis {
        /// Hash configured.
        expected: B256,
        /// Hash of the genesis given.
        got: B256,
    },
    /// The store does not open or close.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine does not open.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The L1 reader cannot take up where it stood.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// L1 would refuse what the settings ask for, or they cannot work.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A key cannot be read.
    #[error(transparent)]
    Key(#[from] SignerError),
    /// Requests cannot be served.
    #[error(transparent)]
    Rpc(#[from] RpcStartError),
    /// Metrics cannot be served.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The engine's thread cannot be started.
    #[error("engine thread does not start: {0}")]
    Thread(#[source] std::io::Error),
    /// A task of the node died.
    #[error("task of the node died: {0}")]
    Task(#[from] tokio::task::JoinError),
}
