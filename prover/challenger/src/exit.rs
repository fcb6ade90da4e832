//! The way out that needs nobody: no node of L2, no service, nobody's proposal. Behind `trestle exit`.
//!
//! ```text
//! L1 ── log ──> L1Truth: state, withdrawals, output roots ─┐
//!                                                          ├─ Exit::initiate: by the queue, forced in when overdue
//! account on L1 ───────────────────────────────────────────┤
//!                                                          └─ Exit::settle: propose, prove, wait, finalise, take the bond
//! ```
//! What is underway is on L1, and what was derived in a folder; it can be stopped anywhere and goes on from there.

mod error;
mod found;
mod leave;
mod truth;

pub use error::ExitError;
pub use leave::{Exit, Stage};
pub use truth::{L1Truth, Place};
