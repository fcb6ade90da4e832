//! The machine's system calls. Spec: `SPEC.md`, M.7.
#![expect(
    unsafe_code,
    reason = "SAFETY: each call is one ECALL whose effects are those of SPEC.md, M.7, and is \
              declared to the compiler with every register and the memory that it changes"
)]

use alloy_primitives::B256;
use core::{arch::asm, cell::UnsafeCell};

/// Length of a page, in bytes.
pub(crate) const PAGE: usize = 4_096;

/// A page at an address that the calls accept.
#[repr(C, align(4096))]
pub(crate) struct Page(pub(crate) [u8; PAGE]);

/// The page through which everything of up to a page goes in and out of the machine.
struct Scratch(UnsafeCell<Page>);

// SAFETY: one hart, no interrupts.
unsafe impl Sync for Scratch {}

static SCRATCH: Scratch = Scratch(UnsafeCell::new(Page([0; PAGE])));

/// Lends the scratch page, with whatever was last in it. Not to be nested.
#[inline]
pub(crate) fn with_page<T>(work: impl FnOnce(&mut Page) -> T) -> T {
    // SAFETY: the only place that borrows the page; its two callers, preimages and keccak, do not
    // call each other while they hold it.
    work(unsafe { &mut *SCRATCH.0.get() })
}

/// 32 bytes at an address that the calls accept.
#[repr(C, align(32))]
pub(crate) struct Word(pub(crate) [u8; 32]);

/// The input of `ecrecover`, at an address that the call accepts.
#[cfg(feature = "native-calls")]
#[repr(C, align(128))]
pub(crate) struct Leaf(pub(crate) [u8; 128]);

const KEY_KECCAK: u64 = 1;
const KEY_BLOB: u64 = 2;

/// A 32-byte word from the four registers that hold it.
pub(crate) fn word_of(registers: [u64; 4]) -> B256 {
    let mut word = B256::ZERO;
    for (chunk, register) in word.0.as_chunks_mut::<8>().0.iter_mut().zip(registers) {
        *chunk = register.to_le_bytes();
    }
    word
}

/// The four registers of a 32-byte word.
fn registers_of(word: &B256) -> [u64; 4] {
    let mut registers = [0; 4];
    for (register, chunk) in registers.iter_mut().zip(word.0.as_chunks::<8>().0) {
        *register = u64::from_le_bytes(*chunk);
    }
    registers
}

/// Ends the program.
pub(crate) fn halt(exit_code: u64, output: B256) -> ! {
    let [w0, w1, w2, w3] = registers_of(&output);
    // SAFETY: the call does not return.
    unsafe {
        asm!(
            "ecall",
            in("a0") exit_code, in("a1") w0, in("a2") w1, in("a3") w2, in("a4") w3,
            in("a7") 93,
            options(noreturn, nostack),
        )
    }
}

/// Reads the page of the preimage of `hash` at `offset`; the result is the preimage's length.
pub(crate) fn read_page(page: &mut Page, offset: u64, hash: &B256) -> u64 {
    let [k0, k1, k2, k3] = registers_of(hash);
    let mut a0 = page.0.as_mut_ptr() as u64;
    // SAFETY: the call writes one page at its address, which is exclusively borrowed.
    unsafe {
        asm!(
            "ecall",
            inout("a0") a0, in("a1") offset,
            in("a2") k0, in("a3") k1, in("a4") k2, in("a5") k3, in("a6") KEY_KECCAK,
            in("a7") 2001,
            options(nostack),
        );
    }
    a0
}

/// Reads field element `index` of the blob with this versioned hash.
pub(crate) fn read_element(word: &mut Word, index: u32, hash: &B256) {
    let [k0, k1, k2, k3] = registers_of(hash);
    let offset = u64::from(index) << 5;
    // SAFETY: the call writes 32 bytes at its address, which are exclusively borrowed.
    unsafe {
        asm!(
            "ecall",
            inout("a0") word.0.as_mut_ptr() as u64 => _, in("a1") offset,
            in("a2") k0, in("a3") k1, in("a4") k2, in("a5") k3, in("a6") KEY_BLOB,
            in("a7") 2000,
            options(nostack),
        );
    }
}

/// Keccak-256 of the first `len ≤ 4,096` bytes of a page.
#[cfg(feature = "native-calls")]
pub(crate) fn keccak(page: &Page, len: usize) -> B256 {
    let (mut w0, w1, w2, w3): (u64, u64, u64, u64);
    w0 = page.0.as_ptr() as u64;
    // SAFETY: the call reads the page, which is borrowed, and changes four registers.
    unsafe {
        asm!(
            "ecall",
            inout("a0") w0, inout("a1") len as u64 => w1, lateout("a2") w2, lateout("a3") w3,
            in("a7") 2002,
            options(nostack, readonly),
        );
    }
    word_of([w0, w1, w2, w3])
}

/// Signer by the rules of the EVM's precompile 1, left-padded; `None` if there is none.
#[cfg(feature = "native-calls")]
pub(crate) fn ecrecover(leaf: &Leaf) -> Option<B256> {
    let (mut found, w0, w1, w2, w3): (u64, u64, u64, u64, u64);
    found = leaf.0.as_ptr() as u64;
    // SAFETY: the call reads the leaf, which is borrowed, and changes five registers.
    unsafe {
        asm!(
            "ecall",
            inout("a0") found, lateout("a1") w0, lateout("a2") w1, lateout("a3") w2, lateout("a4") w3,
            in("a7") 2003,
            options(nostack, readonly),
        );
    }
    (found == 1).then(|| word_of([w0, w1, w2, w3]))
}
