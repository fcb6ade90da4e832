//! The methods, by subject. Each function takes the context and its parameters and gives a value
//! that serialises to the result.

pub(super) mod blocks;
pub(super) mod calls;
pub(super) mod debug;
pub(super) mod fees;
pub(super) mod logs;
pub(super) mod node;
pub(super) mod otterscan;
pub(super) mod preimages;
pub(super) mod profile;
pub(super) mod proofs;
pub(super) mod raw;
pub(super) mod registry;
pub(super) mod simulate;
pub(super) mod stages;
pub(super) mod state;
pub(super) mod submit;
pub(super) mod traces;
pub(super) mod transactions;
pub(super) mod trestle;
pub(super) mod txpool;
