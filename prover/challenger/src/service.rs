//! `trestle challenger`: watches every game, verifies every claim by its own derivation, and plays.
//!
//! ```text
//! L1 events ─► Watcher ─► GameView ─┐
//! L1 log ─► L1Log ─► Oracle ─ Truth ┼─► choose_moves ─► L1Sender ─► games
//!                 (machine by need) │
//! balance ─► Purse ─────────────────┘
//! ```
//! While all claims are true the machine never runs, unless it is told to check every proposed batch; where it runs
//! it is the judge. Nothing is kept that L1 does not say again, so a restart, a
//! crash or a reorg only makes it look anew; moves are named by their content, so a move that is sent twice is made
//! once. It trusts no node of L2, and of its L1 endpoint only which block is the newest and what contracts have stored
//! there: logs, transactions and headers that do not fit that are an error, and no move follows from them.
//! Spec: `SPEC.md`, chapter "Claims and disputes", section "Strategy of the truth".

mod calls;
mod content;
mod error;
mod head;
mod images;
mod kinds;
mod lie;
mod oracle;
mod propose;
mod report;
mod sync;
mod task;
mod verdicts;
mod watch;

pub use error::ServiceError;
pub use head::L1Head;
pub use images::{Images, Rules};
pub use kinds::{StepKind, find_step};
pub use lie::{Lie, Player, Side};
pub use oracle::Oracle;
pub use propose::{FalseRoot, Place, propose_root, root_over};
pub use report::{Counts, GameReport};
pub use sync::Sync;
pub use task::{Mode, Service, ServiceConfig, ServiceStatus};
pub use watch::{WatchedGame, Watcher};
