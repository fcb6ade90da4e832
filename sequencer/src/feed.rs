//! The signed block feed: a sequencer tells replicas of each block as soon as it is durable.
//!
//! ```text
//! store ─durable head─► server ─signed messages, WebSocket─► follower ─► engine (executes, compares)
//! ```
//! What arrives moves the unsafe head of a replica and nothing else: it is executed before it is
//! believed, never called safe, and replaced by what L1 says. Spec: `SPEC.md`, section "Block feed".

mod follower;
mod message;
mod server;

pub use follower::{Authority, FeedFollower};
pub use message::{FeedBlock, FeedKey, MAX_MESSAGE_BYTES, MessageError, open, seal};
pub use server::FeedServer;

/// Path of the feed beside JSON-RPC.
pub const FEED_PATH: &str = "/feed";
