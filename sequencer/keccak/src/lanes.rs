//! Keccak-256 of eight inputs at once, on AVX-512.
//!
//! Lane i of each of 25 registers is a word of the state of the input in lane i. A lane whose
//! input has ended takes the next one while the others go on, so that inputs of different lengths
//! cost no lane its turn; only the end of a batch leaves lanes empty.
#![expect(
    unsafe_code,
    reason = "entering functions of a CPU feature; loading and storing registers"
)]

mod block;
mod permutation;
#[cfg(test)]
mod tests;

use alloy_primitives::{B256, keccak256};
use block::{BLOCK, Block};
use core::arch::x86_64::{__m512i, __mmask8, _mm512_maskz_mov_epi64, _mm512_setzero_si512};
use permutation::permuted;

/// Inputs below which the lanes are not worth filling: a permutation of eight costs between one
/// and two of a single input.
const FEW: usize = 3;

/// Proof that the processor has AVX-512 and the operating system saves its registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Available(());

impl Available {
    /// Asks the processor, once for the process.
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

/// What is left of an input.
#[derive(Clone, Copy)]
struct Job<'a> {
    /// Its place among the inputs.
    index: usize,
    /// What was not absorbed yet; `None` once the padded block was.
    rest: Option<&'a [u8]>,
}

/// The hash of each input, in order.
pub(crate) fn keccak256_many(_: Available, inputs: &[&[u8]]) -> Vec<B256> {
    let mut hashes = vec![B256::ZERO; inputs.len()];
    // SAFETY: an `Available` exists only where the processor was found to have the feature.
    let done = unsafe { run(inputs, &mut hashes) };
    for (input, hash) in inputs.iter().zip(&mut hashes).skip(done) {
        *hash = keccak256(input);
    }
    hashes
}

/// Hashes inputs from the first on; how many. The rest is too few for the lanes.
#[target_feature(enable = "avx512f")]
fn run(inputs: &[&[u8]], hashes: &mut [B256]) -> usize {
    let mut waiting = inputs.iter().enumerate();
    let mut lanes: [Option<Job<'_>>; 8] = [None; 8];
    let mut state = [_mm512_setzero_si512(); 25];
    loop {
        if lanes.iter().all(Option::is_none) && waiting.len() < FEW {
            return inputs.len() - waiting.len();
        }
        let mut fresh: __mmask8 = 0;
        for (bit, lane) in lanes.iter_mut().enumerate() {
            if lane.is_none()
                && let Some((index, input)) = waiting.next()
            {
                let rest = Some(*input);
                *lane = Some(Job { index, rest });
                fresh |= 1 << bit;
            }
        }
        for word in &mut state {
            *word = _mm512_maskz_mov_epi64(!fresh, *word);
        }
        state = permuted(absorbed(state, &mut lanes));
        release(&state, &mut lanes, hashes);
    }
}

/// The state after the next block of each lane went in; a block of zeros where a lane is empty.
#[inline]
#[target_feature(enable = "avx512f")]
fn absorbed(state: [__m512i; 25], lanes: &mut [Option<Job<'_>>; 8]) -> [__m512i; 25] {
    let mut tails = [[0; BLOCK]; 8];
    let mut blocks: [&Block; 8] = [&[0; BLOCK]; 8];
    for ((lane, tail), block) in lanes.iter_mut().zip(&mut tails).zip(&mut blocks) {
        if let Some(job) = lane
            && let Some(rest) = job.rest
        {
            (*block, job.rest) = block::next(rest, tail);
        }
    }
    block::absorbed(state, blocks)
}

/// Takes the hashes of the inputs that have ended.
#[inline]
#[target_feature(enable = "avx512f")]
fn release(state: &[__m512i; 25], lanes: &mut [Option<Job<'_>>; 8], hashes: &mut [B256]) {
    let has_ended = |lane: &Option<Job<'_>>| lane.is_some_and(|job| job.rest.is_none());
    if !lanes.iter().any(has_ended) {
        return;
    }
    for (lane, digest) in lanes.iter_mut().zip(block::digests(state)) {
        if let Some(job) = lane.take_if(|job| job.rest.is_none())
            && let Some(hash) = hashes.get_mut(job.index)
        {
            *hash = digest;
        }
    }
}
