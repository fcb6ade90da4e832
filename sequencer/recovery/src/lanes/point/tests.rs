//! Points against the C library's, and what exceptional additions leave behind.

use super::*;
use crate::lanes::{Available, chain};
use secp256k1::{PublicKey, SECP256K1, SecretKey};

/// k·G, or minus it.
fn multiple(k: u64, negative: bool) -> [u8; 64] {
    let mut bytes = [0u8; 32];
    bytes[24..].copy_from_slice(&k.to_be_bytes());
    let key = PublicKey::from_secret_key(SECP256K1, &SecretKey::from_byte_array(bytes).unwrap());
    let key = if negative { key.negate(SECP256K1) } else { key };
    key.serialize_uncompressed()[1..].try_into().unwrap()
}

fn row(point: [u8; 64]) -> Row {
    let word = |i: usize| u64::from_be_bytes(point[8 * i..8 * i + 8].try_into().unwrap());
    Row([
        word(3),
        word(2),
        word(1),
        word(0),
        word(7),
        word(6),
        word(5),
        word(4),
    ])
}

/// k·G in eight lanes, for eight k.
#[target_feature(enable = "avx512f,avx512ifma")]
fn points(k: [u64; 8]) -> (Fe, Fe) {
    rows::read(k.map(|k| row(multiple(k, false))).each_ref())
}

/// The affine points of Jacobian ones.
#[target_feature(enable = "avx512f,avx512ifma")]
fn affine(point: Jacobian) -> [Row; 8] {
    let inverse = chain::inverse(point.z);
    let square = inverse.sqr();
    let y = point.y.mul(square.mul(inverse));
    rows::write(point.x.mul(square).normalized(), y.normalized())
}

const SOME: [u64; 8] = [1, 2, 3, 5, 8, 1 << 40, u64::MAX, 77];

#[target_feature(enable = "avx512f,avx512ifma")]
fn check_doubling_and_addition() {
    let (x, y) = points(SOME);
    let point = Jacobian { x, y, z: Fe::one() };
    let double = point.double();
    let quadruple = double.double();
    assert_eq!(affine(quadruple), SOME.map(|k| row_of_product(k, 4)));
    assert_eq!(
        affine(double.add(x, y, double.z)),
        SOME.map(|k| row_of_product(k, 3))
    );
    assert_eq!(double.add(x, y, double.z).z.zero_lanes(), 0);
}

/// The row of k·times·G, by the C library's additions.
fn row_of_product(k: u64, times: usize) -> Row {
    let mut bytes = [4u8; 65];
    bytes[1..].copy_from_slice(&multiple(k, false));
    let one = PublicKey::from_slice(&bytes).unwrap();
    let sum = (1..times).fold(one, |sum, _| sum.combine(&one).unwrap());
    row(sum.serialize_uncompressed()[1..].try_into().unwrap())
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn check_exceptions() {
    let (x, y) = points(SOME);
    let point = Jacobian { x, y, z: Fe::one() }.double();
    // Lanes: the same point in the even ones, the opposite in some, an unrelated one in the rest.
    let doubles = [2, 4, 6, 10, 16, 1 << 41, 9, 154];
    let rows: [Row; 8] = std::array::from_fn(|i| row(multiple(doubles[i], i % 4 == 1)));
    let (x, y) = rows::read(rows.each_ref());
    let exceptional = 0b1011_1111;
    let mut sum = point.add(x, y, point.z);
    assert_eq!(sum.z.zero_lanes(), exceptional);
    let (x, y) = points([11, 12, 13, 14, 15, 16, 17, 18]);
    for _ in 0..20 {
        sum = sum.double().double();
        sum = sum.add(x, y, sum.z);
        assert_eq!(sum.z.zero_lanes(), exceptional);
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn check_multiples() {
    let (x, y) = points(SOME);
    let table = multiples(x, y);
    for (index, rows) in table.rows.iter().enumerate() {
        let (x, y) = rows::read(rows.each_ref());
        let point = Jacobian {
            x,
            y,
            z: table.scale,
        };
        assert_eq!(
            affine(point),
            SOME.map(|k| row_of_product(k, 2 * index + 1))
        );
    }
}

#[test]
fn doubled_and_added_points_are_those_of_the_library() {
    if Available::detect().is_some() {
        // SAFETY: the features were just detected.
        unsafe { check_doubling_and_addition() }
    }
}

#[test]
fn equal_and_opposite_points_leave_a_zero_that_stays() {
    if Available::detect().is_some() {
        // SAFETY: the features were just detected.
        unsafe { check_exceptions() }
    }
}

#[test]
fn odd_multiples_on_the_shared_scale_are_those_of_the_library() {
    if Available::detect().is_some() {
        // SAFETY: the features were just detected.
        unsafe { check_multiples() }
    }
}
