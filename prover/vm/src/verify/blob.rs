//! Where a blob's polynomial is opened.
//!
//! Source: EIP-4844 and the polynomial commitments of the consensus specification.

use alloy_primitives::{U256, uint};

/// Modulus of the BLS12-381 scalar field.
const MODULUS: U256 =
    uint!(0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001_U256);

/// The point at which a blob's polynomial takes element `index`: `w^brp(index)`, with `w` the
/// primitive 4096th root of unity that EIP-4844 uses and `brp` the reversal of 12 bits.
#[must_use]
pub fn brp_root(index: u64) -> U256 {
    let reversed = index.reverse_bits() >> 52;
    // 7 generates the multiplicative group.
    let exponent = MODULUS.wrapping_sub(U256::from(1_u64)).wrapping_shr(12);
    let root = U256::from(7_u64).pow_mod(exponent, MODULUS);
    root.pow_mod(U256::from(reversed), MODULUS)
}
