//! The state of the machine and its hash: one fixed layout of 416 bytes.
//!
//! What both sides of a dispute sign up to at every step. Numbers are big-endian here; memory is
//! little-endian. Spec: `SPEC.md`, "Machine", section "State".

use crate::exit::ExitCode;
use alloy_primitives::{B256, b256, keccak256};

/// Length of the layout of a state, in bytes.
pub const STATE_LEN: usize = 416;
/// Length of a boot witness, in bytes: image header and input hash.
pub const BOOT_LEN: usize = 128;

/// Domain of boot states: "trestle machine boot" in ASCII, zero-filled.
const BOOT_DOMAIN: B256 = b256!("74726573746c65206d616368696e6520626f6f74000000000000000000000000");

const REGISTERS_AT: usize = 160;

/// State of the machine after its boot step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Root of the memory tree.
    pub memory_root: B256,
    /// Root of the code tree. Never changes.
    pub code_root: B256,
    /// Output of the program; zero until it halts by itself.
    pub output_hash: B256,
    /// Address of the next instruction.
    pub pc: u64,
    /// Steps taken, the boot step included.
    pub step: u64,
    /// Exit code; zero while the machine runs.
    pub exit_code: ExitCode,
    /// True once the machine has halted; then nothing changes any more.
    pub halted: bool,
    /// Address of the first code byte. Never changes.
    pub code_base: u64,
    /// Length of the code in bytes. Never changes.
    pub code_len: u64,
    /// Registers `x0..=x31`; `x0` is 0.
    pub x: [u64; 32],
}

/// Why bytes are no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A state has exactly 416 bytes.
    #[error("state is {got} bytes long, 416 expected")]
    Length {
        /// Length of the bytes given.
        got: usize,
    },
    /// A field breaks the canonical form: reserved bytes or `x0` not zero, a flag above 1, or an
    /// exit code or output in a running machine.
    #[error("state is not canonical")]
    NotCanonical,
}

impl State {
    /// The layout that is hashed.
    #[must_use]
    pub fn encode(&self) -> [u8; STATE_LEN] {
        let mut out = [0; STATE_LEN];
        for (at, root) in [
            (0, self.memory_root),
            (32, self.code_root),
            (64, self.output_hash),
        ] {
            put(&mut out, at, root.as_slice());
        }
        let numbers = [
            (96, self.pc),
            (104, self.step),
            (112, self.exit_code.0),
            (120, u64::from(self.halted)),
            (128, self.code_base),
            (136, self.code_len),
        ];
        for (at, number) in numbers {
            put(&mut out, at, &number.to_be_bytes());
        }
        for (i, register) in self.x.iter().enumerate() {
            let at = REGISTERS_AT.wrapping_add(i.wrapping_mul(8));
            put(&mut out, at, &register.to_be_bytes());
        }
        out
    }

    /// keccak256 of the layout.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// Reads a layout, refusing all that is not canonical.
    ///
    /// # Errors
    /// [`StateError::Length`] unless there are 416 bytes; [`StateError::NotCanonical`] unless
    /// reserved bytes and `x0` are zero, the halted flag is 0 or 1 and a running machine has
    /// neither exit code nor output.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let layout: &[u8; STATE_LEN] = bytes
            .try_into()
            .map_err(|_| StateError::Length { got: bytes.len() })?;
        let mut x = [0; 32];
        for (i, register) in x.iter_mut().enumerate() {
            *register = number(layout, REGISTERS_AT.wrapping_add(i.wrapping_mul(8)));
        }
        let state = Self {
            memory_root: word(layout, 0),
            code_root: word(layout, 32),
            output_hash: word(layout, 64),
            pc: number(layout, 96),
            step: number(layout, 104),
            exit_code: ExitCode(number(layout, 112)),
            halted: number(layout, 120) == 1,
            code_base: number(layout, 128),
            code_len: number(layout, 136),
            x,
        };
        let runs_clean = state.halted || (state.exit_code.0 == 0 && state.output_hash.is_zero());
        if state.encode() != *layout || state.x[0] != 0 || !runs_clean {
            return Err(StateError::NotCanonical);
        }
        Ok(state)
    }
}

fn put(out: &mut [u8; STATE_LEN], at: usize, bytes: &[u8]) {
    if let Some(slot) = out.get_mut(at..at.wrapping_add(bytes.len())) {
        slot.copy_from_slice(bytes);
    }
}

fn word(layout: &[u8; STATE_LEN], at: usize) -> B256 {
    let bytes = layout.get(at..).and_then(|rest| rest.first_chunk::<32>());
    B256::new(bytes.copied().unwrap_or_default())
}

fn number(layout: &[u8; STATE_LEN], at: usize) -> u64 {
    let bytes = layout.get(at..).and_then(|rest| rest.first_chunk::<8>());
    u64::from_be_bytes(bytes.copied().unwrap_or_default())
}

/// Hash of the state before the first step.
#[must_use]
pub fn boot_hash(image_root: &B256, input_hash: &B256) -> B256 {
    let mut layout = [0; 96];
    let parts = [&BOOT_DOMAIN, image_root, input_hash];
    for (slot, part) in layout.chunks_exact_mut(32).zip(parts) {
        slot.copy_from_slice(part.as_slice());
    }
    keccak256(layout)
}

/// Input of a batch proof: keccak256 of the four words, in this order.
#[must_use]
pub fn input_hash(
    config_hash: &B256,
    output_before: &B256,
    batch_acc_before: &B256,
    batch_acc_after: &B256,
) -> B256 {
    let mut layout = [0; 128];
    let parts = [
        config_hash,
        output_before,
        batch_acc_before,
        batch_acc_after,
    ];
    for (slot, part) in layout.chunks_exact_mut(32).zip(parts) {
        slot.copy_from_slice(part.as_slice());
    }
    keccak256(layout)
}

/// The 32 bytes that four little-endian registers hold.
#[must_use]
pub fn output_from_words(words: [u64; 4]) -> B256 {
    let mut bytes = [0; 32];
    for (slot, word) in bytes.chunks_exact_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    B256::new(bytes)
}

/// A 32-byte word as four little-endian registers.
#[must_use]
pub fn words_of(word: &B256) -> [u64; 4] {
    let mut words = [0; 4];
    let (chunks, _) = word.as_chunks::<8>();
    for (slot, chunk) in words.iter_mut().zip(chunks) {
        *slot = u64::from_le_bytes(*chunk);
    }
    words
}
