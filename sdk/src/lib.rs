//! What programs do with a Trestle chain from outside.
//!
//! [`deploy`] makes a chain on L1. Nothing here trusts a node of L2.

pub mod deploy;
