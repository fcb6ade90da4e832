//! The reference engine: pre-decoded code, direct memory, dirty pages marked.
//!
//! Runs on any architecture; the machine calls it through [`Engine`]. What traps, calls or leaves
//! the code is left to the machine. Spec: `SPEC.md`, "Machine", section "Instructions".

use crate::{
    alu,
    decode::{Instruction, Op, decode},
    engine::{Engine, Hart, Registers},
    image::Image,
    memory::Memory,
};
use alloc::vec::Vec;

/// One instruction, made ready: writes to `x0` go to the sink, targets are code indices.
#[derive(Debug, Clone, Copy)]
struct Ready {
    op: Op,
    rd: u8,
    rs1: u8,
    rs2: u8,
    /// Immediate; for `JAL` and branches the index of the target in the code.
    imm: i32,
}

/// Interpreter over the pre-decoded code of one image.
#[derive(Debug, Clone)]
pub struct Interpreter {
    code: Vec<Ready>,
    base: u64,
}

impl Interpreter {
    /// Decodes the code of `image`.
    #[must_use]
    pub fn new(image: &Image) -> Self {
        let words: Vec<u32> = image.words().collect();
        let count = words.len();
        let code = words
            .iter()
            .enumerate()
            .map(|(i, word)| ready(i, count, decode(*word)));
        Self {
            code: code.collect(),
            base: image.header().code_base,
        }
    }

    /// Index of `pc` in the code; too large if it lies outside or is misaligned.
    #[inline]
    fn index(&self, pc: u64) -> usize {
        let offset = pc.wrapping_sub(self.base);
        if offset & 3 == 0 {
            usize::try_from(offset >> 2).unwrap_or(usize::MAX)
        } else {
            usize::MAX
        }
    }
}

/// Turns distances into indices. A jump out of the code or to a misaligned address becomes
/// `Illegal`, which the engine leaves to the machine.
fn ready(at: usize, count: usize, instruction: Instruction) -> Ready {
    let Instruction {
        op,
        rd,
        rs1,
        rs2,
        imm,
    } = instruction;
    let rd = if rd == 0 { Registers::SINK } else { rd };
    let is_jump = matches!(
        op,
        Op::Jal | Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu
    );
    if !is_jump {
        return Ready {
            op,
            rd,
            rs1,
            rs2,
            imm,
        };
    }
    let target = i64::try_from(at)
        .ok()
        .and_then(|at| at.checked_add(i64::from(imm >> 2)));
    let target = target.and_then(|target| usize::try_from(target).ok());
    match target.filter(|target| imm & 3 == 0 && *target < count) {
        Some(target) => Ready {
            op,
            rd,
            rs1,
            rs2,
            imm: i32::try_from(target).unwrap_or(-1),
        },
        None => Ready {
            op: Op::Illegal,
            rd,
            rs1,
            rs2,
            imm,
        },
    }
}

impl Engine for Interpreter {
    #[expect(clippy::too_many_lines, reason = "one dispatch over 65 operations")]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "stores keep the low bytes by definition"
    )]
    #[expect(clippy::cast_sign_loss, reason = "code indices are not negative")]
    fn run(&mut self, hart: &mut Hart, memory: &mut Memory, budget: u64) -> u64 {
        let x = &mut hart.x;
        let mut at = self.index(hart.pc);
        let mut left = budget;
        while left != 0 {
            let Some(&i) = self.code.get(at) else { break };
            let next = at.wrapping_add(1);
            macro_rules! a {
                () => {
                    x.get(i.rs1)
                };
            }
            macro_rules! b {
                () => {
                    x.get(i.rs2)
                };
            }
            macro_rules! imm {
                () => {
                    i64::from(i.imm).cast_unsigned()
                };
            }
            macro_rules! put {
                ($value:expr) => {{
                    let value = $value;
                    x.put(i.rd, value);
                }};
            }
            macro_rules! branch {
                ($taken:expr) => {
                    if $taken {
                        at = i.imm as usize;
                        left = left.wrapping_sub(1);
                        continue;
                    }
                };
            }
            macro_rules! load {
                ($n:literal, $from:expr) => {{
                    let Some(bytes) = memory.load::<$n>(a!().wrapping_add(imm!())) else {
                        break;
                    };
                    put!($from(bytes))
                }};
            }
            macro_rules! store {
                ($as:ty) => {{
                    let bytes = (b!() as $as).to_le_bytes();
                    let Some(()) = memory.store(a!().wrapping_add(imm!()), bytes) else {
                        break;
                    };
                }};
            }
            let here = || self.base.wrapping_add((at as u64) << 2);
            match i.op {
                Op::Lui => put!(imm!()),
                Op::Auipc => put!(here().wrapping_add(imm!())),
                Op::Jal => {
                    put!(here().wrapping_add(4));
                    branch!(true);
                }
                Op::Jalr => {
                    let target = self.index(a!().wrapping_add(imm!()) & !1);
                    if target >= self.code.len() {
                        break;
                    }
                    put!(here().wrapping_add(4));
                    at = target;
                    left = left.wrapping_sub(1);
                    continue;
                }
                Op::Beq => branch!(a!() == b!()),
                Op::Bne => branch!(a!() != b!()),
                Op::Blt => branch!(a!().cast_signed() < b!().cast_signed()),
                Op::Bge => branch!(a!().cast_signed() >= b!().cast_signed()),
                Op::Bltu => branch!(a!() < b!()),
                Op::Bgeu => branch!(a!() >= b!()),
                Op::Lb => load!(1, |v| i64::from(i8::from_le_bytes(v)).cast_unsigned()),
                Op::Lh => load!(2, |v| i64::from(i16::from_le_bytes(v)).cast_unsigned()),
                Op::Lw => load!(4, |v| i64::from(i32::from_le_bytes(v)).cast_unsigned()),
                Op::Ld => load!(8, u64::from_le_bytes),
                Op::Lbu => load!(1, |v| u64::from(u8::from_le_bytes(v))),
                Op::Lhu => load!(2, |v| u64::from(u16::from_le_bytes(v))),
                Op::Lwu => load!(4, |v| u64::from(u32::from_le_bytes(v))),
                Op::Sb => store!(u8),
                Op::Sh => store!(u16),
                Op::Sw => store!(u32),
                Op::Sd => store!(u64),
                Op::Addi => put!(a!().wrapping_add(imm!())),
                Op::Slti => put!(u64::from(a!().cast_signed() < i64::from(i.imm))),
                Op::Sltiu => put!(u64::from(a!() < imm!())),
                Op::Xori => put!(a!() ^ imm!()),
                Op::Ori => put!(a!() | imm!()),
                Op::Andi => put!(a!() & imm!()),
                Op::Slli => put!(a!().wrapping_shl(i.imm as u32)),
                Op::Srli => put!(a!().wrapping_shr(i.imm as u32)),
                Op::Srai => put!(alu::sra(a!(), imm!())),
                Op::Add => put!(a!().wrapping_add(b!())),
                Op::Sub => put!(a!().wrapping_sub(b!())),
                Op::Sll => put!(a!().wrapping_shl(b!() as u32)),
                Op::Slt => put!(u64::from(a!().cast_signed() < b!().cast_signed())),
                Op::Sltu => put!(u64::from(a!() < b!())),
                Op::Xor => put!(a!() ^ b!()),
                Op::Srl => put!(a!().wrapping_shr(b!() as u32)),
                Op::Sra => put!(alu::sra(a!(), b!())),
                Op::Or => put!(a!() | b!()),
                Op::And => put!(a!() & b!()),
                Op::Addiw => put!(alu::sext32(a!().wrapping_add(imm!()))),
                Op::Slliw => put!(alu::sllw(a!(), imm!())),
                Op::Srliw => put!(alu::srlw(a!(), imm!())),
                Op::Sraiw => put!(alu::sraw(a!(), imm!())),
                Op::Addw => put!(alu::sext32(a!().wrapping_add(b!()))),
                Op::Subw => put!(alu::sext32(a!().wrapping_sub(b!()))),
                Op::Sllw => put!(alu::sllw(a!(), b!())),
                Op::Srlw => put!(alu::srlw(a!(), b!())),
                Op::Sraw => put!(alu::sraw(a!(), b!())),
                Op::Mul => put!(a!().wrapping_mul(b!())),
                Op::Mulh => put!(alu::mulh(a!(), b!())),
                Op::Mulhsu => put!(alu::mulhsu(a!(), b!())),
                Op::Mulhu => put!(alu::mulhu(a!(), b!())),
                Op::Div => put!(alu::div(a!(), b!())),
                Op::Divu => put!(alu::divu(a!(), b!())),
                Op::Rem => put!(alu::rem(a!(), b!())),
                Op::Remu => put!(alu::remu(a!(), b!())),
                Op::Mulw => put!(alu::sext32(a!().wrapping_mul(b!()))),
                Op::Divw => put!(alu::divw(a!(), b!())),
                Op::Divuw => put!(alu::divuw(a!(), b!())),
                Op::Remw => put!(alu::remw(a!(), b!())),
                Op::Remuw => put!(alu::remuw(a!(), b!())),
                Op::Fence => {}
                Op::Ecall | Op::Ebreak | Op::Illegal => break,
            }
            at = next;
            left = left.wrapping_sub(1);
        }
        // An index that is out of range came from a `pc` that is still in `hart`, or fell off the end.
        if at <= self.code.len() {
            hart.pc = self.base.wrapping_add((at as u64) << 2);
        }
        budget.wrapping_sub(left)
    }
}
