//! The truth about a chain from L1 alone: what every batch leads to, and what the machine does with it.
//!
//! Who uses it: `trestle prove`, and the challenger's service. It trusts no node of L2, and of an L1 endpoint
//! only that the log it gives is the newest; a log that does not continue the accumulators is refused.
//!
//! ```text
//! L1 endpoint, blob endpoint ─► L1Log::next ─► L1Batch ─► Follower::derive ─► BatchRecord { output_root, … }
//!                                                             │ Store: records, tries, log by hash
//!                                 Follower::inputs(batch) ◄───┘
//!                                        │ Recorded: the preimages that one batch reads; save, load
//!                                        ▼
//!                        BatchRun::record ─► outcome, state_hash(step), end_state, witness(step)
//! ```
//! In use:
//! 1. `Follower::open(config, genesis, store)`; `L1Log::new(provider, inbox, blobs, follower.position())`.
//! 2. `log.next(head)` until `None`; each batch into `follower.derive` (CPU-bound: from async code on a blocking
//!    thread); `follower.record(batch)` has the output root after any batch derived so far.
//! 3. After an L1 reorg: `follower.unwind(batch)` to the newest batch that is still in the Inbox, and a new
//!    `L1Log` from `follower.position()`.
//! 4. Without deriving: `position_before`, `log.next`, `ReplicaAnswer::ask`, `inputs`: the state that one batch reads, from a node.
//! 5. `follower.inputs(batch)` and `BatchRun::record` give what the game's machine level asks for.
//!
//! Memory: derivation holds the part of the state that one batch touches; the log, the queue entries that no batch
//! consumed; a run, at most 128 snapshots that share unchanged pages. The store grows with the chain: every trie
//! node that ever was, so any batch can be proven at any time; [`DiskStore`] keeps it on disk, [`MemoryStore`] does not.

mod batch;
mod disk;
mod error;
mod follower;
mod l1;
mod memory;
mod opening;
mod record;
mod recorded;
mod replica;
mod run;
mod seek;
mod state;
mod store;
mod view;

pub use batch::{L1Batch, Payload};
pub use disk::DiskStore;
pub use error::HostError;
pub use follower::Follower;
pub use l1::L1Log;
pub use memory::MemoryStore;
pub use record::{BatchRecord, LogPosition};
pub use recorded::{Recorded, RecordedError};
pub use replica::{ReplicaAnswer, ReplicaError};
pub use run::{BatchRun, Outcome};
pub use seek::position_before;
pub use store::{Additions, Store, StoreError};
pub use trestle_sequencer::l1::{BlobSource, commitment_of, versioned_hash};
pub use view::BatchView;
