//! Every bound of the RPC in one table.

use std::time::Duration;

/// Bounds of the RPC. The defaults serve development and operation alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcLimits {
    /// Longest request body, in bytes.
    pub body_bytes: u32,
    /// Longest response to one request or to one batch, in bytes.
    pub response_bytes: usize,
    /// Requests in one batch.
    pub batch_items: u32,
    /// HTTP requests in progress and WebSocket connections, together.
    pub connections: u32,
    /// Subscriptions on one connection.
    pub subscriptions: u32,
    /// Notifications that may wait for one WebSocket client; it is dropped beyond.
    pub notifications: u32,
    /// Time without progress after which a client that reads too slowly is dropped.
    pub write_stall: Duration,
    /// Filters that are kept.
    pub filters: usize,
    /// Time after which a filter that nobody asks for is forgotten.
    pub filter_lifetime: Duration,
    /// Blocks that one `eth_getLogs` may span.
    pub log_blocks: u64,
    /// Logs that one `eth_getLogs` may return.
    pub log_results: usize,
    /// Blocks that one `trace_filter` may span.
    pub trace_blocks: u64,
    /// Gas of one call or estimate.
    pub call_gas: u64,
    /// Time of one call, trace or log query.
    pub call_time: Duration,
    /// Calls, traces and log queries that run at once; others wait.
    pub heavy_calls: usize,
    /// Calls, traces and log queries that may wait; others are turned away.
    pub heavy_queue: usize,
    /// Blocks of one `eth_feeHistory`.
    pub fee_history_blocks: u64,
    /// Percentiles of one `eth_feeHistory`.
    pub fee_history_percentiles: usize,
    /// Storage keys of one `eth_getProof`.
    pub proof_keys: usize,
    /// Blocks behind the head whose state can be proven.
    pub proof_blocks: u64,
    /// Blocks and calls of one `eth_simulateV1`.
    pub simulate_blocks: usize,
    /// Replicas that follow the block feed at once.
    pub feed_followers: usize,
}

impl Default for RpcLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            body_bytes: 15 << 20,
            response_bytes: 160 << 20,
            batch_items: 1_000,
            connections: 2_000,
            subscriptions: 1_024,
            notifications: 4_096,
            write_stall: Duration::from_secs(30),
            filters: 10_000,
            filter_lifetime: Duration::from_secs(300),
            log_blocks: 100_000,
            log_results: 20_000,
            trace_blocks: 100,
            call_gas: 50_000_000,
            call_time: Duration::from_secs(10),
            heavy_calls: cores,
            heavy_queue: 512,
            fee_history_blocks: 1_024,
            fee_history_percentiles: 100,
            proof_keys: 1_024,
            proof_blocks: 200_000,
            simulate_blocks: 256,
            feed_followers: 128,
        }
    }
}
