//! What programs do with a Trestle chain from outside.
//!
//! [`deploy`] makes a chain on L1; [`transfer`] moves assets between the layers. Nothing here trusts a node of L2 that
//! is not one's own.

pub mod deploy;
pub mod transfer;
pub mod upgrade;
