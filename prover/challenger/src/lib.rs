//! The challenger's side of a dispute: what is true, which moves the truth needs, what they cost, how long they take.
//!
//! [`host`] derives the chain from L1 and runs its batches in the machine; [`image`] is the program that is
//! proven; [`service`] plays on L1, [`exit`] leaves L2 by L1 alone, [`archive`] keeps blobs. The rest is pure: no chain, no clock, no
//! randomness. [`choose_moves`] maps what the contracts show
//! ([`GameView`]), what really happened ([`Truth`]) and what there is to spend ([`Purse`]) to a
//! [`Plan`]. Spec: `SPEC.md`, chapter "Claims and disputes".
//!
//! ```text
//! events, claims() ──> GameView ─┐
//! guest in the machine ─> Truth ─┼─> choose_moves ──> Plan { moves, unaffordable }
//! balance, credit ──────> Purse ─┘
//! ```

pub mod archive;
mod bond;
mod claim;
mod cost;
mod delay;
mod dissection;
pub mod exit;
pub mod health;
pub mod host;
pub mod image;
pub mod service;
mod strategy;
mod truth;
mod view;

pub use bond::{BondTable, bond_at};
pub use claim::{ClaimId, ClaimStatus, Header, Level, Segment};
pub use cost::{CostReport, DisputeCosts, GasSchedule};
pub use delay::{Clocks, DelayBounds};
pub use dissection::{
    ARITY, MACHINE_STEPS, MAX_BATCHES, PointTree, boundary, moves_below, segments,
};
pub use strategy::{ChoiceError, Move, Plan, Purse, choose_moves};
pub use truth::Truth;
pub use view::{ClaimView, GameParams, GameView, Moved, ViewError};
