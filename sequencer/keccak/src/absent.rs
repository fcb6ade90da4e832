//! The lanes of a processor that has none.

use alloy_primitives::B256;

/// No value of this type exists.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Available {}

impl Available {
    /// Nothing.
    pub(crate) fn detect() -> Option<Self> {
        None
    }
}

/// Never called.
pub(crate) fn keccak256_many(available: Available, _: &[&[u8]]) -> Vec<B256> {
    match available {}
}
