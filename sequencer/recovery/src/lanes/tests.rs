//! What the lanes answer by themselves, before the C library is asked.

use super::*;
use crate::Method;
use alloy_primitives::{U256, uint};
use rand::{Rng, SeedableRng, rngs::StdRng};
use secp256k1::{SECP256K1, SecretKey};

const ORDER: U256 = uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256);

/// A signature whose R is k·G.
fn with_nonce(k: U256, hash: U256, s: U256) -> Signature {
    let key = SecretKey::from_byte_array(k.to_be_bytes())
        .unwrap()
        .public_key(SECP256K1);
    let bytes = key.serialize_uncompressed();
    let r = bytes[1..33].try_into().unwrap();
    Signature {
        hash: hash.to_be_bytes(),
        r,
        s: s.to_be_bytes(),
        odd: bytes[64] & 1 == 1,
    }
}

#[test]
fn random_signatures_never_need_the_library() {
    let Some(available) = Available::detect() else {
        assert_eq!(Method::fastest(), Method::Library);
        eprintln!("not run: the processor has no AVX-512 IFMA");
        return;
    };
    assert_eq!(Method::fastest(), Method::Lanes);
    let mut rng = StdRng::seed_from_u64(8);
    let batch: Vec<_> = (0..4096)
        .map(|_| {
            let odd = rng.random();
            Signature {
                hash: rng.random(),
                r: rng.random(),
                s: rng.random(),
                odd,
            }
        })
        .collect();
    let outcomes = outcomes(available, &batch);
    let mut signers = 0;
    for (outcome, signature) in outcomes.into_iter().zip(&batch) {
        signers += usize::from(matches!(outcome, Outcome::Signer(_)));
        let expected = library::recover(signature).map_or(Outcome::Nobody, Outcome::Signer);
        assert_eq!(outcome, expected, "{signature:?}");
    }
    assert!(
        (1800..2300).contains(&signers),
        "{signers} of 4096 have a signer"
    );
}

#[test]
fn exceptional_sums_are_left_to_the_library() {
    let Some(available) = Available::detect() else {
        return;
    };
    let mut rng = StdRng::seed_from_u64(9);
    let mut batch = Vec::new();
    for _ in 0..64 {
        // Q = (s·R - z·G) / r at infinity: s·k = z.
        let (k, s) = (
            U256::from_limbs(rng.random()) % ORDER,
            U256::from_limbs(rng.random()) % ORDER,
        );
        batch.push(with_nonce(k, k.mul_mod(s, ORDER), s));
    }
    let outcomes = outcomes(available, &batch);
    assert_eq!(outcomes, vec![Outcome::Unsure; 64]);
    assert_eq!(recover(available, &batch), vec![None; 64]);
}

#[test]
fn last_signature_alone_is_left_to_the_library_and_two_are_not() {
    let Some(available) = Available::detect() else {
        return;
    };
    let signed = with_nonce(U256::from(12_345), U256::from(6), U256::from(7));
    let expected = Outcome::Signer(library::recover(&signed).unwrap());
    for length in [1, 2, 8, 9, 10, 257, 258] {
        let outcomes = outcomes(available, &vec![signed; length]);
        let alone = usize::from(length % 8 == 1);
        let unsure = outcomes.iter().filter(|o| **o == Outcome::Unsure).count();
        assert_eq!((outcomes.len(), unsure), (length, alone));
        assert!(
            outcomes
                .iter()
                .take(length - alone)
                .all(|outcome| *outcome == expected)
        );
    }
}
