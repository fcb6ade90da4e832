//! JSON-RPC as wallets and tools expect it, over HTTP and WebSocket on one port.
//!
//! ```text
//! socket ─ listener ─ axum (host, CORS) ─ jsonrpsee ─ middleware ─ methods ─► store snapshots
//!                                                                     │          pool, L1 view
//!                              filters, subscriptions ◄─ follow ◄── durable head
//! ```
//! Reads go through durable snapshots: what is answered survives a crash. Long work runs on blocking
//! threads, a bounded number at once. Names, shapes and errors are Ethereum's; where this chain
//! differs, the method's documentation says so.

mod args;
mod blocks;
mod bounded;
mod chain;
mod context;
mod error;
mod evm;
mod filters;
mod follow;
mod forwarded;
mod heavy;
mod limits;
mod listener;
mod logs;
mod meter;
mod methods;
mod middleware;
mod openrpc;
mod recording;
mod replay;
mod server;
mod simulate;
mod subscriptions;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

pub use context::{
    BatchInfo, Clock, Forward, L1Status, L1View, LoggedBatch, NodeHandle, QueueEntryInfo,
    SettledHeads, SystemClock,
};
pub use error::RpcError;
pub use limits::RpcLimits;
pub use listener::Guarded;
pub use methods::stages::ToldStatus;
pub use server::{CorsOrigins, RpcConfig, RpcServer, RpcStartError};
