//! What programs do with a Trestle chain from outside.
//!
//! [`deploy`] makes a chain on L1; [`transfer`] moves assets between the layers, [`operator`] rotates the operator's
//! parameters. Nothing here trusts a node of L2 that
//! is not one's own.

pub mod deploy;
pub mod operator;
pub mod transfer;
pub mod upgrade;
