//! The seam for executors: registers, and the trait behind which an interpreter or a JIT stands.
//!
//! The machine owns traps, system calls and counting; an engine runs what lies between them.

use crate::memory::Memory;

/// The register file. Writes to `x0` are lost; slot 32 takes them in pre-decoded code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers([u64; 64]);

impl Default for Registers {
    fn default() -> Self {
        Self([0; 64])
    }
}

#[expect(clippy::indexing_slicing, reason = "the index is masked to the length")]
impl Registers {
    /// Slot that takes writes to `x0`.
    pub const SINK: u8 = 32;

    /// Registers with the given values; `x0` is 0 whatever is given.
    #[must_use]
    pub fn new(values: &[u64; 32]) -> Self {
        let mut x = Self::default();
        for (i, value) in (0..32).zip(values) {
            x.set(i, *value);
        }
        x
    }

    /// Value of a register.
    #[inline]
    #[must_use]
    pub const fn get(&self, register: u8) -> u64 {
        self.0[(register & 63) as usize]
    }

    /// Sets a register, `x0` excepted.
    #[inline]
    pub const fn set(&mut self, register: u8, value: u64) {
        if register != 0 {
            self.0[(register & 63) as usize] = value;
        }
    }

    /// Sets a slot whose number pre-decoding has already moved away from 0.
    #[inline]
    pub(crate) const fn put(&mut self, slot: u8, value: u64) {
        self.0[(slot & 63) as usize] = value;
    }

    /// `x0..=x31`.
    #[must_use]
    pub fn values(&self) -> [u64; 32] {
        let mut values = [0; 32];
        for (slot, value) in values.iter_mut().zip(self.0) {
            *slot = value;
        }
        values
    }
}

/// Program counter and registers: what an engine changes beside memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hart {
    /// Address of the next instruction.
    pub pc: u64,
    /// The registers.
    pub x: Registers,
}

/// Runs plain instructions: those that neither trap nor call, and whose target lies in the code.
pub trait Engine: core::fmt::Debug {
    /// Runs at most `budget` instructions and stops *before* the first that is not plain.
    ///
    /// Returns how many ran; exactly `budget` unless it met such an instruction. Every changed
    /// page is marked in `memory`.
    fn run(&mut self, hart: &mut Hart, memory: &mut Memory, budget: u64) -> u64;
}
