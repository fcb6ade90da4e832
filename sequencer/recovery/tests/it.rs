//! Recovery through the public functions: the lanes, the C library, and the same answers.
//!
//! Where the processor has no lanes, both methods are the C library; what these tests then show is
//! only that it answers, and the tests of the lanes say so.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use alloy_primitives::{U256, uint};
use rand::{Rng, SeedableRng, rngs::StdRng};
use secp256k1::ecdsa::RecoverableSignature;
use secp256k1::{Message, SECP256K1, SecretKey};
use trestle_recovery::{Method, Signature, recover, recover_by};

const ORDER: U256 = uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256);
const PRIME: U256 = uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F_U256);
const LAMBDA: U256 = uint!(0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72_U256);

/// A number of a signature, random modulo n and not zero.
fn scalar(rng: &mut StdRng) -> U256 {
    U256::from_limbs(rng.random()) % (ORDER - U256::ONE) + U256::ONE
}

/// A signature of bytes that mean nothing: every other r is an x-coordinate.
fn noise(rng: &mut StdRng) -> Signature {
    Signature {
        hash: rng.random(),
        r: rng.random(),
        s: rng.random(),
        odd: rng.random(),
    }
}

/// A true signature.
fn signed(rng: &mut StdRng) -> Signature {
    let key = SecretKey::from_byte_array(scalar(rng).to_be_bytes()).unwrap();
    let hash = rng.random();
    let signature: RecoverableSignature =
        SECP256K1.sign_ecdsa_recoverable(Message::from_digest(hash), &key);
    let (id, bytes) = signature.serialize_compact();
    let (r, s) = bytes.split_at(32);
    let odd = i32::from(id) & 1 == 1;
    Signature {
        hash,
        r: r.try_into().unwrap(),
        s: s.try_into().unwrap(),
        odd,
    }
}

/// The signature with one bit changed.
fn tampered(rng: &mut StdRng, signature: Signature) -> Signature {
    let mut changed = signature;
    let (byte, bit) = (rng.random_range(0..32), 1 << rng.random_range(0..8));
    match rng.random_range(0..4) {
        0 => changed.hash[byte] ^= bit,
        1 => changed.r[byte] ^= bit,
        2 => changed.s[byte] ^= bit,
        _ => changed.odd = !changed.odd,
    }
    changed
}

/// The x-coordinate of k·G and whether its y is odd.
fn point(k: U256) -> (U256, bool) {
    let key = SecretKey::from_byte_array(k.to_be_bytes())
        .unwrap()
        .public_key(SECP256K1);
    let bytes = key.serialize_uncompressed();
    (U256::from_be_slice(&bytes[1..33]), bytes[64] & 1 == 1)
}

fn signature(hash: U256, r: U256, s: U256, odd: bool) -> Signature {
    Signature {
        hash: hash.to_be_bytes(),
        r: r.to_be_bytes(),
        s: s.to_be_bytes(),
        odd,
    }
}

/// How many have a signer, after both methods agreed on each.
fn agreed(batch: &[Signature]) -> usize {
    let lanes = recover_by(Method::Lanes, batch);
    let library = recover_by(Method::Library, batch);
    assert_eq!((lanes.len(), library.len()), (batch.len(), batch.len()));
    for ((lanes, library), signature) in lanes.iter().zip(&library).zip(batch) {
        assert_eq!(lanes, library, "{signature:?}");
    }
    library.iter().flatten().count()
}

#[test]
fn random_true_and_tampered_signatures_are_recovered_alike() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut batch = Vec::new();
    for _ in 0..7_000 {
        let one = signed(&mut rng);
        batch.extend([one, tampered(&mut rng, one), noise(&mut rng)]);
    }
    let signers = agreed(&batch);
    assert!(
        (14_000..19_000).contains(&signers),
        "{signers} of {} have a signer",
        batch.len()
    );
}

#[test]
fn true_signature_is_recovered_to_its_address() {
    // EIP-155's example: its hash, signature and sender.
    let number = |n: U256| n.to_be_bytes::<32>();
    let example = Signature {
        hash: number(uint!(
            0xDAF5A779AE972F972197303D7B574746C7EF83EADAC0F2791AD23DB92E4C8E53_U256
        )),
        r: number(uint!(
            0x28EF61340BD939BC2195FE537567866003E1A15D3C71FF63E1590620AA636276_U256
        )),
        s: number(uint!(
            0x67CBE9D8997F761AECB703304B3800CCF555C9F3DC64214B297FB1966A3B6D83_U256
        )),
        odd: false,
    };
    let sender = uint!(0x9D8A62F656A8D1615C1294FD71E9CFB3E4855A4F_U160).to_be_bytes::<20>();
    assert_eq!(recover(&[example; 11]), [Some(sender); 11]);
    assert_eq!(recover_by(Method::Library, &[example]), [Some(sender)]);
}

#[test]
fn batch_of_every_length_keeps_the_order() {
    let mut rng = StdRng::seed_from_u64(2);
    for length in 0..=40 {
        let batch: Vec<_> = (0..length)
            .map(|_| {
                if rng.random_ratio(1, 3) {
                    noise(&mut rng)
                } else {
                    signed(&mut rng)
                }
            })
            .collect();
        agreed(&batch);
    }
    for length in [255, 256, 257, 263, 264, 265, 513] {
        let batch: Vec<_> = (0..length).map(|_| noise(&mut rng)).collect();
        agreed(&batch);
    }
}

/// Numbers at every edge of the ranges.
fn edges() -> Vec<U256> {
    let half = ORDER >> 1;
    let near = [
        U256::ONE,
        half,
        ORDER,
        PRIME,
        LAMBDA,
        ORDER - LAMBDA,
        PRIME - ORDER,
    ];
    let around = |n: U256| [n - U256::ONE, n, n + U256::ONE];
    let mut all: Vec<_> = near.into_iter().flat_map(around).collect();
    all.extend([
        U256::MAX,
        U256::MAX - U256::ONE,
        U256::from(3),
        U256::ONE << 128,
        U256::ONE << 255,
    ]);
    all
}

#[test]
fn numbers_at_every_edge_are_recovered_alike() {
    let mut nonces = edges();
    for k in
        (1..34)
            .map(U256::from)
            .chain([LAMBDA, LAMBDA.mul_mod(LAMBDA, ORDER), ORDER - U256::ONE])
    {
        nonces.push(point(k).0);
    }
    let mut batch = Vec::new();
    for r in &nonces {
        for s in edges() {
            for hash in edges().into_iter().step_by(2) {
                batch.push(signature(hash, *r, s, batch.len() % 3 == 1));
            }
        }
    }
    assert!(agreed(&batch) > batch.len() / 4);
}

#[test]
fn r_that_is_no_x_coordinate_has_no_signer() {
    // 5³ + 7 is no square modulo p.
    let none = signature(U256::from(9), U256::from(5), U256::from(9), false);
    let one = signature(U256::from(9), U256::from(1), U256::from(9), false);
    let batch = [none, one, none, none, one, none, one, one, none];
    assert_eq!(agreed(&batch), 4);
    assert_eq!(recover(&[none; 8]), [None; 8]);
}

#[test]
fn key_at_infinity_has_no_signer() {
    let mut rng = StdRng::seed_from_u64(3);
    let mut batch = Vec::new();
    let turned = LAMBDA.mul_mod(LAMBDA, ORDER);
    let mut nonces = vec![U256::ONE, LAMBDA, turned];
    nonces.extend((2..40).map(U256::from));
    nonces.extend((0..60).map(|_| scalar(&mut rng)));
    for k in nonces {
        for k in [k, ORDER - k] {
            let (r, odd) = point(k);
            let s = scalar(&mut rng);
            batch.push(signature(s.mul_mod(k, ORDER), r, s, odd));
        }
    }
    assert_eq!(agreed(&batch), 0);
    // One among seven that have a signer harms none of them.
    let mut mixed: Vec<_> = (0..8).map(|_| signed(&mut rng)).collect();
    mixed[3] = batch[7];
    assert_eq!(agreed(&mixed), 7);
}

#[test]
fn nonces_that_collide_with_the_tables_are_recovered_alike() {
    let mut rng = StdRng::seed_from_u64(4);
    let mut batch = Vec::new();
    let turned = LAMBDA.mul_mod(LAMBDA, ORDER);
    for k in 1..64u64 {
        for by in [U256::ONE, LAMBDA, turned] {
            let k = U256::from(k).mul_mod(by, ORDER);
            let (r, odd) = point(k);
            for j in 0..6u64 {
                // u1 and u2 small multiples of one another, or of one another turned.
                let s = if j < 3 {
                    scalar(&mut rng)
                } else {
                    U256::from(j).mul_mod(r, ORDER)
                };
                let hash = s.mul_mod(U256::from(j + 1), ORDER).mul_mod(by, ORDER);
                batch.push(signature(hash, r, s, odd));
                batch.push(signature(ORDER - hash, r, s, !odd));
                batch.push(signature(U256::from(j).mul_mod(r, ORDER), r, s, odd));
            }
        }
    }
    assert!(agreed(&batch) > batch.len() / 2);
}
