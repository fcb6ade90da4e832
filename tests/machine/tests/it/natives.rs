//! The native calls against precompile 1 and the keccak opcode's standard.

use alloy_primitives::{B256, U256, hex, keccak256};
use trestle_machine_tests::{Random, negate, sign_seeded};

/// Precompile 1 as L1 clients have it: libsecp256k1 behind revm.
fn precompile(input: &[u8; 128]) -> Option<B256> {
    let output = revm::precompile::secp256k1::ec_recover_run(input, 3000).expect("enough gas");
    if output.bytes.is_empty() {
        None
    } else {
        Some(B256::from_slice(&output.bytes))
    }
}

fn agree(words: [B256; 4], what: &str) -> bool {
    let mut input = [0; 128];
    for (slot, word) in input.chunks_exact_mut(32).zip(words) {
        slot.copy_from_slice(word.as_slice());
    }
    let ours = trestle_vm::ecrecover(&input);
    assert_eq!(ours, precompile(&input), "{what}: {}", hex::encode(input));
    ours.is_some()
}

fn word(value: U256) -> B256 {
    B256::from(value)
}

const N: U256 = U256::from_be_bytes(hex!(
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
));
const P: U256 = U256::from_be_bytes(hex!(
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"
));

#[test]
fn rule_35_recovery_equals_the_precompile_on_valid_and_high_s_signatures() {
    for seed in 0..150 {
        let hash = keccak256(seed.to_string());
        let [hash, v, r, s] = sign_seeded(&hash, seed);
        assert!(agree([hash, v, r, s], "as signed"));
        let other = word(U256::from(55) - U256::from_be_bytes(v.0));
        assert!(agree(
            [hash, other, r, negate(&s)],
            "the other s, high or low"
        ));
        agree([hash, other, r, s], "the other v");
    }
}

#[test]
fn rule_35_recovery_equals_the_precompile_for_every_v() {
    let [hash, _, r, s] = sign_seeded(&keccak256("v"), 3);
    let mut found = 0;
    for v in 0..=256_u64 {
        found += u32::from(agree([hash, word(U256::from(v)), r, s], "v"));
    }
    assert_eq!(found, 2);
    for byte in 0..31 {
        let mut v = B256::with_last_byte(27);
        v.0[byte] = 1;
        assert!(!agree([hash, v, r, s], "a byte above v"));
    }
}

#[test]
fn rule_35_recovery_equals_the_precompile_at_the_edges_of_r_s_and_hash() {
    let one = U256::from(1);
    let edges = [
        U256::ZERO,
        one,
        U256::from(2),
        U256::from(5),
        N / U256::from(2),
        N / U256::from(2) + one,
        N - one,
        N,
        N + one,
        P - N - one,
        P - N,
        P - N + one,
        P - one,
        P,
        U256::MAX,
    ];
    let [_, _, good_r, good_s] = sign_seeded(&keccak256("edges"), 5);
    let mut found = 0;
    for a in edges.map(word).into_iter().chain([good_r]) {
        for b in edges.map(word).into_iter().chain([good_s]) {
            for hash in [U256::ZERO, one, N - one, N, N + one, U256::MAX].map(word) {
                for v in [27_u64, 28] {
                    found += u32::from(agree([hash, word(U256::from(v)), a, b], "edge"));
                }
            }
        }
    }
    assert!(found > 100, "only {found} edges have a signer");
}

/// `s R = z G` makes the key the point at infinity: no signer.
#[test]
fn rule_35_the_point_at_infinity_is_no_signer() {
    // R = G, s = z.
    let x = B256::from(hex!(
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    ));
    let z = keccak256("infinity");
    let z = word(U256::from_be_bytes(z.0) % N);
    assert!(!agree([z, B256::with_last_byte(27), x, z], "infinity"));
    assert!(agree(
        [z, B256::with_last_byte(28), x, z],
        "minus two z over r"
    ));
}

#[test]
fn rule_35_recovery_equals_the_precompile_on_random_words() {
    let random = &mut Random::new(11);
    for _ in 0..300 {
        let mut any = || {
            let words = [random.next(), random.next(), random.next(), random.next()];
            B256::from(U256::from_limbs(words))
        };
        let (hash, r, s) = (any(), any(), any());
        agree([hash, B256::with_last_byte(27), r, s], "random");
    }
}

/// Bit by bit from FIPS 202, sharing nothing with the library.
fn slow_keccak(bytes: &[u8]) -> [u8; 32] {
    let mut lanes = [[0_u64; 5]; 5];
    let mut padded = bytes.to_vec();
    padded.push(1);
    padded.resize(padded.len().next_multiple_of(136), 0);
    *padded.last_mut().expect("not empty") |= 0x80;
    for block in padded.chunks(136) {
        for (k, lane) in block.chunks(8).enumerate() {
            lanes[k % 5][k / 5] ^= u64::from_le_bytes(lane.try_into().expect("8 bytes"));
        }
        permute(&mut lanes);
    }
    let mut out = [0; 32];
    for (k, slot) in out.chunks_mut(8).enumerate() {
        slot.copy_from_slice(&lanes[k][0].to_le_bytes());
    }
    out
}

fn permute(a: &mut [[u64; 5]; 5]) {
    let mut lfsr = 1_u8;
    for _ in 0..24 {
        let c: Vec<u64> = (0..5)
            .map(|x| a[x].iter().fold(0, |sum, lane| sum ^ lane))
            .collect();
        for x in 0..5 {
            let d = c[(x + 4) % 5] ^ c[(x + 1) % 5].rotate_left(1);
            a[x].iter_mut().for_each(|lane| *lane ^= d);
        }
        let (mut x, mut y, mut moving) = (1, 0, a[1][0]);
        for t in 0..24_u32 {
            (x, y) = (y, (2 * x + 3 * y) % 5);
            moving =
                std::mem::replace(&mut a[x][y], moving.rotate_left((t + 1) * (t + 2) / 2 % 64));
        }
        let before = *a;
        for (x, column) in a.iter_mut().enumerate() {
            for (y, lane) in column.iter_mut().enumerate() {
                *lane ^= !before[(x + 1) % 5][y] & before[(x + 2) % 5][y];
            }
        }
        for j in 0..7_u32 {
            if lfsr & 1 == 1 {
                a[0][0] ^= 1 << ((1 << j) - 1);
            }
            lfsr = lfsr << 1 ^ if lfsr & 0x80 == 0 { 0 } else { 0x71 };
        }
    }
}

#[test]
fn keccak_equals_the_standard_at_every_length_of_a_page() {
    let bytes: Vec<u8> = (0..4096_u32).map(|k| (k * k % 253) as u8).collect();
    for len in (0..300).chain((300..=4096).step_by(61)).chain([4095, 4096]) {
        assert_eq!(
            trestle_vm::keccak(&bytes[..len]).0,
            slow_keccak(&bytes[..len]),
            "{len} bytes"
        );
    }
}
