//! Every operation against integers, on values that carry, fold and wrap.

use super::*;
use crate::lanes::{Available, chain, rows};
use alloy_primitives::{Uint, uint};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Room for limbs that are not carried.
type Big = Uint<640, 10>;

const PRIME: U256 = uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F_U256);

/// Calls a function of the feature, where there is one.
macro_rules! on_lanes {
    ($body:expr) => {{
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn body() {
            $body();
        }
        if Available::detect().is_some() {
            // SAFETY: the features were just detected.
            unsafe { body() }
        } else {
            eprintln!("not run: the processor has no AVX-512 IFMA");
        }
    }};
}

fn big(n: U256) -> Big {
    Big::from(n)
}

fn modulo(n: Big) -> U256 {
    U256::from(n % big(PRIME))
}

/// The eight integers that limbs stand for.
#[target_feature(enable = "avx512f,avx512ifma")]
fn integers(limbs: &[__m512i]) -> [Big; 8] {
    let mut sums = [Big::ZERO; 8];
    for (index, limb) in limbs.iter().enumerate() {
        for (sum, word) in sums.iter_mut().zip(rows::store(*limb)) {
            *sum += Big::from(word) << (52 * index);
        }
    }
    sums
}

/// Eight elements of five limbs below 2^52.
#[target_feature(enable = "avx512f,avx512ifma")]
fn elements(values: [[u64; 5]; 8]) -> Fe {
    let limb = |i: usize| rows::load(&values.map(|value| value[i]));
    Fe([limb(0), limb(1), limb(2), limb(3), limb(4)])
}

fn cut(n: Big) -> [u64; 5] {
    let mask = Big::from((1u64 << 52) - 1);
    assert_eq!(n >> 260usize, Big::ZERO);
    [0, 1, 2, 3, 4].map(|i| u64::try_from((n >> (52usize * i)) & mask).unwrap())
}

/// Values below 2^256 (magnitude 1), then values of higher magnitudes up to 2^260 - 1.
fn values(rng: &mut StdRng, tall: bool) -> Vec<[u64; 5]> {
    let p = big(PRIME);
    let one = Big::from(1);
    let two = Big::from(2);
    let fold = Big::from(FOLD.unsigned_abs());
    let end = one << 256usize;
    let mut all = vec![
        Big::ZERO,
        one,
        two,
        Big::from(7),
        fold,
        p - one,
        p,
        p + one,
        p + two,
    ];
    all.extend([
        end - one,
        p - fold,
        p >> 1usize,
        (p >> 1usize) + one,
        one << 255usize,
    ]);
    all.extend(
        (0..5)
            .map(|i| (one << (52usize * i)) - one)
            .filter(|n| !n.is_zero()),
    );
    all.extend([52usize, 104, 156, 208].map(|bit| one << bit));
    if tall {
        all.extend([
            end,
            p * two,
            p * Big::from(15),
            (one << 260usize) - one,
            end + fold,
        ]);
    }
    let width = if tall { 52 } else { 48 };
    let mut random =
        || std::array::from_fn(|i| rng.random::<u64>() >> if i == 4 { 64 - width } else { 12 });
    let mut all: Vec<_> = all.into_iter().map(cut).collect();
    all.extend(std::iter::repeat_with(&mut random).take(64));
    while !all.len().is_multiple_of(8) {
        all.push(random());
    }
    all
}

/// Eight values, as limbs.
type Eight = [[u64; 5]; 8];

/// All pairs, by eights: each eight with each rotation of each other eight.
fn pairs(tall: bool) -> Vec<(Eight, Eight)> {
    let mut rng = StdRng::seed_from_u64(4);
    let all = values(&mut rng, tall);
    let eights: Vec<Eight> = all.chunks_exact(8).map(|c| c.try_into().unwrap()).collect();
    let mut pairs = Vec::new();
    for a in &eights {
        for b in &eights {
            for turn in 0..8 {
                let mut b = *b;
                b.rotate_left(turn);
                pairs.push((*a, b));
            }
        }
    }
    pairs
}

/// The elements are these numbers modulo p, carried, and of magnitude 1.
#[target_feature(enable = "avx512f,avx512ifma")]
fn assert_reduced(got: Fe, expected: [Big; 8]) {
    for (got, expected) in integers(&got.0).into_iter().zip(expected) {
        assert!(got >> 214usize <= (Big::from(1) << 42usize), "magnitude");
        assert_eq!(modulo(got), modulo(expected));
    }
    for limb in got.0 {
        assert!(
            rows::store(limb).into_iter().all(|word| word >> 52 == 0),
            "not carried"
        );
    }
}

#[test]
fn products_and_squares_of_any_magnitude_equal_integers() {
    on_lanes!(|| for (a, b) in pairs(true) {
        let (a, b) = (elements(a), elements(b));
        let (x, y) = (integers(&a.0), integers(&b.0));
        assert_reduced(a.mul(b), std::array::from_fn(|i| x[i] * y[i]));
        assert_reduced(a.sqr(), x.map(|x| x * x));
        assert_eq!(
            integers(&a.wide_mul(b).0),
            std::array::from_fn(|i| x[i] * y[i])
        );
        assert_eq!(integers(&a.wide_sqr().0), x.map(|x| x * x));
    });
}

#[test]
fn fused_sums_of_products_equal_integers() {
    on_lanes!(|| for (a, b) in pairs(false) {
        let (a, b) = (elements(a), elements(b));
        let (x, y) = (integers(&a.0), integers(&b.0));
        let p = big(PRIME);
        let sum = Sum::zero().minus::<3>(a).minus::<1>(b);
        let got = a.wide_mul(b).plus_mul(b, b).plus(sum).reduce();
        let eight = Big::from(8);
        let two = Big::from(2);
        let expected = std::array::from_fn(|i| {
            x[i] * y[i] + y[i] * y[i] + (p * two - x[i]) * eight + (p * two - y[i]) * two
        });
        assert_reduced(got, expected);
    });
}

#[test]
fn largest_sum_of_products_fits_its_columns() {
    on_lanes!(|| {
        // Magnitude 15 by 15 is 225 of 256; the rest by a second product of 15 by 2.
        let tall = Big::from(15) << 256usize;
        let a = elements([cut(tall - Big::from(1)); 8]);
        let b = elements([cut((Big::from(2) << 256usize) - Big::from(1)); 8]);
        let sum = Sum::zero()
            .minus::<3>(Fe::one())
            .minus::<3>(Fe::one())
            .minus::<3>(Fe::one());
        let got = a.wide_mul(a).plus_mul(a, b).plus(sum).reduce();
        let (x, y) = (integers(&a.0)[0], integers(&b.0)[0]);
        let minus = (big(PRIME) * Big::from(2) - Big::from(1)) * Big::from(24);
        assert_reduced(got, [x * x + x * y + minus; 8]);
    });
}

#[test]
fn sums_differences_and_multiples_equal_integers() {
    on_lanes!(|| for (a, b) in pairs(false) {
        let (a, b) = (elements(a), elements(b));
        let (x, y) = (integers(&a.0), integers(&b.0));
        let two = big(PRIME) * Big::from(2);
        let difference = a.shifted::<2>().plus(b).minus::<0>(b).minus::<1>(a).carry();
        let expected =
            |i: usize| x[i] * Big::from(4) + y[i] + (two - y[i]) + (two - x[i]) * Big::from(2);
        assert_eq!(integers(&difference.0), std::array::from_fn(expected));
        let negated = a.negated_where(0b1010_0110);
        let expected = |i: usize| {
            if 0b1010_0110 >> i & 1 == 1 {
                two - x[i]
            } else {
                x[i]
            }
        };
        assert_eq!(integers(&negated.0), std::array::from_fn(expected));
        assert_reduced(negated.folded(), integers(&negated.0));
        let chosen = a.replaced_where(0b0001_1100, b);
        let expected = |i: usize| {
            if 0b0001_1100 >> i & 1 == 1 {
                y[i]
            } else {
                x[i]
            }
        };
        assert_eq!(integers(&chosen.0), std::array::from_fn(expected));
    });
}

#[test]
fn normalized_element_is_the_remainder_and_its_signs_are_read() {
    on_lanes!(|| for (a, _) in pairs(true) {
        let a = elements(a);
        let expected = integers(&a.0).map(modulo);
        let got = a.normalized();
        assert_eq!(integers(&got.0), expected.map(big));
        let mask =
            |f: fn(&U256) -> bool| (0..8).map(|i| u8::from(f(&expected[i])) << i).sum::<u8>();
        assert_eq!(got.odd_lanes(), mask(|n| n.bit(0)));
        assert_eq!(a.zero_lanes(), mask(U256::is_zero));
    });
}

#[test]
fn folded_element_of_magnitude_one_is_below_256_bits() {
    on_lanes!(|| {
        let one = Big::from(1);
        let most = (one << 256usize) + (one << 214usize) - one;
        let values = [
            most,
            one << 256usize,
            (one << 256usize) - one,
            big(PRIME),
            most - one,
            one,
            Big::ZERO,
            most,
        ];
        let got = integers(&elements(values.map(cut)).folded().0);
        for (got, value) in got.into_iter().zip(values) {
            assert_eq!((got >> 256usize, modulo(got)), (Big::ZERO, modulo(value)));
        }
    });
}

#[test]
fn inverses_and_roots_square_and_multiply_back() {
    on_lanes!(|| {
        let mut rng = StdRng::seed_from_u64(5);
        for eight in values(&mut rng, true).chunks_exact(8) {
            let a = elements(eight.try_into().unwrap());
            let inverse = chain::inverse(a);
            let expected = integers(&a.0).map(|n| Big::from(u8::from(!modulo(n).is_zero())));
            assert_reduced(a.mul(inverse), expected);
            let square = a.sqr();
            assert_reduced(chain::root(square).sqr(), integers(&square.0));
            // Minus one is no square modulo p, so exactly one of a and -a has a root.
            let plain = chain::root(a)
                .sqr()
                .sum()
                .plus(a.normalized())
                .carry()
                .zero_lanes();
            let same = chain::root(a)
                .sqr()
                .sum()
                .minus::<0>(a.normalized())
                .carry()
                .zero_lanes();
            assert_eq!(plain | same, 0xFF);
        }
    });
}

#[test]
fn rows_written_and_read_are_the_same() {
    on_lanes!(|| {
        let mut rng = StdRng::seed_from_u64(6);
        let words: [[u64; 8]; 8] = rng.random();
        let table = words.map(rows::Row);
        let (x, y) = rows::read(table.each_ref());
        let number = |w: &[u64]| big(U256::from_limbs(w.try_into().unwrap()));
        assert_eq!(integers(&x.0), words.map(|row| number(&row[..4])));
        assert_eq!(integers(&y.0), words.map(|row| number(&row[4..])));
        assert_eq!(rows::write(x, y), table);
    });
}
