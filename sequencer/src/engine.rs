//! The engine: one thread that owns the canonical chain.
//!
//! ```text
//! mempool ─ready─► builder ─► chain (trie, store) ─► heads, events ─► RPC, batcher
//! L1 reader ─L1Update─► follower ─┘        ▲ unwind
//! block feed ─(replica)─► feed ────────────┘
//! ```
//! A sequencer builds blocks and holds the batches that it sees on L1 against them; a replica
//! derives every batch. Both are the same code: what L1 says always wins, and an unsafe block that
//! contradicts it is unwound. No content of L1 can stop the engine; a disk that refuses stops it
//! from sealing, and it tries again. Spec: `SPEC.md`, sections 3 and 5.

mod batches;
mod builder;
mod chain;
mod clock;
mod confirming;
mod error;
mod feed;
mod follower;
mod heads;
mod ledger;
mod records;
mod run;
mod update;

pub use builder::{BuilderConfig, fee_view};
pub use chain::{Chain, next_deposit};
pub(crate) use clock::{ChainClock, unix_now};
pub use error::EngineError;
pub use feed::{FeedInlet, Outcome};
pub use heads::{BatchTip, Heads, HeadsFeed};
pub use ledger::{L1Ledger, batch_of_block, forget_l1, newest_batch, read_batch, read_entries};
pub use records::{BatchRecord, EntryRecord};
pub use run::{Engine, EngineHandle, EngineParts};
pub use update::{L1BlockRef, L1Input, L1Update, SeenBatch};
