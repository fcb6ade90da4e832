//! Decoding of RV64IM: one 32-bit word to one instruction. Total: what is not RV64IM is `Illegal`.
//!
//! Called when code is loaded and for single steps. Source: RISC-V unprivileged manual 20240411,
//! chapter "RV32/64G Instruction Set Listings". Spec: `SPEC.md`, "Machine", section "Instructions".

/// Operation of an instruction, named as in the RISC-V manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the manual's mnemonics")]
#[rustfmt::skip]
pub enum Op {
    Lui, Auipc, Jal, Jalr, Beq, Bne, Blt, Bge, Bltu, Bgeu,
    Lb, Lh, Lw, Ld, Lbu, Lhu, Lwu, Sb, Sh, Sw, Sd,
    Addi, Slti, Sltiu, Xori, Ori, Andi, Slli, Srli, Srai,
    Add, Sub, Sll, Slt, Sltu, Xor, Srl, Sra, Or, And,
    Addiw, Slliw, Srliw, Sraiw, Addw, Subw, Sllw, Srlw, Sraw,
    Mul, Mulh, Mulhsu, Mulhu, Div, Divu, Rem, Remu, Mulw, Divw, Divuw, Remw, Remuw,
    Fence, Ecall, Ebreak,
    /// Not an RV64IM instruction.
    Illegal,
}

impl Op {
    /// Bytes that a load or store touches, 0 for every other operation.
    #[must_use]
    pub const fn width(self) -> u64 {
        match self {
            Self::Lb | Self::Lbu | Self::Sb => 1,
            Self::Lh | Self::Lhu | Self::Sh => 2,
            Self::Lw | Self::Lwu | Self::Sw => 4,
            Self::Ld | Self::Sd => 8,
            _ => 0,
        }
    }

    /// True for stores.
    #[must_use]
    pub const fn is_store(self) -> bool {
        matches!(self, Self::Sb | Self::Sh | Self::Sw | Self::Sd)
    }
}

/// A decoded instruction. Fields that an operation does not have are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Destination register, 0..=31.
    pub rd: u8,
    /// First source register, 0..=31.
    pub rs1: u8,
    /// Second source register, 0..=31.
    pub rs2: u8,
    /// Immediate, sign-extended; for shifts the amount, for `LUI` and `AUIPC` the value added
    /// (already shifted left by 12), for jumps and branches the distance in bytes.
    pub imm: i32,
}

impl Instruction {
    /// The instruction of every word that is not RV64IM.
    pub const ILLEGAL: Self = Self {
        op: Op::Illegal,
        rd: 0,
        rs1: 0,
        rs2: 0,
        imm: 0,
    };
}

/// Decodes one little-endian instruction word.
#[must_use]
pub const fn decode(word: u32) -> Instruction {
    match word & 0x7f {
        0x37 => u_type(Op::Lui, word),
        0x17 => u_type(Op::Auipc, word),
        0x6f => j_type(word),
        0x67 if funct3(word) == 0 => i_type(Op::Jalr, word),
        0x63 => branch(word),
        0x03 => load(word),
        0x23 => store(word),
        0x13 => op_imm(word),
        0x1b => op_imm_32(word),
        0x33 => r_type(op(word), word),
        0x3b => r_type(op_32(word), word),
        0x0f if funct3(word) == 0 => Instruction {
            op: Op::Fence,
            ..Instruction::ILLEGAL
        },
        0x73 if word == 0x0000_0073 => Instruction {
            op: Op::Ecall,
            ..Instruction::ILLEGAL
        },
        0x73 if word == 0x0010_0073 => Instruction {
            op: Op::Ebreak,
            ..Instruction::ILLEGAL
        },
        _ => Instruction::ILLEGAL,
    }
}

const fn funct3(word: u32) -> u32 {
    (word >> 12) & 7
}

const fn funct7(word: u32) -> u32 {
    word >> 25
}

const fn register(word: u32, shift: u32) -> u8 {
    (word.wrapping_shr(shift) & 31) as u8
}

const fn i_imm(word: u32) -> i32 {
    word.cast_signed() >> 20
}

const fn i_type(op: Op, word: u32) -> Instruction {
    let (rd, rs1) = (register(word, 7), register(word, 15));
    Instruction {
        op,
        rd,
        rs1,
        rs2: 0,
        imm: i_imm(word),
    }
}

const fn shift(op: Op, word: u32, amount: i32) -> Instruction {
    Instruction {
        imm: amount,
        ..i_type(op, word)
    }
}

const fn u_type(op: Op, word: u32) -> Instruction {
    let imm = (word & 0xffff_f000).cast_signed();
    Instruction {
        op,
        rd: register(word, 7),
        rs1: 0,
        rs2: 0,
        imm,
    }
}

const fn j_type(word: u32) -> Instruction {
    let imm = ((word.cast_signed() >> 31) << 20)
        | (word & 0x000f_f000).cast_signed()
        | ((word >> 9) & 0x800).cast_signed()
        | ((word >> 20) & 0x7fe).cast_signed();
    Instruction {
        op: Op::Jal,
        rd: register(word, 7),
        rs1: 0,
        rs2: 0,
        imm,
    }
}

const fn branch(word: u32) -> Instruction {
    let op = match funct3(word) {
        0 => Op::Beq,
        1 => Op::Bne,
        4 => Op::Blt,
        5 => Op::Bge,
        6 => Op::Bltu,
        7 => Op::Bgeu,
        _ => return Instruction::ILLEGAL,
    };
    let imm = ((word.cast_signed() >> 31) << 12)
        | ((word << 4) & 0x800).cast_signed()
        | ((word >> 20) & 0x7e0).cast_signed()
        | ((word >> 7) & 0x1e).cast_signed();
    Instruction {
        op,
        rd: 0,
        rs1: register(word, 15),
        rs2: register(word, 20),
        imm,
    }
}

const fn load(word: u32) -> Instruction {
    let op = match funct3(word) {
        0 => Op::Lb,
        1 => Op::Lh,
        2 => Op::Lw,
        3 => Op::Ld,
        4 => Op::Lbu,
        5 => Op::Lhu,
        6 => Op::Lwu,
        _ => return Instruction::ILLEGAL,
    };
    i_type(op, word)
}

const fn store(word: u32) -> Instruction {
    let op = match funct3(word) {
        0 => Op::Sb,
        1 => Op::Sh,
        2 => Op::Sw,
        3 => Op::Sd,
        _ => return Instruction::ILLEGAL,
    };
    let imm = ((word.cast_signed() >> 25) << 5) | ((word >> 7) & 31).cast_signed();
    Instruction {
        op,
        rd: 0,
        rs1: register(word, 15),
        rs2: register(word, 20),
        imm,
    }
}

const fn op_imm(word: u32) -> Instruction {
    let amount = ((word >> 20) & 63).cast_signed();
    match (funct3(word), word >> 26) {
        (0, _) => i_type(Op::Addi, word),
        (1, 0) => shift(Op::Slli, word, amount),
        (2, _) => i_type(Op::Slti, word),
        (3, _) => i_type(Op::Sltiu, word),
        (4, _) => i_type(Op::Xori, word),
        (5, 0) => shift(Op::Srli, word, amount),
        (5, 16) => shift(Op::Srai, word, amount),
        (6, _) => i_type(Op::Ori, word),
        (7, _) => i_type(Op::Andi, word),
        _ => Instruction::ILLEGAL,
    }
}

const fn op_imm_32(word: u32) -> Instruction {
    let amount = ((word >> 20) & 31).cast_signed();
    match (funct3(word), funct7(word)) {
        (0, _) => i_type(Op::Addiw, word),
        (1, 0) => shift(Op::Slliw, word, amount),
        (5, 0) => shift(Op::Srliw, word, amount),
        (5, 32) => shift(Op::Sraiw, word, amount),
        _ => Instruction::ILLEGAL,
    }
}

const fn r_type(op: Op, word: u32) -> Instruction {
    if matches!(op, Op::Illegal) {
        return Instruction::ILLEGAL;
    }
    let (rd, rs1, rs2) = (register(word, 7), register(word, 15), register(word, 20));
    Instruction {
        op,
        rd,
        rs1,
        rs2,
        imm: 0,
    }
}

const fn op(word: u32) -> Op {
    match (funct7(word), funct3(word)) {
        (0, 0) => Op::Add,
        (32, 0) => Op::Sub,
        (0, 1) => Op::Sll,
        (0, 2) => Op::Slt,
        (0, 3) => Op::Sltu,
        (0, 4) => Op::Xor,
        (0, 5) => Op::Srl,
        (32, 5) => Op::Sra,
        (0, 6) => Op::Or,
        (0, 7) => Op::And,
        (1, 0) => Op::Mul,
        (1, 1) => Op::Mulh,
        (1, 2) => Op::Mulhsu,
        (1, 3) => Op::Mulhu,
        (1, 4) => Op::Div,
        (1, 5) => Op::Divu,
        (1, 6) => Op::Rem,
        (1, 7) => Op::Remu,
        _ => Op::Illegal,
    }
}

const fn op_32(word: u32) -> Op {
    match (funct7(word), funct3(word)) {
        (0, 0) => Op::Addw,
        (32, 0) => Op::Subw,
        (0, 1) => Op::Sllw,
        (0, 5) => Op::Srlw,
        (32, 5) => Op::Sraw,
        (1, 0) => Op::Mulw,
        (1, 4) => Op::Divw,
        (1, 5) => Op::Divuw,
        (1, 6) => Op::Remw,
        (1, 7) => Op::Remuw,
        _ => Op::Illegal,
    }
}
