//! Square roots and inverses, by fixed exponents.
//!
//! Both exponents, (p + 1) / 4 and p - 2, begin with 223 ones, so they share most of an addition
//! chain: 253 squarings and 13 multiplications for a root, 255 and 15 for an inverse. The chain is
//! the one of libsecp256k1 (`secp256k1_fe_sqrt`).

use super::field::Fe;

/// What both exponents need: `a^(2^2 - 1)`, `a^(2^22 - 1)` and `a^(2^223 - 1)`.
struct Ones {
    two: Fe,
    twenty_two: Fe,
    most: Fe,
}

/// `a^(2^n)`.
#[target_feature(enable = "avx512f,avx512ifma")]
fn squared(a: Fe, n: usize) -> Fe {
    let mut a = a;
    for _ in 0..n {
        a = a.sqr();
    }
    a
}

/// Powers of `a` to runs of ones, doubled and joined.
#[target_feature(enable = "avx512f,avx512ifma")]
fn ones(a: Fe) -> Ones {
    let x2 = a.sqr().mul(a);
    let x3 = x2.sqr().mul(a);
    let x6 = squared(x3, 3).mul(x3);
    let x9 = squared(x6, 3).mul(x3);
    let x11 = squared(x9, 2).mul(x2);
    let x22 = squared(x11, 11).mul(x11);
    let x44 = squared(x22, 22).mul(x22);
    let x88 = squared(x44, 44).mul(x44);
    let x176 = squared(x88, 88).mul(x88);
    let x220 = squared(x176, 44).mul(x44);
    let x223 = squared(x220, 3).mul(x3);
    Ones {
        two: x2,
        twenty_two: x22,
        most: x223,
    }
}

/// `a^((p + 1) / 4)`: a square root of `a` where there is one.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn root(a: Fe) -> Fe {
    let Ones {
        two,
        twenty_two,
        most,
    } = ones(a);
    let power = squared(most, 23).mul(twenty_two);
    squared(squared(power, 6).mul(two), 2)
}

/// `a^(p - 2)`: the inverse of `a`, and zero for zero.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn inverse(a: Fe) -> Fe {
    let Ones {
        two,
        twenty_two,
        most,
    } = ones(a);
    let power = squared(most, 23).mul(twenty_two);
    let power = squared(power, 5).mul(a);
    let power = squared(power, 3).mul(two);
    squared(power, 2).mul(a)
}
