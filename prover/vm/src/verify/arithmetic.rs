//! Arithmetic of the witness executor, in 128 bits and apart from the interpreter's.
//!
//! Source: RISC-V manual, chapters "RV64I" and "M extension".

use crate::decode::Op;
use alloy_primitives::U256;

/// True when the second operand is a register, not the immediate.
pub(super) const fn is_register_form(op: Op) -> bool {
    !matches!(
        op,
        Op::Addi
            | Op::Slti
            | Op::Sltiu
            | Op::Xori
            | Op::Ori
            | Op::Andi
            | Op::Slli
            | Op::Srli
            | Op::Srai
            | Op::Addiw
            | Op::Slliw
            | Op::Srliw
            | Op::Sraiw
    )
}

/// Result of an arithmetic instruction, computed in 128 bits so that nothing overflows unseen.
pub(super) fn compute(op: Op, a: u64, b: u64) -> u64 {
    match op {
        Op::Addi | Op::Add => low(wide(a).wrapping_add(wide(b))),
        Op::Sub => low(wide(a).wrapping_sub(wide(b))),
        Op::Slti | Op::Slt => u64::from(wide(a) < wide(b)),
        Op::Sltiu | Op::Sltu => u64::from(a < b),
        Op::Xori | Op::Xor => a ^ b,
        Op::Ori | Op::Or => a | b,
        Op::Andi | Op::And => a & b,
        Op::Slli | Op::Sll => low(wide(a).wrapping_shl(small(b & 63))),
        Op::Srli | Op::Srl => low(i128::from(a).wrapping_shr(small(b & 63))),
        Op::Srai | Op::Sra => low(wide(a).wrapping_shr(small(b & 63))),
        Op::Mul => low(wide(a).wrapping_mul(wide(b))),
        Op::Mulh => low(wide(a).wrapping_mul(wide(b)) >> 64),
        Op::Mulhsu => low(wide(a).wrapping_mul(i128::from(b)) >> 64),
        Op::Mulhu => U256::from(a)
            .wrapping_mul(U256::from(b))
            .wrapping_shr(64)
            .to::<u64>(),
        Op::Div | Op::Divu | Op::Rem | Op::Remu => divide(op, a, b),
        _ => word32(compute32(op, a, b)),
    }
}

/// The low 32 bits of the results of the `W` instructions.
fn compute32(op: Op, a: u64, b: u64) -> u64 {
    let (low_a, low_b) = (a & 0xffff_ffff, b & 0xffff_ffff);
    match op {
        Op::Addiw | Op::Addw => a.wrapping_add(b),
        Op::Subw => a.wrapping_sub(b),
        Op::Mulw => a.wrapping_mul(b),
        Op::Slliw | Op::Sllw => a.wrapping_shl(small(b & 31)),
        Op::Srliw | Op::Srlw => low_a.wrapping_shr(small(b & 31)),
        Op::Sraiw | Op::Sraw => low(wide(word32(a)).wrapping_shr(small(b & 31))),
        Op::Divw => divide(Op::Div, word32(a), word32(b)),
        Op::Remw => divide(Op::Rem, word32(a), word32(b)),
        Op::Divuw if low_b == 0 => u64::MAX,
        Op::Divuw => divide(Op::Divu, low_a, low_b),
        _ => divide(Op::Remu, low_a, low_b),
    }
}

fn divide(op: Op, a: u64, b: u64) -> u64 {
    let is_signed = matches!(op, Op::Div | Op::Rem);
    let (n, d) = if is_signed {
        (wide(a), wide(b))
    } else {
        (i128::from(a), i128::from(b))
    };
    let is_quotient = matches!(op, Op::Div | Op::Divu);
    match (is_quotient, n.checked_div(d), n.checked_rem(d)) {
        (true, Some(quotient), _) => low(quotient),
        (true, None, _) => u64::MAX,
        (false, _, Some(remainder)) => low(remainder),
        (false, _, None) => a,
    }
}

const fn wide(value: u64) -> i128 {
    value.cast_signed() as i128
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the low 64 bits"
)]
const fn low(value: i128) -> u64 {
    value as u64
}

/// Sign-extends the low 32 bits.
const fn word32(value: u64) -> u64 {
    let value = value & 0xffff_ffff;
    if value >> 31 == 1 {
        value | 0xffff_ffff_0000_0000
    } else {
        value
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "callers pass shift amounts below 64"
)]
const fn small(value: u64) -> u32 {
    value as u32
}
