//! What the rest of the node learns from the engine: how far L1 has settled the chain.
//!
//! New and removed blocks are announced by whoever watches the store's durable head.

use super::L1BlockRef;
use crate::store::BlockRef;
use alloy_primitives::B256;
use tokio::sync::watch;

/// How far the chain is settled; the unsafe head is the store's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heads {
    /// Newest block that a batch on L1 contains.
    pub safe: BlockRef,
    /// Newest block whose batch L1 will never take back.
    pub finalized: BlockRef,
    /// Newest L1 block taken in.
    pub l1: L1BlockRef,
    /// Newest final L1 block taken in.
    pub l1_finalized: L1BlockRef,
    /// Queue entries seen.
    pub deposits: u64,
    /// Batches seen.
    pub batches: u64,
}

/// The end of the newest batch on L1: what the next batch builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchTip {
    /// Index of the newest batch; 0 before the first.
    pub index: u64,
    /// The Inbox's batch accumulator after it.
    pub acc: B256,
    /// The chain's block at its end.
    pub end: BlockRef,
    /// First queue entry that no batch has consumed.
    pub deposit_to: u64,
}

/// Where the engine publishes; newest values only.
#[derive(Debug, Clone)]
pub struct HeadsFeed {
    /// How far the chain is settled.
    pub heads: watch::Sender<Heads>,
    /// The newest batch.
    pub tip: watch::Sender<BatchTip>,
}
