//! The contracts, for Rust: bindings, bytecodes, addresses and the genesis of L2.
//!
//! ```text
//! src/*.sol ── forge ──> artifacts/*.json ──┬─ bindings:   call, deploy, decode events
//!                                           └─ genesis:    code and storage of L2 block 0
//! ```
//! Everything comes from the committed artifacts, so nothing here needs a Solidity compiler. Nothing here
//! talks to a chain by itself.

pub mod bindings;
mod claims;
mod genesis;
pub mod predeploys;
pub mod preinstalls;

pub use claims::root_claim;
pub use genesis::{GenesisAccount, GenesisAlloc, GenesisParams, L1Bridge, genesis_alloc};
