//! Seeds of hash tables, from the input.
//!
//! The EVM keeps slots and accounts in hash tables. Where everything is as predictable as in the machine, whoever
//! writes a transaction can choose keys that all collide, and a write at 100 gas then costs as much as the
//! table is long: a batch that never ends, hence a chain that never settles. The tables' library draws its
//! seeds from addresses, of which the machine has too few to keep a hostile batcher from searching; so they are
//! made from the input hash here, which commits to the batch that would have to contain the keys.
#![expect(
    unsafe_code,
    reason = "SAFETY: the library has no way to set its seeds; see `set_global`"
)]

use alloy_primitives::{B256, keccak256};
use core::{arch::asm, hint::black_box};
use foldhash::{SharedSeed, fast::RandomState};

/// Bits that the library sets in every word of its seed, so that no zero gets in.
const FORCED_ONES: u64 = (1 << 63) | (1 << 31) | 1;
/// Words of the library's seed that all tables share.
const WORDS: usize = 6;

const _: () = assert!(
    size_of::<SharedSeed>() == 8 * WORDS,
    "the library's seed is six words"
);

// Without atomics the library has a constant in place of the cell, which no table reads through memory.
const _: () = assert!(
    cfg!(target_has_atomic = "8"),
    "the library's seed is in a cell"
);

/// Seeds every table that is made from now on. The first thing that the program does.
pub(crate) fn install(input_hash: &B256) {
    set_global(input_hash);
    // The seed of each table follows from those before it and from the stack's height; so the input goes in
    // as heights, four bits at a time.
    for byte in input_hash {
        at_height(u64::from(byte >> 4));
        at_height(u64::from(byte & 15));
    }
}

/// Makes a table's seed that many frames further down.
#[inline(never)]
fn at_height(frames: u64) {
    match frames.checked_sub(1) {
        Some(left) => {
            at_height(black_box(left));
            // The frame is needed after the call, so the call gets one of its own.
            black_box(frames);
        }
        None => {
            black_box(RandomState::default());
        }
    }
}

/// Replaces the seed that all tables share.
fn set_global(input_hash: &B256) {
    let halves = [0u8, 1].map(|half| keccak256([input_hash.as_slice(), &[half]].concat()));
    let words = halves.iter().flat_map(|half| half.0.as_chunks::<8>().0);
    let mut to = core::ptr::from_ref(SharedSeed::global_random()) as u64;
    for word in words.take(WORDS) {
        let word = u64::from_le_bytes(*word) | FORCED_ONES;
        // SAFETY: the library keeps the seed in an `UnsafeCell` of a static, hence in writable memory that the
        // compiler may not take for constant; it reads the seed anew for each hash, and is done with initialising
        // it when it gives it out. The reference that led to `to` is gone, no table exists yet, and the program has one
        // hart, so nothing reads the seed while it is written. `to` stays within its six words.
        unsafe { asm!("sd {0}, 0({1})", in(reg) word, in(reg) to, options(nostack)) }
        to += 8;
    }
}
