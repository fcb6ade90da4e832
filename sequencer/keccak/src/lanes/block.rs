//! Between bytes and registers: blocks in, digests out.
//!
//! Eight lanes read eight lines of memory and turn them by 24 shuffles.

use alloy_primitives::B256;
use core::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_storeu_si512,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi64, _mm512_xor_si512,
};

/// Bytes that go into the state between two permutations.
pub(super) const BLOCK: usize = 136;

/// Bytes that go into the state between two permutations.
pub(super) type Block = [u8; BLOCK];

/// The next block of what is left of an input, and what is left then; `None` after the last.
/// The last block is put together in `tail`, which holds zeros.
pub(super) fn next<'a: 'b, 'b>(
    rest: &'a [u8],
    tail: &'b mut Block,
) -> (&'b Block, Option<&'a [u8]>) {
    if let Some((block, rest)) = rest.split_first_chunk() {
        return (block, Some(rest));
    }
    if let Some((data, [first, ..])) = tail.split_at_mut_checked(rest.len()) {
        data.copy_from_slice(rest);
        *first = 0x01;
    }
    if let Some(last) = tail.last_mut() {
        *last |= 0x80;
    }
    (tail, None)
}

/// The states with one block added to each.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn absorbed(state: [__m512i; 25], blocks: [&Block; 8]) -> [__m512i; 25] {
    let [b0, b1, b2, b3, b4, b5, b6, b7] = blocks;
    let rows = |at: usize| {
        transposed([
            load(part(b0, at)),
            load(part(b1, at)),
            load(part(b2, at)),
            load(part(b3, at)),
            load(part(b4, at)),
            load(part(b5, at)),
            load(part(b6, at)),
            load(part(b7, at)),
        ])
    };
    let mut last = [0; 64];
    for (to, block) in last.chunks_exact_mut(8).zip(blocks) {
        to.copy_from_slice(&part::<8>(block, 128));
    }
    let mut state = state;
    let (first, rest) = state.split_at_mut(8);
    let (second, rest) = rest.split_at_mut(8);
    add(first, &rows(0));
    add(second, &rows(64));
    add(rest, &[load(last)]);
    state
}

/// Adds words to as many of the state.
#[inline]
#[target_feature(enable = "avx512f")]
fn add(state: &mut [__m512i], words: &[__m512i]) {
    for (word, other) in state.iter_mut().zip(words) {
        *word = _mm512_xor_si512(*word, *other);
    }
}

/// `N` bytes of a block from `at` on.
#[inline]
fn part<const N: usize>(block: &Block, at: usize) -> [u8; N] {
    let bytes = block.get(at..).and_then(|bytes| bytes.first_chunk());
    bytes.copied().unwrap_or([0; N])
}

/// The first four words of each lane.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn digests(state: &[__m512i; 25]) -> [B256; 8] {
    let [w0, w1, w2, w3, ..] = *state;
    let zero = _mm512_setzero_si512();
    let rows = transposed([w0, w1, w2, w3, zero, zero, zero, zero]);
    let mut digests = [B256::ZERO; 8];
    for (digest, row) in digests.iter_mut().zip(rows) {
        if let Some(words) = store(row).first_chunk() {
            *digest = B256::new(*words);
        }
    }
    digests
}

/// Rows to columns: word i of row j becomes lane j of column i. Its own inverse.
#[inline]
#[target_feature(enable = "avx512f")]
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

/// Eight words, little endian, as one register.
#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: [u8; 64]) -> __m512i {
    // SAFETY: the array is 64 readable bytes, and this load asks for no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// One register as eight words, little endian.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: __m512i) -> [u8; 64] {
    let mut bytes = [0; 64];
    // SAFETY: the array is 64 writable bytes, and this store asks for no alignment.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), lanes) };
    bytes
}
