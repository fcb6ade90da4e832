//! Half bytes of 32-byte keys. A depth is a number of nibbles from the root, 0 to 64.

use super::Nibbles;
use alloy_primitives::B256;

/// Nibbles of a key.
pub(super) const KEY_NIBBLES: usize = 64;

/// Nibble `at` of `key`, most significant first.
pub(super) fn nibble(key: &B256, at: usize) -> u8 {
    let byte = key.get(at / 2).copied().unwrap_or(0);
    if at.is_multiple_of(2) {
        byte >> 4
    } else {
        byte & 0x0f
    }
}

/// Sets nibble `at` of `key` to the low half of `value`.
pub(super) fn set_nibble(key: &mut B256, at: usize, value: u8) {
    if let Some(byte) = key.get_mut(at / 2) {
        *byte = if at.is_multiple_of(2) {
            (*byte & 0x0f) | (value << 4)
        } else {
            (*byte & 0xf0) | (value & 0x0f)
        };
    }
}

/// Number of leading nibbles that two keys share.
pub(super) fn common(a: &B256, b: &B256) -> usize {
    for (index, (x, y)) in a.iter().zip(b.iter()).enumerate() {
        let difference = x ^ y;
        if difference != 0 {
            return index
                .saturating_mul(2)
                .saturating_add(usize::from(difference < 16));
        }
    }
    KEY_NIBBLES
}

/// The path made of the first `depth` nibbles of `key`.
pub(super) fn path(key: &B256, depth: usize) -> Nibbles {
    let mut path = Nibbles::unpack_array(&key.0);
    path.truncate(depth.min(KEY_NIBBLES));
    path
}
