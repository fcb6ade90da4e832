//! Posts sealed, durable L2 blocks to the Inbox, in order, each exactly once.
//!
//! ```text
//! engine (BatchSource) ─► queue ─► close? ─► build payload (─► blobs) ─► L1Sender ─► Inbox
//!        ▲                                                                  │
//!        └──────────────── L1Reader ◄──────────────────────────────────────┘
//! ```
//! The batcher keeps nothing over a restart: what is posted is what L1 shows (through reader and
//! engine), what is under way is in the sender's journal. A batch names its number, the batch before it
//! and the queue it was built on, so the Inbox takes it on that history alone; at most one is under
//! way, because the next one must name its accumulator. Spec: `SPEC.md`, sections 3.2 and 4.

mod block;
mod build;
mod close;
mod kind;
mod pick;
mod post;
mod source;
mod task;
mod window;

pub use block::BatchBlock;
pub use build::{BuildError, BuiltBatch, build_batch};
pub use close::ClosePolicy;
pub use kind::{BatchKind, KindPolicy};
pub use source::{BatchSource, SourceError, StoreSource};
pub(crate) use task::TIME_MARGIN;
pub use task::{Batcher, BatcherConfig, BatcherError, BatcherStatus};
