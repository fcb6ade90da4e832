//! The engine: owns the canonical chain, builds blocks, and follows L1.

mod update;

pub use update::{L1BlockRef, L1Update, SeenBatch};
