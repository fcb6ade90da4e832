//! ECDSA signatures for test vectors, by textbook arithmetic.

use alloy_primitives::{B256, U256};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{PrimeField, ops::Reduce, sec1::ToEncodedPoint},
};

/// Signs a hash with the private key 1 and a fixed nonce; returns `hash, v, r, s` as words.
#[must_use]
pub fn sign(hash: &B256) -> [B256; 4] {
    sign_with(hash, Scalar::ONE, Scalar::from(0x1234_5678_9abc_u64))
}

/// Signs a hash with key and nonce drawn from a seed.
#[must_use]
pub fn sign_seeded(hash: &B256, seed: u64) -> [B256; 4] {
    sign_with(
        hash,
        scalar(&alloy_primitives::keccak256(seed.to_be_bytes())),
        Scalar::from(seed | 1),
    )
}

fn sign_with(hash: &B256, key: Scalar, nonce: Scalar) -> [B256; 4] {
    let point = (ProjectivePoint::GENERATOR * nonce)
        .to_affine()
        .to_encoded_point(false);
    let x = point
        .x()
        .map_or(B256::ZERO, |x| B256::from(<[u8; 32]>::from(*x)));
    let is_odd = point
        .y()
        .and_then(|y| y.last())
        .is_some_and(|byte| byte & 1 == 1);
    let r = scalar(&x);
    let inverse = Option::<Scalar>::from(nonce.invert()).unwrap_or(Scalar::ONE);
    let s = inverse * (scalar(hash) + r * key);
    let v = B256::from(U256::from(27 + u8::from(is_odd)));
    [*hash, v, word(&r), word(&s)]
}

/// The group order less `s`: the other signature of the same message.
#[must_use]
pub fn negate(s: &B256) -> B256 {
    word(&-scalar(s))
}

fn scalar(word: &B256) -> Scalar {
    <Scalar as Reduce<k256::U256>>::reduce_bytes(&word.0.into())
}

fn word(scalar: &Scalar) -> B256 {
    B256::from(<[u8; 32]>::from(scalar.to_repr()))
}
