//! What end-to-end tests share: a real L1 client started for one test and killed with it, and a proxy
//! that gives its answers the faults of a bad endpoint.
//!
//! Used by the tests of several crates, as a development dependency only.

mod anvil;
mod proxy;
mod settlement;

pub use anvil::{Anvil, AnvilError, AnvilOptions, DEV_KEYS};
pub use proxy::{Fault, FaultProxy, Rule};
pub use settlement::{InboxHead, Settlement, SettlementOptions};
