//! Instruction formats, bit by bit: encoding for tests, and operands for the table decoder.
//!
//! An immediate is a list of the word's bits, from the immediate's highest bit down, as the manual
//! prints it.

use crate::table::ROWS;
use trestle_vm::{Instruction, Op};

/// Where an instruction keeps its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Three registers.
    R,
    /// Two registers and a 12-bit immediate.
    I,
    /// Two registers and a 6-bit shift amount.
    Shift6,
    /// Two registers and a 5-bit shift amount.
    Shift5,
    /// Store.
    S,
    /// Branch.
    B,
    /// Upper immediate.
    U,
    /// Jump.
    J,
    /// No operands.
    Bare,
}

const I_BITS: &[u32] = &[31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20];
const S_BITS: &[u32] = &[31, 30, 29, 28, 27, 26, 25, 11, 10, 9, 8, 7];
const B_BITS: &[u32] = &[31, 7, 30, 29, 28, 27, 26, 25, 11, 10, 9, 8];
const U_BITS: &[u32] = &[
    31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12,
];
const J_BITS: &[u32] = &[
    31, 19, 18, 17, 16, 15, 14, 13, 12, 20, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21,
];
const SHIFT6_BITS: &[u32] = &[25, 24, 23, 22, 21, 20];
const SHIFT5_BITS: &[u32] = &[24, 23, 22, 21, 20];

impl Format {
    /// Bits of the immediate in the word, the power of two that it is scaled by, and its sign.
    const fn immediate(self) -> (&'static [u32], u32, bool) {
        match self {
            Self::R | Self::Bare => (&[], 0, false),
            Self::I => (I_BITS, 0, true),
            Self::Shift6 => (SHIFT6_BITS, 0, false),
            Self::Shift5 => (SHIFT5_BITS, 0, false),
            Self::S => (S_BITS, 0, true),
            Self::B => (B_BITS, 1, true),
            Self::U => (U_BITS, 12, true),
            Self::J => (J_BITS, 1, true),
        }
    }

    /// Which of `rd`, `rs1`, `rs2` it has.
    const fn registers(self) -> (bool, bool, bool) {
        match self {
            Self::R => (true, true, true),
            Self::I | Self::Shift6 | Self::Shift5 => (true, true, false),
            Self::S | Self::B => (false, true, true),
            Self::U | Self::J => (true, false, false),
            Self::Bare => (false, false, false),
        }
    }

    /// Reads the operands of `word`.
    #[must_use]
    pub fn operands(self, op: Op, word: u32) -> Instruction {
        let (bits, scale, is_signed) = self.immediate();
        let mut imm = 0_i64;
        for bit in bits {
            imm = imm * 2 + i64::from(word >> bit & 1);
        }
        if is_signed && imm >> (bits.len() - 1) == 1 {
            imm -= 1 << bits.len();
        }
        let register = |has: bool, at: u32| if has { (word >> at & 31) as u8 } else { 0 };
        let (rd, rs1, rs2) = self.registers();
        Instruction {
            op,
            rd: register(rd, 7),
            rs1: register(rs1, 15),
            rs2: register(rs2, 20),
            imm: i32::try_from(imm << scale).unwrap_or_default(),
        }
    }
}

/// Word of the instruction with these operands.
#[must_use]
pub fn word(op: Op, rd: u8, rs1: u8, rs2: u8, imm: i32) -> u32 {
    encode(Instruction {
        op,
        rd,
        rs1,
        rs2,
        imm,
    })
}

/// The word of an instruction. Bits of the immediate that the format has no room for are lost.
#[must_use]
pub fn encode(instruction: Instruction) -> u32 {
    let Some(row) = ROWS.iter().find(|row| row.op == instruction.op) else {
        return 0;
    };
    let (bits, scale, _) = row.format.immediate();
    let (rd, rs1, rs2) = row.format.registers();
    let mut word = row.fixed;
    let imm = instruction.imm >> scale;
    for (i, bit) in bits.iter().rev().enumerate() {
        word |= ((imm >> i & 1) as u32) << bit;
    }
    for (has, register, at) in [
        (rd, instruction.rd, 7),
        (rs1, instruction.rs1, 15),
        (rs2, instruction.rs2, 20),
    ] {
        if has {
            word |= u32::from(register & 31) << at;
        }
    }
    word
}
