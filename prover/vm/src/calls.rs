//! Numbers and argument rules of the system calls, shared by everything that executes one.
//!
//! `ECALL` takes its number in `a7`. Spec: `SPEC.md`, "Machine", section "System calls".

use crate::{
    memory::PAGE_LEN,
    preimage::{KEY_BLOB, KEY_KECCAK, PreimageKey},
    state::output_from_words,
};
use alloy_primitives::B256;

/// Halts with the exit code in `a0` and the output in `a1..a4`. Linux's `exit`, on purpose.
pub const CALL_HALT: u64 = 93;
/// Reads 32 bytes of a preimage into memory.
pub const CALL_READ_WORD: u64 = 2000;
/// Reads 4,096 bytes of a keccak256 preimage into memory.
pub const CALL_READ_PAGE: u64 = 2001;
/// Hashes the first bytes of one page.
pub const CALL_KECCAK: u64 = 2002;
/// Recovers the signer from one leaf laid out as the input of precompile 1.
pub const CALL_ECRECOVER: u64 = 2003;

/// Addresses are below this, in bytes.
pub(crate) const ADDRESS_SPACE: u64 = 1 << 32;

/// One system call with its arguments, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// End of the program.
    Halt { a0: u64, output: B256 },
    /// Read of `len` bytes, 32 or 4,096, of a preimage from `offset` on to `to`.
    Read {
        key: PreimageKey,
        offset: u64,
        to: u32,
        len: usize,
    },
    /// Hash of the first `len` bytes of the page at `page`.
    Keccak { page: u32, len: usize },
    /// Recovery over the leaf at `leaf`.
    Ecrecover { leaf: u32 },
    /// An argument outside its domain.
    BadArgument,
    /// No such call.
    Unknown,
}

impl Call {
    /// Reads the call from the registers. `a` is `a0..=a7`.
    pub(crate) fn from_registers(a: &[u64; 8]) -> Self {
        let [a0, a1, a2, a3, a4, a5, a6, a7] = *a;
        match a7 {
            CALL_HALT => Self::Halt {
                a0,
                output: output_from_words([a1, a2, a3, a4]),
            },
            CALL_READ_WORD => Self::read(a0, a1, (a6, [a2, a3, a4, a5]), 32),
            CALL_READ_PAGE => Self::read(a0, a1, (a6, [a2, a3, a4, a5]), PAGE_LEN),
            CALL_KECCAK => match (aligned(a0, PAGE_LEN), usize::try_from(a1)) {
                (Some(page), Ok(len)) if len <= PAGE_LEN => Self::Keccak { page, len },
                _ => Self::BadArgument,
            },
            CALL_ECRECOVER => match aligned(a0, crate::tree::LEAF_LEN) {
                Some(leaf) => Self::Ecrecover { leaf },
                None => Self::BadArgument,
            },
            _ => Self::Unknown,
        }
    }

    fn read(to: u64, offset: u64, (kind, key): (u64, [u64; 4]), len: usize) -> Self {
        let hash = output_from_words(key);
        let key = match kind {
            KEY_KECCAK => PreimageKey::Keccak(hash),
            KEY_BLOB if len == 32 && offset & 31 == 0 => PreimageKey::Blob(hash),
            _ => return Self::BadArgument,
        };
        match aligned(to, len) {
            Some(to) => Self::Read {
                key,
                offset,
                to,
                len,
            },
            None => Self::BadArgument,
        }
    }
}

/// `address` if it lies in the address space and is a multiple of `unit`, a power of two of bytes.
fn aligned(address: u64, unit: usize) -> Option<u32> {
    u32::try_from(address)
        .ok()
        .filter(|a| (*a as usize) & unit.wrapping_sub(1) == 0)
}
