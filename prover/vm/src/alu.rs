//! Results of the arithmetic instructions that need more than one operator.
//!
//! Called by the interpreter. Source: RISC-V manual, chapters "RV64I" and "M extension". The
//! witness executor has its own arithmetic, so that the two check each other.

/// Sign-extends the low 32 bits.
pub(crate) const fn sext32(value: u64) -> u64 {
    i64::from_ne_bytes((value << 32).to_ne_bytes())
        .wrapping_shr(32)
        .cast_unsigned()
}

/// `value >> amount` with the sign bit shifted in; the low 6 bits of `amount` count.
pub(crate) const fn sra(value: u64, amount: u64) -> u64 {
    (value.cast_signed().wrapping_shr((amount & 63) as u32)).cast_unsigned()
}

/// `SLLW`: the low 32 bits shifted left, sign-extended; the low 5 bits of `amount` count.
pub(crate) const fn sllw(value: u64, amount: u64) -> u64 {
    sext32(value.wrapping_shl((amount & 31) as u32))
}

/// `SRLW`: the low 32 bits shifted right, sign-extended; the low 5 bits of `amount` count.
pub(crate) const fn srlw(value: u64, amount: u64) -> u64 {
    sext32((value & 0xffff_ffff).wrapping_shr((amount & 31) as u32))
}

/// `SRAW`: the low 32 bits as a signed number shifted right; the low 5 bits of `amount` count.
pub(crate) const fn sraw(value: u64, amount: u64) -> u64 {
    sra(sext32(value), amount & 31)
}

/// High 64 bits of the signed product.
pub(crate) const fn mulh(a: u64, b: u64) -> u64 {
    ((a.cast_signed() as i128).wrapping_mul(b.cast_signed() as i128) >> 64) as u64
}

/// High 64 bits of the product of signed `a` and unsigned `b`.
pub(crate) const fn mulhsu(a: u64, b: u64) -> u64 {
    ((a.cast_signed() as i128).wrapping_mul(b as i128) >> 64) as u64
}

/// High 64 bits of the unsigned product.
pub(crate) const fn mulhu(a: u64, b: u64) -> u64 {
    ((a as u128).wrapping_mul(b as u128) >> 64) as u64
}

/// `DIV`: -1 for a zero divisor; the most negative number divided by -1 stays itself.
pub(crate) const fn div(a: u64, b: u64) -> u64 {
    match a.cast_signed().checked_div(b.cast_signed()) {
        Some(quotient) => quotient.cast_unsigned(),
        None if b == 0 => u64::MAX,
        None => a,
    }
}

/// `DIVU`: all ones for a zero divisor.
pub(crate) const fn divu(a: u64, b: u64) -> u64 {
    match a.checked_div(b) {
        Some(quotient) => quotient,
        None => u64::MAX,
    }
}

/// `REM`: the dividend for a zero divisor; 0 for the most negative number and -1.
pub(crate) const fn rem(a: u64, b: u64) -> u64 {
    match a.cast_signed().checked_rem(b.cast_signed()) {
        Some(remainder) => remainder.cast_unsigned(),
        None if b == 0 => a,
        None => 0,
    }
}

/// `REMU`: the dividend for a zero divisor.
pub(crate) const fn remu(a: u64, b: u64) -> u64 {
    match a.checked_rem(b) {
        Some(remainder) => remainder,
        None => a,
    }
}

/// `DIVW` on the low 32 bits, sign-extended.
pub(crate) const fn divw(a: u64, b: u64) -> u64 {
    sext32(div(sext32(a), sext32(b)))
}

/// `DIVUW` on the low 32 bits, sign-extended.
pub(crate) const fn divuw(a: u64, b: u64) -> u64 {
    sext32(divu(a & 0xffff_ffff, b & 0xffff_ffff))
}

/// `REMW` on the low 32 bits, sign-extended.
pub(crate) const fn remw(a: u64, b: u64) -> u64 {
    sext32(rem(sext32(a), sext32(b)))
}

/// `REMUW` on the low 32 bits, sign-extended.
pub(crate) const fn remuw(a: u64, b: u64) -> u64 {
    sext32(remu(a & 0xffff_ffff, b & 0xffff_ffff))
}
