//! Keccak-f[1600] of eight states. Word x + 5y of the state is `a[x, y]` of FIPS 202.

use core::arch::x86_64::{
    __m512i, _mm512_rol_epi64, _mm512_set1_epi64, _mm512_ternarylogic_epi64, _mm512_xor_si512,
};

/// What step ι adds in each round.
const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// The states after 24 rounds.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn permuted(mut state: [__m512i; 25]) -> [__m512i; 25] {
    for constant in ROUND_CONSTANTS {
        state = round(state, constant);
    }
    state
}

/// θ, ρ, π, χ and ι.
#[inline]
#[target_feature(enable = "avx512f")]
fn round(a: [__m512i; 25], constant: u64) -> [__m512i; 25] {
    let [
        a00,
        a10,
        a20,
        a30,
        a40,
        a01,
        a11,
        a21,
        a31,
        a41,
        a02,
        a12,
        a22,
        a32,
        a42,
        a03,
        a13,
        a23,
        a33,
        a43,
        a04,
        a14,
        a24,
        a34,
        a44,
    ] = a;
    let c0 = xor(xor(a00, a01, a02), a03, a04);
    let c1 = xor(xor(a10, a11, a12), a13, a14);
    let c2 = xor(xor(a20, a21, a22), a23, a24);
    let c3 = xor(xor(a30, a31, a32), a33, a34);
    let c4 = xor(xor(a40, a41, a42), a43, a44);
    let d0 = (c4, _mm512_rol_epi64::<1>(c1));
    let d1 = (c0, _mm512_rol_epi64::<1>(c2));
    let d2 = (c1, _mm512_rol_epi64::<1>(c3));
    let d3 = (c2, _mm512_rol_epi64::<1>(c4));
    let d4 = (c3, _mm512_rol_epi64::<1>(c0));
    let [b00, b10, b20, b30, b40] = chi([
        turned::<0>(a00, d0),
        turned::<44>(a11, d1),
        turned::<43>(a22, d2),
        turned::<21>(a33, d3),
        turned::<14>(a44, d4),
    ]);
    let [b01, b11, b21, b31, b41] = chi([
        turned::<28>(a30, d3),
        turned::<20>(a41, d4),
        turned::<3>(a02, d0),
        turned::<45>(a13, d1),
        turned::<61>(a24, d2),
    ]);
    let [b02, b12, b22, b32, b42] = chi([
        turned::<1>(a10, d1),
        turned::<6>(a21, d2),
        turned::<25>(a32, d3),
        turned::<8>(a43, d4),
        turned::<18>(a04, d0),
    ]);
    let [b03, b13, b23, b33, b43] = chi([
        turned::<27>(a40, d4),
        turned::<36>(a01, d0),
        turned::<10>(a12, d1),
        turned::<15>(a23, d2),
        turned::<56>(a34, d3),
    ]);
    let [b04, b14, b24, b34, b44] = chi([
        turned::<62>(a20, d2),
        turned::<55>(a31, d3),
        turned::<39>(a42, d4),
        turned::<41>(a03, d0),
        turned::<2>(a14, d1),
    ]);
    let b00 = _mm512_xor_si512(b00, _mm512_set1_epi64(constant.cast_signed()));
    [
        b00, b10, b20, b30, b40, b01, b11, b21, b31, b41, b02, b12, b22, b32, b42, b03, b13, b23,
        b33, b43, b04, b14, b24, b34, b44,
    ]
}

/// a ^ b ^ c.
#[inline]
#[target_feature(enable = "avx512f")]
fn xor(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

/// A word after θ added both parities of its neighbours, turned left by ρ.
#[inline]
#[target_feature(enable = "avx512f")]
fn turned<const BITS: i32>(word: __m512i, (left, right): (__m512i, __m512i)) -> __m512i {
    _mm512_rol_epi64::<BITS>(xor(word, left, right))
}

/// Of one row: each word ^ (!next & the one after).
#[inline]
#[target_feature(enable = "avx512f")]
fn chi([a, b, c, d, e]: [__m512i; 5]) -> [__m512i; 5] {
    [
        _mm512_ternarylogic_epi64::<0xD2>(a, b, c),
        _mm512_ternarylogic_epi64::<0xD2>(b, c, d),
        _mm512_ternarylogic_epi64::<0xD2>(c, d, e),
        _mm512_ternarylogic_epi64::<0xD2>(d, e, a),
        _mm512_ternarylogic_epi64::<0xD2>(e, a, b),
    ]
}
