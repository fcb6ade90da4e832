//! What end-to-end tests share: a real L1 client started for one test and killed with it, a proxy
//! that gives its answers the faults of a bad endpoint, and the judge of what a node answers.
//!
//! Used by the tests of several crates, as a development dependency only.

mod anvil;
mod blob;
mod cable;
mod proxy;
mod schema;
mod settlement;

pub use anvil::{Anvil, AnvilError, AnvilOptions, DEV_KEYS};
pub use blob::TestBlob;
pub use cable::Cable;
pub use proxy::{Fault, FaultProxy, Rule, Verdict};
pub use schema::{Held, Judge, SchemaError};
pub use settlement::{InboxHead, Settlement, SettlementOptions};
