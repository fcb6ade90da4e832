//! Between registers and memory: a point of one lane as one cache line.
//!
//! Eight lanes read eight lines of a table and turn them by 24 shuffles, which is several times
//! faster than gathering ten limbs.

use super::field::Fe;
use core::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_loadu_si512, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_shuffle_i64x2, _mm512_slli_epi64, _mm512_srli_epi64, _mm512_storeu_si512,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

/// Two numbers below 2^256, x then y, as four 64-bit words each, the least significant first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Row(pub(super) [u64; 8]);

/// The eight words in the eight lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn load(words: &[u64; 8]) -> __m512i {
    // SAFETY: the reference is to 64 readable bytes, and this load asks for no alignment.
    unsafe { _mm512_loadu_si512(core::ptr::from_ref(words).cast()) }
}

/// The eight lanes as words.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn store(lanes: __m512i) -> [u64; 8] {
    let mut words = [0u64; 8];
    // SAFETY: the reference is to 64 writable bytes, and this store asks for no alignment.
    unsafe { _mm512_storeu_si512(core::ptr::from_mut(&mut words).cast(), lanes) };
    words
}

/// Rows to columns: word i of row j becomes lane j of column i. Its own inverse.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn transposed(rows: [__m512i; 8]) -> [__m512i; 8] {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    let blocks = |t0, t2, t4, t6| {
        let even = _mm512_shuffle_i64x2::<0x88>(t0, t2);
        let odd = _mm512_shuffle_i64x2::<0xDD>(t0, t2);
        let even_high = _mm512_shuffle_i64x2::<0x88>(t4, t6);
        let odd_high = _mm512_shuffle_i64x2::<0xDD>(t4, t6);
        [
            _mm512_shuffle_i64x2::<0x88>(even, even_high),
            _mm512_shuffle_i64x2::<0x88>(odd, odd_high),
            _mm512_shuffle_i64x2::<0xDD>(even, even_high),
            _mm512_shuffle_i64x2::<0xDD>(odd, odd_high),
        ]
    };
    let [c0, c2, c4, c6] = blocks(
        _mm512_unpacklo_epi64(r0, r1),
        _mm512_unpacklo_epi64(r2, r3),
        _mm512_unpacklo_epi64(r4, r5),
        _mm512_unpacklo_epi64(r6, r7),
    );
    let [c1, c3, c5, c7] = blocks(
        _mm512_unpackhi_epi64(r0, r1),
        _mm512_unpackhi_epi64(r2, r3),
        _mm512_unpackhi_epi64(r4, r5),
        _mm512_unpackhi_epi64(r6, r7),
    );
    [c0, c1, c2, c3, c4, c5, c6, c7]
}

/// Four words of 64 bits to five limbs of 52.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn limbs(words: [__m512i; 4]) -> Fe {
    let [w0, w1, w2, w3] = words;
    let cut = |a| _mm512_and_si512(a, _mm512_set1_epi64((1 << 52) - 1));
    let join = |a, b| cut(_mm512_or_si512(a, b));
    Fe([
        cut(w0),
        join(_mm512_srli_epi64::<52>(w0), _mm512_slli_epi64::<12>(w1)),
        join(_mm512_srli_epi64::<40>(w1), _mm512_slli_epi64::<24>(w2)),
        join(_mm512_srli_epi64::<28>(w2), _mm512_slli_epi64::<36>(w3)),
        _mm512_srli_epi64::<16>(w3),
    ])
}

/// Five limbs to four words. The elements are below 2^256.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn words(element: Fe) -> [__m512i; 4] {
    let [a0, a1, a2, a3, a4] = element.0;
    [
        _mm512_or_si512(a0, _mm512_slli_epi64::<52>(a1)),
        _mm512_or_si512(_mm512_srli_epi64::<12>(a1), _mm512_slli_epi64::<40>(a2)),
        _mm512_or_si512(_mm512_srli_epi64::<24>(a2), _mm512_slli_epi64::<28>(a3)),
        _mm512_or_si512(_mm512_srli_epi64::<36>(a3), _mm512_slli_epi64::<16>(a4)),
    ]
}

/// The x and y of eight rows, one row for each lane.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn read(rows: [&Row; 8]) -> (Fe, Fe) {
    let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
    let [x0, x1, x2, x3, y0, y1, y2, y3] = transposed([
        load(&r0.0),
        load(&r1.0),
        load(&r2.0),
        load(&r3.0),
        load(&r4.0),
        load(&r5.0),
        load(&r6.0),
        load(&r7.0),
    ]);
    (limbs([x0, x1, x2, x3]), limbs([y0, y1, y2, y3]))
}

/// Eight rows, one for each lane. Both elements are below 2^256.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn write(x: Fe, y: Fe) -> [Row; 8] {
    let [x0, x1, x2, x3] = words(x);
    let [y0, y1, y2, y3] = words(y);
    let [r0, r1, r2, r3, r4, r5, r6, r7] = transposed([x0, x1, x2, x3, y0, y1, y2, y3]);
    [
        Row(store(r0)),
        Row(store(r1)),
        Row(store(r2)),
        Row(store(r3)),
        Row(store(r4)),
        Row(store(r5)),
        Row(store(r6)),
        Row(store(r7)),
    ]
}
