//! RV64IM as a table of masks: a second decoder that shares nothing with the machine's.
//!
//! Rows follow the RISC-V opcode listing: a word is the instruction whose fixed bits it has.

use crate::encode::Format;
use trestle_vm::{Instruction, Op};

/// One instruction: a word belongs to it when `word & mask == fixed`.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The operation.
    pub op: Op,
    /// Which bits are fixed.
    pub mask: u32,
    /// Their values.
    pub fixed: u32,
    /// Where the operands are.
    pub format: Format,
}

const fn row(op: Op, mask: u32, fixed: u32, format: Format) -> Row {
    Row {
        op,
        mask,
        fixed,
        format,
    }
}

const OPCODE: u32 = 0x0000_007f;
const FUNCT3: u32 = 0x0000_707f;
const FUNCT6: u32 = 0xfc00_707f;
const FUNCT7: u32 = 0xfe00_707f;
const WHOLE: u32 = 0xffff_ffff;

/// Every instruction of RV64IM.
pub const ROWS: [Row; 65] = {
    use Format::{B, Bare, I, J, R, S, Shift5, Shift6, U};
    [
        row(Op::Lui, OPCODE, 0x0000_0037, U),
        row(Op::Auipc, OPCODE, 0x0000_0017, U),
        row(Op::Jal, OPCODE, 0x0000_006f, J),
        row(Op::Jalr, FUNCT3, 0x0000_0067, I),
        row(Op::Beq, FUNCT3, 0x0000_0063, B),
        row(Op::Bne, FUNCT3, 0x0000_1063, B),
        row(Op::Blt, FUNCT3, 0x0000_4063, B),
        row(Op::Bge, FUNCT3, 0x0000_5063, B),
        row(Op::Bltu, FUNCT3, 0x0000_6063, B),
        row(Op::Bgeu, FUNCT3, 0x0000_7063, B),
        row(Op::Lb, FUNCT3, 0x0000_0003, I),
        row(Op::Lh, FUNCT3, 0x0000_1003, I),
        row(Op::Lw, FUNCT3, 0x0000_2003, I),
        row(Op::Ld, FUNCT3, 0x0000_3003, I),
        row(Op::Lbu, FUNCT3, 0x0000_4003, I),
        row(Op::Lhu, FUNCT3, 0x0000_5003, I),
        row(Op::Lwu, FUNCT3, 0x0000_6003, I),
        row(Op::Sb, FUNCT3, 0x0000_0023, S),
        row(Op::Sh, FUNCT3, 0x0000_1023, S),
        row(Op::Sw, FUNCT3, 0x0000_2023, S),
        row(Op::Sd, FUNCT3, 0x0000_3023, S),
        row(Op::Addi, FUNCT3, 0x0000_0013, I),
        row(Op::Slti, FUNCT3, 0x0000_2013, I),
        row(Op::Sltiu, FUNCT3, 0x0000_3013, I),
        row(Op::Xori, FUNCT3, 0x0000_4013, I),
        row(Op::Ori, FUNCT3, 0x0000_6013, I),
        row(Op::Andi, FUNCT3, 0x0000_7013, I),
        row(Op::Slli, FUNCT6, 0x0000_1013, Shift6),
        row(Op::Srli, FUNCT6, 0x0000_5013, Shift6),
        row(Op::Srai, FUNCT6, 0x4000_5013, Shift6),
        row(Op::Add, FUNCT7, 0x0000_0033, R),
        row(Op::Sub, FUNCT7, 0x4000_0033, R),
        row(Op::Sll, FUNCT7, 0x0000_1033, R),
        row(Op::Slt, FUNCT7, 0x0000_2033, R),
        row(Op::Sltu, FUNCT7, 0x0000_3033, R),
        row(Op::Xor, FUNCT7, 0x0000_4033, R),
        row(Op::Srl, FUNCT7, 0x0000_5033, R),
        row(Op::Sra, FUNCT7, 0x4000_5033, R),
        row(Op::Or, FUNCT7, 0x0000_6033, R),
        row(Op::And, FUNCT7, 0x0000_7033, R),
        row(Op::Addiw, FUNCT3, 0x0000_001b, I),
        row(Op::Slliw, FUNCT7, 0x0000_101b, Shift5),
        row(Op::Srliw, FUNCT7, 0x0000_501b, Shift5),
        row(Op::Sraiw, FUNCT7, 0x4000_501b, Shift5),
        row(Op::Addw, FUNCT7, 0x0000_003b, R),
        row(Op::Subw, FUNCT7, 0x4000_003b, R),
        row(Op::Sllw, FUNCT7, 0x0000_103b, R),
        row(Op::Srlw, FUNCT7, 0x0000_503b, R),
        row(Op::Sraw, FUNCT7, 0x4000_503b, R),
        row(Op::Mul, FUNCT7, 0x0200_0033, R),
        row(Op::Mulh, FUNCT7, 0x0200_1033, R),
        row(Op::Mulhsu, FUNCT7, 0x0200_2033, R),
        row(Op::Mulhu, FUNCT7, 0x0200_3033, R),
        row(Op::Div, FUNCT7, 0x0200_4033, R),
        row(Op::Divu, FUNCT7, 0x0200_5033, R),
        row(Op::Rem, FUNCT7, 0x0200_6033, R),
        row(Op::Remu, FUNCT7, 0x0200_7033, R),
        row(Op::Mulw, FUNCT7, 0x0200_003b, R),
        row(Op::Divw, FUNCT7, 0x0200_403b, R),
        row(Op::Divuw, FUNCT7, 0x0200_503b, R),
        row(Op::Remw, FUNCT7, 0x0200_603b, R),
        row(Op::Remuw, FUNCT7, 0x0200_703b, R),
        row(Op::Fence, FUNCT3, 0x0000_000f, Bare),
        row(Op::Ecall, WHOLE, 0x0000_0073, Bare),
        row(Op::Ebreak, WHOLE, 0x0010_0073, Bare),
    ]
};

/// The table, sorted by opcode for speed.
#[derive(Debug, Clone)]
pub struct Table {
    by_opcode: Vec<Vec<Row>>,
}

impl Default for Table {
    fn default() -> Self {
        let of = |opcode| {
            ROWS.iter()
                .filter(|row| row.fixed & 0x7f == opcode)
                .copied()
                .collect()
        };
        Self {
            by_opcode: (0..128).map(of).collect(),
        }
    }
}

impl Table {
    /// The row that `word` belongs to.
    #[must_use]
    pub fn find(&self, word: u32) -> Option<&Row> {
        let rows = self.by_opcode.get((word & 0x7f) as usize)?;
        rows.iter().find(|row| word & row.mask == row.fixed)
    }

    /// Decodes `word` in the machine's terms.
    #[must_use]
    pub fn decode(&self, word: u32) -> Instruction {
        match self.find(word) {
            Some(row) => row.format.operands(row.op, word),
            None => Instruction::ILLEGAL,
        }
    }
}
