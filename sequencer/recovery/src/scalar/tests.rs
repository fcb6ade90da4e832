//! The halves and the factors, against their definitions.

use super::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// λ: λ·(x, y) = (β·x, y).
const LAMBDA: U256 = uint!(0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72_U256);

/// The number that digits stand for, modulo n, after a look at their form.
fn value(digits: Digits, window: usize) -> U256 {
    assert_eq!(digits[2] >> 2, 0, "more than 130 bits");
    let e = U256::from_limbs([digits[0], digits[1], digits[2], 0]);
    let base = U256::ONE << window;
    let mut sum = U256::ZERO;
    for at in (0..130 / window).rev() {
        let window_bits = (e >> (at * window)) & (base - U256::ONE);
        let plus = (window_bits << 1usize).add_mod(U256::ONE, ORDER);
        sum = sum
            .mul_mod(base, ORDER)
            .add_mod(plus, ORDER)
            .add_mod(ORDER - base, ORDER);
    }
    sum
}

fn scalars() -> Vec<U256> {
    let mut rng = StdRng::seed_from_u64(2);
    let near = [
        U256::ZERO,
        U256::ONE,
        U256::from(2),
        LAMBDA,
        ORDER >> 1,
        ORDER - LAMBDA,
    ];
    let mut all: Vec<_> = near
        .into_iter()
        .flat_map(|n| [n, n + U256::ONE, (n + ORDER - U256::ONE) % ORDER])
        .collect();
    all.extend((0..256).map(|bit| (U256::ONE << bit) % ORDER));
    all.extend((0..20_000).map(|_| U256::from_limbs(rng.random()) % ORDER));
    all
}

#[test]
fn halves_of_any_scalar_are_odd_short_and_sum_to_it() {
    for k in scalars() {
        let [k1, k2] = halves(k);
        for window in [5, 10] {
            let sum = value(k1, window).add_mod(value(k2, window).mul_mod(LAMBDA, ORDER), ORDER);
            assert_eq!(sum, k, "window of {window} bits");
        }
    }
}

#[test]
fn half_at_its_bound_keeps_its_digits_within_130_bits() {
    let most = (Half::ONE << 130usize) - Half::ONE;
    assert_eq!(digits(most), [u64::MAX, u64::MAX, 3]);
    assert_eq!(digits(most.wrapping_neg()), [0, 0, 0]);
}

#[test]
fn factors_times_r_give_s_and_minus_the_hash() {
    let mut rng = StdRng::seed_from_u64(3);
    let batch: Vec<_> = (0..300)
        .map(|i| Signature {
            hash: if i % 7 == 0 {
                [0; 32]
            } else if i % 5 == 0 {
                [0xFF; 32]
            } else {
                rng.random()
            },
            r: if i % 3 == 0 { [0; 32] } else { rng.random() },
            s: rng.random(),
            odd: rng.random(),
        })
        .collect();
    let prepared = prepare(&batch);
    assert_eq!(prepared.len(), 200);
    for (index, prepared) in prepared {
        let signature = &batch[index];
        let [a, b, c, d] = prepared.digits.map(|digits| value(digits, 5));
        let u2 = a.add_mod(b.mul_mod(LAMBDA, ORDER), ORDER);
        let u1 = c.add_mod(d.mul_mod(LAMBDA, ORDER), ORDER);
        let r = U256::from_limbs(prepared.r);
        assert_eq!(r, U256::from_be_bytes(signature.r));
        assert_eq!(u2.mul_mod(r, ORDER), U256::from_be_bytes(signature.s));
        let z = U256::from_be_bytes(signature.hash) % ORDER;
        assert_eq!(u1.mul_mod(r, ORDER).add_mod(z, ORDER), U256::ZERO);
    }
}
