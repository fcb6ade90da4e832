//! Proposes output roots on L1, and sees its games through: resolve, claim the bond, move the anchor.
//!
//! ```text
//! engine ─► store (derived, final batches) ─► ProposalSource ─► Proposer ─► L1Sender ─► factory, games
//!                                              L1 (eth_call) ──────┘
//! ```
//! What it proposes was derived by this node from an L1 block that is final, so that nothing but a fault
//! of the node can make it lose a bond. It keeps nothing over a restart: which games are its own, and what
//! they have come to, L1 says. Spec: `SPEC.md`, chapter "Claims and disputes".

mod error;
mod games;
mod source;
mod task;

pub use error::ProposerError;
pub use source::{ProposalSource, Provable, StoreProposals};
pub use task::{Proposer, ProposerConfig, ProposerStatus};
