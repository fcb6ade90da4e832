//! The native calls, computed off L1: the software twins of what the L1 verifier asks the EVM for.
//!
//! Called by the interpreter and the witness executor. `ecrecover` has precompile 1's domain, not
//! that of a transaction signature. Spec: `SPEC.md`, "Machine", section "System calls".

use alloy_primitives::{B256, keccak256};
use k256::{
    AffinePoint, ProjectivePoint, Scalar, U256,
    elliptic_curve::{
        PrimeField,
        ops::{LinearCombination, Reduce},
        point::DecompressPoint,
        sec1::ToEncodedPoint,
    },
};

/// Keccak256, as the EVM opcode computes it.
#[must_use]
pub fn keccak(bytes: &[u8]) -> B256 {
    keccak256(bytes)
}

/// Signer of a message hash, with the domain of the EVM precompile at address 1.
///
/// `input` is `hash ‖ v ‖ r ‖ s`, 32 bytes each, big-endian. `v` must be 27 or 28 as a whole word,
/// `0 < r, s < n`; a high `s` is accepted; the hash is reduced modulo `n`. The result is the
/// address, left-padded to 32 bytes, or `None` where the precompile returns nothing.
#[must_use]
pub fn ecrecover(input: &[u8; 128]) -> Option<B256> {
    let [hash, v, r, s] = split(input)?;
    let is_odd = match v.split_last()? {
        (27, zeros) if zeros.iter().all(|byte| *byte == 0) => 0,
        (28, zeros) if zeros.iter().all(|byte| *byte == 0) => 1,
        _ => return None,
    };
    let r_scalar = nonzero(r)?;
    let s_scalar = nonzero(s)?;
    let point = Option::<AffinePoint>::from(AffinePoint::decompress(&r.into(), is_odd.into()))?;
    let z = <Scalar as Reduce<U256>>::reduce_bytes(&hash.into());
    let r_inverse = Option::<Scalar>::from(r_scalar.invert())?;
    let u1 = (r_inverse.multiply(&z)).negate_scalar();
    let u2 = r_inverse.multiply(&s_scalar);
    let key = ProjectivePoint::lincomb(
        &ProjectivePoint::GENERATOR,
        &u1,
        &ProjectivePoint::from(point),
        &u2,
    );
    address_of(&key.to_affine())
}

fn split(input: &[u8; 128]) -> Option<[[u8; 32]; 4]> {
    let (words, _) = input.as_chunks::<32>();
    <[[u8; 32]; 4]>::try_from(words).ok()
}

fn nonzero(bytes: [u8; 32]) -> Option<Scalar> {
    let scalar = Option::<Scalar>::from(Scalar::from_repr(bytes.into()))?;
    if scalar == Scalar::ZERO {
        None
    } else {
        Some(scalar)
    }
}

/// Address of a public key; `None` for the point at infinity.
fn address_of(key: &AffinePoint) -> Option<B256> {
    let encoded = key.to_encoded_point(false);
    let coordinates = encoded.as_bytes().get(1..65)?;
    let mut word = keccak256(coordinates);
    word.0.first_chunk_mut::<12>()?.fill(0);
    Some(word)
}

/// Scalar arithmetic by name: the operators would trip the lint on arithmetic side effects.
trait ScalarArithmetic {
    fn multiply(&self, other: &Self) -> Self;
    fn negate_scalar(&self) -> Self;
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "arithmetic modulo the group order is total"
)]
impl ScalarArithmetic for Scalar {
    fn multiply(&self, other: &Self) -> Self {
        self * other
    }

    fn negate_scalar(&self) -> Self {
        -self
    }
}
