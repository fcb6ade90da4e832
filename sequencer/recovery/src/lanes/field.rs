//! Arithmetic modulo p = 2^256 - 2^32 - 977, eight elements side by side.
//!
//! An element is five limbs of 52 bits, one AVX-512 register per limb, one 64-bit lane per element:
//! the shape of the IFMA instructions, which multiply 52-bit integers and add the low or the high
//! half of the product. Carries and the reduction are lazy, and the types say how lazy:
//!
//! - [`Fe`]: every limb is below 2^52. Its *magnitude* m bounds the value by m·(2^256 + 2^214); it
//!   is 1 where not said otherwise, and at most 15, so that the top limb keeps to 52 bits.
//! - [`Sum`]: limbs added and subtracted without carrying, never negative.
//! - [`Wide`]: ten columns of a product or of a sum of products.
//!
//! Sources: Gueron and Krasnov, "Accelerating big integer arithmetic using Intel IFMA extensions"
//! (ARITH 2016); the lazy magnitudes are those of libsecp256k1's `field_5x52`.

use alloy_primitives::U256;
use core::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_cmpeq_epi64_mask,
    _mm512_cmpneq_epi64_mask, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
    _mm512_mask_blend_epi64, _mm512_mask_sub_epi64, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_slli_epi64, _mm512_srli_epi64, _mm512_sub_epi64,
    _mm512_test_epi64_mask,
};

/// Bits of a limb, as a mask.
const LIMB: i64 = (1 << 52) - 1;
/// Bits of the top limb of a number below 2^256.
const TOP: i64 = (1 << 48) - 1;
/// 2^256 mod p.
const FOLD: i64 = 0x1_0000_03D1;
/// 2^260 mod p.
const FOLD_WIDE: i64 = FOLD << 4;
/// The prime, in limbs.
const P: [i64; 5] = [0xF_FFFE_FFFF_FC2F, LIMB, LIMB, LIMB, TOP];

/// The limbs of a number.
pub(super) const fn limbs(number: U256) -> [i64; 5] {
    let [w0, w1, w2, w3] = *number.as_limbs();
    let limbs = [
        w0,
        w0 >> 52 | w1 << 12,
        w1 >> 40 | w2 << 24,
        w2 >> 28 | w3 << 36,
        w3 >> 16,
    ];
    let [a, b, c, d, e] = limbs;
    [
        a as i64 & LIMB,
        b as i64 & LIMB,
        c as i64 & LIMB,
        d as i64 & LIMB,
        e as i64,
    ]
}

/// Eight field elements, carried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fe(pub(super) [__m512i; 5]);

/// Eight sums of limbs, not carried.
#[derive(Clone, Copy)]
pub(super) struct Sum([__m512i; 5]);

/// Eight sums of products, not reduced.
#[derive(Clone, Copy)]
pub(super) struct Wide([__m512i; 10]);

/// The same small constant or limb in all lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn all(value: i64) -> __m512i {
    _mm512_set1_epi64(value)
}

/// `columns += a * (b0..b4)`, for one limb of a.
macro_rules! row {
    ($a:ident, [$($b:ident)*], [$($low:ident)*], [$($high:ident)*]) => {
        $($low = _mm512_madd52lo_epu64($low, $a, $b);)*
        $($high = _mm512_madd52hi_epu64($high, $a, $b);)*
    };
}

impl Fe {
    /// The same element in all lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn constant(limbs: [i64; 5]) -> Self {
        let [a, b, c, d, e] = limbs;
        Self([all(a), all(b), all(c), all(d), all(e)])
    }

    /// One.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn one() -> Self {
        Self::constant([1, 0, 0, 0, 0])
    }

    /// The product. Any magnitudes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn mul(self, other: Self) -> Self {
        self.wide_mul(other).reduce()
    }

    /// The square. Any magnitude.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn sqr(self) -> Self {
        self.wide_sqr().reduce()
    }

    /// The product, not reduced: 50 multiplications, by rows.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn wide_mul(self, other: Self) -> Wide {
        Wide([_mm512_setzero_si512(); 10]).plus_mul(self, other)
    }

    /// The square, not reduced: the products of unlike limbs are summed once and doubled.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn wide_sqr(self) -> Wide {
        let [a0, a1, a2, a3, a4] = self.0;
        let zero = _mm512_setzero_si512();
        let [mut c0, mut c1, mut c2, mut c3, mut c4] = [zero; 5];
        let [mut c5, mut c6, mut c7, mut c8, mut c9] = [zero; 5];
        row!(a0, [a1 a2 a3 a4], [c1 c2 c3 c4], [c2 c3 c4 c5]);
        row!(a1, [a2 a3 a4], [c3 c4 c5], [c4 c5 c6]);
        row!(a2, [a3 a4], [c5 c6], [c6 c7]);
        row!(a3, [a4], [c7], [c8]);
        macro_rules! double {
            ($($column:ident)*) => { $($column = _mm512_add_epi64($column, $column);)* };
        }
        double!(c1 c2 c3 c4 c5 c6 c7 c8);
        row!(a0, [a0], [c0], [c1]);
        row!(a1, [a1], [c2], [c3]);
        row!(a2, [a2], [c4], [c5]);
        row!(a3, [a3], [c6], [c7]);
        row!(a4, [a4], [c8], [c9]);
        Wide([c0, c1, c2, c3, c4, c5, c6, c7, c8, c9])
    }

    /// The limbs, to add to.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn sum(self) -> Sum {
        Sum(self.0)
    }

    /// `2^K · self`, of `2^K` times the magnitude.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn shifted<const K: u32>(self) -> Sum {
        let [a0, a1, a2, a3, a4] = self.0;
        Sum([
            _mm512_slli_epi64::<K>(a0),
            _mm512_slli_epi64::<K>(a1),
            _mm512_slli_epi64::<K>(a2),
            _mm512_slli_epi64::<K>(a3),
            _mm512_slli_epi64::<K>(a4),
        ])
    }

    /// The element, negated in the lanes of `mask`. Of magnitude 1; the result is of magnitude 2.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn negated_where(self, mask: __mmask8) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        let negate = |a, p: i64| _mm512_mask_sub_epi64(a, mask, all(p << 1), a);
        let [p0, p1, p2, p3, p4] = P;
        Sum([
            negate(a0, p0),
            negate(a1, p1),
            negate(a2, p2),
            negate(a3, p3),
            negate(a4, p4),
        ])
        .carry()
    }

    /// `other` in the lanes of `mask`, this element in the rest.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn replaced_where(self, mask: __mmask8, other: Self) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        let [b0, b1, b2, b3, b4] = other.0;
        let blend = |a, b| _mm512_mask_blend_epi64(mask, a, b);
        Self([
            blend(a0, b0),
            blend(a1, b1),
            blend(a2, b2),
            blend(a3, b3),
            blend(a4, b4),
        ])
    }

    /// The one representative in `0..p`. Any magnitude.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn normalized(self) -> Self {
        let Self([a0, a1, a2, a3, a4]) = self.folded();
        // At most one p too much: adding 2^256 - p then carries out of 256 bits.
        let plus = Sum([_mm512_add_epi64(a0, all(FOLD)), a1, a2, a3, a4]).carry();
        let [b0, b1, b2, b3, b4] = plus.0;
        let over = _mm512_cmpneq_epi64_mask(_mm512_srli_epi64::<48>(b4), _mm512_setzero_si512());
        let less = Self([b0, b1, b2, b3, _mm512_and_si512(b4, all(TOP))]);
        Self([a0, a1, a2, a3, a4]).replaced_where(over, less)
    }

    /// A representative below 2^256, or above it by less than 2^40 when the input is.
    ///
    /// What is over 256 bits is folded once; a value of magnitude 1 ends below 2^256.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn folded(self) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        let over = _mm512_srli_epi64::<48>(a4);
        let a0 = _mm512_madd52lo_epu64(a0, over, all(FOLD));
        Sum([a0, a1, a2, a3, _mm512_and_si512(a4, all(TOP))]).carry()
    }

    /// Lanes that are zero modulo p. Any magnitude.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn zero_lanes(self) -> __mmask8 {
        let [a0, a1, a2, a3, a4] = self.normalized().0;
        let any = _mm512_or_si512(_mm512_or_si512(a0, a1), _mm512_or_si512(a2, a3));
        _mm512_cmpeq_epi64_mask(_mm512_or_si512(any, a4), _mm512_setzero_si512())
    }

    /// Lanes whose least bit is set. Normalised elements only.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn odd_lanes(self) -> __mmask8 {
        _mm512_test_epi64_mask(self.0[0], all(1))
    }
}

impl Sum {
    /// Nothing, to subtract from.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn zero() -> Self {
        Self([_mm512_setzero_si512(); 5])
    }

    /// `self + other`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn plus(self, other: Fe) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        let [b0, b1, b2, b3, b4] = other.0;
        Self([
            _mm512_add_epi64(a0, b0),
            _mm512_add_epi64(a1, b1),
            _mm512_add_epi64(a2, b2),
            _mm512_add_epi64(a3, b3),
            _mm512_add_epi64(a4, b4),
        ])
    }

    /// `self + 2^K · (2p - other)`, of `2^(K+1)` more magnitude. `other` is of magnitude 1, so that
    /// no limb of 2p is smaller than its own.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn minus<const K: u32>(self, other: Fe) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        let [b0, b1, b2, b3, b4] = other.shifted::<K>().0;
        let [p0, p1, p2, p3, p4] = P;
        let minus = |a, b, p: i64| _mm512_sub_epi64(_mm512_add_epi64(a, all(p << (K + 1))), b);
        Self([
            minus(a0, b0, p0),
            minus(a1, b1, p1),
            minus(a2, b2, p2),
            minus(a3, b3, p3),
            minus(a4, b4, p4),
        ])
    }

    /// The element, carried. The magnitude is at most 15.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn carry(self) -> Fe {
        let [a0, a1, a2, a3, a4] = self.0;
        let limb = all(LIMB);
        let a1 = _mm512_add_epi64(a1, _mm512_srli_epi64::<52>(a0));
        let a2 = _mm512_add_epi64(a2, _mm512_srli_epi64::<52>(a1));
        let a3 = _mm512_add_epi64(a3, _mm512_srli_epi64::<52>(a2));
        let a4 = _mm512_add_epi64(a4, _mm512_srli_epi64::<52>(a3));
        let cut = |a| _mm512_and_si512(a, limb);
        Fe([cut(a0), cut(a1), cut(a2), cut(a3), a4])
    }
}

impl Wide {
    /// `self + a · b`. The magnitudes' products in one `Wide` sum to less than 256.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn plus_mul(self, a: Fe, b: Fe) -> Self {
        let [a0, a1, a2, a3, a4] = a.0;
        let [b0, b1, b2, b3, b4] = b.0;
        let [
            mut c0,
            mut c1,
            mut c2,
            mut c3,
            mut c4,
            mut c5,
            mut c6,
            mut c7,
            mut c8,
            mut c9,
        ] = self.0;
        row!(a0, [b0 b1 b2 b3 b4], [c0 c1 c2 c3 c4], [c1 c2 c3 c4 c5]);
        row!(a1, [b0 b1 b2 b3 b4], [c1 c2 c3 c4 c5], [c2 c3 c4 c5 c6]);
        row!(a2, [b0 b1 b2 b3 b4], [c2 c3 c4 c5 c6], [c3 c4 c5 c6 c7]);
        row!(a3, [b0 b1 b2 b3 b4], [c3 c4 c5 c6 c7], [c4 c5 c6 c7 c8]);
        row!(a4, [b0 b1 b2 b3 b4], [c4 c5 c6 c7 c8], [c5 c6 c7 c8 c9]);
        Self([c0, c1, c2, c3, c4, c5, c6, c7, c8, c9])
    }

    /// `self + sum`, at no cost of its own carrying. The sum's magnitude is at most 64.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn plus(self, sum: Sum) -> Self {
        let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = self.0;
        let [a0, a1, a2, a3, a4] = sum.0;
        Self([
            _mm512_add_epi64(c0, a0),
            _mm512_add_epi64(c1, a1),
            _mm512_add_epi64(c2, a2),
            _mm512_add_epi64(c3, a3),
            _mm512_add_epi64(c4, a4),
            c5,
            c6,
            c7,
            c8,
            c9,
        ])
    }

    /// The element modulo p, of magnitude 1.
    ///
    /// The columns above 2^260 are folded by 2^260 mod p, after a carry among them alone: the
    /// multiplier reads 52 bits, so what was carried on need not be cut off. What is then above
    /// 2^256, less than 2^43, is folded by 2^256 mod p before the only full carry.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn reduce(self) -> Fe {
        let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = self.0;
        let [mut c0, mut c1, mut c2, mut c3, mut c4] = [c0, c1, c2, c3, c4];
        let c6 = _mm512_add_epi64(c6, _mm512_srli_epi64::<52>(c5));
        let c7 = _mm512_add_epi64(c7, _mm512_srli_epi64::<52>(c6));
        let c8 = _mm512_add_epi64(c8, _mm512_srli_epi64::<52>(c7));
        let c9 = _mm512_add_epi64(c9, _mm512_srli_epi64::<52>(c8));
        let fold = all(FOLD_WIDE);
        let mut over = _mm512_setzero_si512();
        row!(fold, [c5 c6 c7 c8 c9], [c0 c1 c2 c3 c4], [c1 c2 c3 c4 over]);
        let over = _mm512_add_epi64(_mm512_slli_epi64::<4>(over), _mm512_srli_epi64::<48>(c4));
        let c4 = _mm512_and_si512(c4, all(TOP));
        let fold = all(FOLD);
        row!(fold, [over], [c0], [c1]);
        Sum([c0, c1, c2, c3, c4]).carry()
    }
}

#[cfg(test)]
mod tests;
