//! The node: mempool, block builder, store, L1 reader, batcher, proposer and JSON-RPC.
//!
//! Sequencer and replica run from the same parts.

mod aside;
pub mod batcher;
pub mod engine;
pub mod feed;
pub mod l1;
pub mod mempool;
pub mod metrics;
pub mod node;
pub mod proposer;
pub mod rpc;
pub mod store;
