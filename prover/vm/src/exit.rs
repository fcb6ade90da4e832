//! How a machine ends: the exit code of a program, or the trap that stopped it.
//!
//! Spec: `SPEC.md`, "Machine", section "Halting".

/// Why the machine stopped a program. The numbers are those of RISC-V's `mcause` where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Trap {
    /// The program counter, or the target of a taken jump, is no multiple of 4.
    PcMisaligned = 0,
    /// The program counter lies outside the code.
    PcOutside = 1,
    /// The word is no RV64IM instruction.
    IllegalInstruction = 2,
    /// `EBREAK`.
    Breakpoint = 3,
    /// A load touches an address at or above 2^32.
    LoadOutside = 5,
    /// A store touches an address at or above 2^32.
    StoreOutside = 7,
    /// `ECALL` with an unknown number in `a7`.
    UnknownCall = 8,
    /// A known call with an argument outside its domain.
    CallArgument = 24,
}

impl Trap {
    /// Every trap, in the order of the numbers.
    pub const ALL: [Self; 8] = [
        Self::PcMisaligned,
        Self::PcOutside,
        Self::IllegalInstruction,
        Self::Breakpoint,
        Self::LoadOutside,
        Self::StoreOutside,
        Self::UnknownCall,
        Self::CallArgument,
    ];
}

/// Exit code of a halted machine, 64 bits.
///
/// A program's own code is the low 32 bits of `a0`; a trap is `2^32 + its number`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExitCode(pub u64);

impl ExitCode {
    const TRAP: u64 = 1 << 32;

    /// Exit code of a program that halts with `a0`.
    #[must_use]
    pub const fn from_program(a0: u64) -> Self {
        Self(a0 & 0xffff_ffff)
    }

    /// Exit code of a trap.
    #[must_use]
    pub const fn from_trap(trap: Trap) -> Self {
        Self(Self::TRAP | trap as u64)
    }

    /// The trap, if one ended the program.
    #[must_use]
    pub fn trap(self) -> Option<Trap> {
        Trap::ALL
            .into_iter()
            .find(|&trap| Self::from_trap(trap) == self)
    }

    /// True when the program ended by itself with code 0.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == 0
    }
}
