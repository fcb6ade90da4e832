//! The program that the machine runs: entry, exits, panics. Everything else is in the library.
//!
//! Built for the machine's target only. Spec: `SPEC.md`, section 9 and chapter "Machine".

#![no_std]
#![no_main]

extern crate alloc;

mod machine;

use alloy_primitives::B256;
use machine::{calls, crypto, seed, source::HostPreimages};
use trestle_guest::{EXIT_PANIC, prove};

/// Where the machine begins; the input hash comes in four registers, `sp` is set.
#[unsafe(no_mangle)]
#[expect(
    unsafe_code,
    reason = "SAFETY: the linker's entry; no other symbol has this name"
)]
extern "C" fn _start(h0: u64, h1: u64, h2: u64, h3: u64) -> ! {
    let input_hash = calls::word_of([h0, h1, h2, h3]);
    seed::install(&input_hash);
    crypto::install();
    match prove(input_hash, HostPreimages) {
        Ok(output) => calls::halt(0, output),
        Err(failure) => calls::halt(failure.exit_code(), B256::ZERO),
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    calls::halt(EXIT_PANIC, B256::ZERO)
}
