//! What the RPC needs of the node. The node fills a [`NodeHandle`]; the RPC adds its own state.

use std::fmt;
use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes};
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::{broadcast, watch};
use trestle_protocol::{BatchHeader, ChainConfig, QueuedEntry};

use super::{
    RpcError, RpcLimits, blocks::BlockCache, filters::Filters, follow::ChainEvent,
    forwarded::Forwarded, heavy::HeavyPool, methods::stages::ToldStatus,
};
use crate::{
    batcher::BatcherStatus,
    mempool::Mempool,
    store::{BlockRef, Store},
};

/// How far the chain is settled. The unsafe head is the store's durable head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SettledHeads {
    /// Newest block that a batch on L1 contains.
    pub safe: BlockRef,
    /// Newest block whose batch is in a finalized L1 block.
    pub finalized: BlockRef,
}

/// The present time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Seconds since the Unix epoch.
    fn now(&self) -> u64;
}

/// The computer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |elapsed| elapsed.as_secs())
    }
}

/// A batch as L1 has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchInfo {
    /// Number of the batch, from 1.
    #[serde(with = "alloy::serde::quantity")]
    pub index: u64,
    /// First L2 block that it yields; above `lastBlock` if it yields none.
    #[serde(with = "alloy::serde::quantity")]
    pub first_block: u64,
    /// Newest L2 block after it.
    #[serde(with = "alloy::serde::quantity")]
    pub last_block: u64,
    /// Number of the L1 block that holds it.
    #[serde(with = "alloy::serde::quantity")]
    pub l1_block_number: u64,
    /// Hash of that L1 block.
    pub l1_block_hash: B256,
    /// Hash of the L1 transaction that appended it, if known.
    pub l1_transaction_hash: Option<B256>,
    /// Whether that L1 block is final.
    pub finalized: bool,
}

/// What the node knows of L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct L1Status {
    /// Newest L1 block seen.
    #[serde(with = "alloy::serde::quantity")]
    pub head: u64,
    /// Newest finalized L1 block seen.
    #[serde(with = "alloy::serde::quantity")]
    pub finalized: u64,
    /// L1 block up to which batches and the queue were read.
    #[serde(with = "alloy::serde::quantity")]
    pub read: u64,
    /// Number of the newest batch.
    #[serde(with = "alloy::serde::quantity")]
    pub batches: u64,
    /// Entries in the queue.
    #[serde(with = "alloy::serde::quantity")]
    pub queued: u64,
}

/// An entry of the L1 queue and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueEntryInfo {
    /// Place in the queue, from 0.
    #[serde(with = "alloy::serde::quantity")]
    pub index: u64,
    /// Number of the L1 block that enqueued it.
    #[serde(with = "alloy::serde::quantity")]
    pub l1_block_number: u64,
    /// Hash of the L2 transaction that it becomes.
    pub l2_transaction_hash: B256,
}

/// A batch with all that L1 and the engine know of it, its payload aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedBatch {
    /// Its header.
    pub header: BatchHeader,
    /// The Inbox's batch accumulator before it.
    pub acc_before: B256,
    /// The accumulator after it.
    pub acc: B256,
    /// The queue's accumulator before the entries that it consumes.
    pub deposit_acc_before: B256,
    /// These entries, in order.
    pub entries: Vec<QueuedEntry>,
    /// The block that it builds on.
    pub start: BlockRef,
    /// The block at its end.
    pub end: BlockRef,
    /// Output root after it.
    pub output: B256,
}

/// What the L1 reader has found. Absent on a node that follows no L1.
pub trait L1View: Send + Sync + fmt::Debug {
    /// The batch with this number.
    ///
    /// # Errors
    /// The store's error, in words.
    fn batch(&self, index: u64) -> Result<Option<BatchInfo>, String>;

    /// The batch that yields this L2 block.
    ///
    /// # Errors
    /// The store's error, in words.
    fn batch_of_block(&self, number: u64) -> Result<Option<BatchInfo>, String>;

    /// An entry of the queue by its place.
    ///
    /// # Errors
    /// The store's error, in words.
    fn queue_entry(&self, index: u64) -> Result<Option<QueueEntryInfo>, String>;

    /// The batch with this number and the entries that it consumes.
    ///
    /// # Errors
    /// The store's error, in words.
    fn logged_batch(&self, index: u64) -> Result<Option<LoggedBatch>, String>;

    /// How far L1 is read.
    fn status(&self) -> L1Status;
}

/// A replica's way to the sequencer, which acknowledges transactions and holds those that wait. Fails with
/// what the sequencer answers, and with an error of its own when it does not.
pub trait Forward: Send + Sync + fmt::Debug {
    /// Submits one encoded transaction.
    fn submit(&self, encoded: Bytes) -> BoxFuture<'static, Result<B256, RpcError>>;

    /// The nonce that an account should use next.
    fn pending_nonce(&self, address: Address) -> BoxFuture<'static, Result<u64, RpcError>>;

    /// A transaction as the sequencer's `eth_getTransactionByHash` shows it.
    fn transaction(&self, hash: B256) -> BoxFuture<'static, Result<Option<Value>, RpcError>>;

    /// A transaction as the sequencer's `trestle_transactionStatus` shows it.
    fn status(&self, hash: B256) -> BoxFuture<'static, Result<Option<ToldStatus>, RpcError>>;
}

/// The node as the RPC sees it.
#[derive(Debug, Clone)]
pub struct NodeHandle {
    /// The chain's static configuration.
    pub config: Arc<ChainConfig>,
    /// Blocks and state.
    pub store: Arc<Store>,
    /// Transactions waiting for a block.
    pub pool: Arc<Mempool>,
    /// How far the chain is settled.
    pub settled: watch::Receiver<SettledHeads>,
    /// What the L1 reader has found.
    pub l1: Option<Arc<dyn L1View>>,
    /// Takes transactions instead of the pool, on a replica.
    pub forward: Option<Arc<dyn Forward>>,
    /// What the batcher is doing, on a sequencer that has one.
    pub batcher: Option<watch::Receiver<BatcherStatus>>,
    /// The present time.
    pub clock: Arc<dyn Clock>,
}

/// What every method works with.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) node: NodeHandle,
    pub(super) limits: RpcLimits,
    pub(super) filters: Filters,
    pub(super) forwarded: Forwarded,
    pub(super) events: broadcast::Sender<ChainEvent>,
    pub(super) heavy: HeavyPool,
    pub(super) blocks: BlockCache,
}

impl std::ops::Deref for Context {
    type Target = NodeHandle;

    fn deref(&self) -> &NodeHandle {
        &self.node
    }
}
