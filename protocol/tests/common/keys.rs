//! Keys of tries.

use alloy_primitives::{B256, keccak256};
use proptest::prelude::*;

/// Keys that share prefixes of all lengths, so that splits and collapses happen at every depth and
/// nodes near the end of a key are short enough to be inlined.
pub(crate) fn key() -> impl Strategy<Value = B256> {
    let deep = (0_u8..4, 0_usize..64, 0_u8..16).prop_map(|(first, at, nibble)| {
        let mut key = B256::repeat_byte(first);
        let byte = &mut key.0[at / 2];
        *byte = if at % 2 == 0 {
            (*byte & 0x0f) | (nibble << 4)
        } else {
            (*byte & 0xf0) | nibble
        };
        key
    });
    prop_oneof![3 => deep, 1 => (0_u64..40).prop_map(|n| keccak256(n.to_be_bytes()))]
}
