//! u1·G + u2·R for eight lanes: four streams of odd signed digits over one chain of doublings.
//!
//! All lanes do the same operations; only what they read from the tables differs. Source: Strauss's
//! interleaving (Guide to Elliptic Curve Cryptography, algorithm 3.51) with the endomorphism of
//! Gallant, Lambert and Vanstone (CRYPTO 2001).

use super::field::{self, Fe};
use super::generator::{self, Generator};
use super::point::{Jacobian, Multiples};
use super::rows::{self, Row};
use crate::scalar::{BITS, Digits, Prepared};
use core::arch::x86_64::{
    __m512i, __mmask8, _mm512_and_si512, _mm512_cmplt_epu64_mask, _mm512_mask_xor_epi64,
    _mm512_or_si512, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_sllv_epi64, _mm512_srlv_epi64,
};

/// Bits of a digit of R and λR.
const WINDOW: u32 = 5;
/// Read for an index outside a table, which a digit never is.
const NOWHERE: &Row = &Row([0; 8]);

/// The digits of one stream, in all lanes: three words of 64 bits.
#[derive(Clone, Copy)]
struct Stream([__m512i; 3]);

/// Places in a table of odd multiples, and the lanes whose digit is negative.
struct Places {
    index: [u64; 8],
    negative: __mmask8,
}

impl Stream {
    /// Picks one of four streams out of eight signatures.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(digits: [&Digits; 8]) -> Self {
        let word = |pick: fn(&Digits) -> u64| rows::load(&digits.map(pick));
        Self([word(|d| d[0]), word(|d| d[1]), word(|d| d[2])])
    }

    /// The digit of `W` bits that begins at bit `at`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn digit<const W: u32>(self, at: u32) -> Places {
        let [w0, w1, w2] = self.0;
        let (low, high) = match at / 64 {
            0 => (w0, w1),
            1 => (w1, w2),
            _ => (w2, _mm512_setzero_si512()),
        };
        let shift = i64::from(at % 64);
        // A shift by 64 gives zero.
        let bits = _mm512_or_si512(
            _mm512_srlv_epi64(low, _mm512_set1_epi64(shift)),
            _mm512_sllv_epi64(high, _mm512_set1_epi64(64 - shift)),
        );
        let half = 1i64 << (W - 1);
        let digit = _mm512_and_si512(bits, _mm512_set1_epi64(2 * half - 1));
        let negative = _mm512_cmplt_epu64_mask(digit, _mm512_set1_epi64(half));
        let rest = _mm512_set1_epi64(half - 1);
        let place = _mm512_and_si512(digit, rest);
        let index = rows::store(_mm512_mask_xor_epi64(place, negative, place, rest));
        Places { index, negative }
    }
}

impl Places {
    /// The points at these places, of magnitudes 1 and 2.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn read<'a>(&self, row: impl Fn(usize, u64) -> Option<&'a Row>) -> (Fe, Fe) {
        let [i0, i1, i2, i3, i4, i5, i6, i7] = self.index;
        let at = |lane, index| row(lane, index).unwrap_or(NOWHERE);
        let (x, y) = rows::read([
            at(0, i0),
            at(1, i1),
            at(2, i2),
            at(3, i3),
            at(4, i4),
            at(5, i5),
            at(6, i6),
            at(7, i7),
        ]);
        (x, y.negated_where(self.negative))
    }

    /// Of a table that all lanes share.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn of_generator(&self, table: &[Row]) -> (Fe, Fe) {
        self.read(|_, index| table.get(usize::try_from(index).ok()?))
    }

    /// Of a table of each lane.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn of_multiples(&self, table: &Multiples) -> (Fe, Fe) {
        self.read(|lane, index| table.rows.get(usize::try_from(index).ok()?)?.get(lane))
    }
}

/// The sum of the four products, on the true curve. Zero Z: an addition was exceptional.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn sum(
    signatures: [&Prepared; 8],
    multiples: &Multiples,
    generator: &Generator,
) -> Jacobian {
    let [r, r_turned, g, g_turned] = [
        Stream::new(signatures.map(|s| &s.digits[0])),
        Stream::new(signatures.map(|s| &s.digits[1])),
        Stream::new(signatures.map(|s| &s.digits[2])),
        Stream::new(signatures.map(|s| &s.digits[3])),
    ];
    let beta = Fe::constant(const { field::limbs(generator::BETA) });
    let mut at = BITS - WINDOW;
    let (x, y) = r.digit::<WINDOW>(at).of_multiples(multiples);
    let mut sum = Jacobian {
        x,
        y: y.folded(),
        z: Fe::one(),
    };
    loop {
        let (x, y) = r_turned.digit::<WINDOW>(at).of_multiples(multiples);
        sum = sum.add(x.mul(beta), y, sum.z);
        if at.is_multiple_of(generator::WINDOW) {
            let (x, y) = g
                .digit::<{ generator::WINDOW }>(at)
                .of_generator(&generator.plain);
            sum = sum.add(x, y, sum.z.mul(multiples.scale));
            let (x, y) = g_turned
                .digit::<{ generator::WINDOW }>(at)
                .of_generator(&generator.turned);
            sum = sum.add(x, y, sum.z.mul(multiples.scale));
        }
        if at == 0 {
            break;
        }
        at -= WINDOW;
        for _ in 0..WINDOW {
            sum = sum.double();
        }
        let (x, y) = r.digit::<WINDOW>(at).of_multiples(multiples);
        sum = sum.add(x, y, sum.z);
    }
    Jacobian {
        z: sum.z.mul(multiples.scale),
        ..sum
    }
}
