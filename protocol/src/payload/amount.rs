//! Amounts of wei in columns: `mantissa · 10^exponent`, since people send round numbers.
//!
//! Three columns for `n` amounts: `n` exponents of one byte, `n` lengths of one byte, and the
//! mantissas, big-endian without leading zero bytes.

use super::{PayloadError, cursor::Cursor};
use alloc::vec::Vec;
use alloy_primitives::{U256, uint};

/// Largest power of ten below 2^256.
const MAX_EXPONENT: u8 = 77;

/// Appends the three columns of `amounts`.
pub(super) fn write_amounts(out: &mut Vec<u8>, amounts: impl Iterator<Item = U256> + Clone) {
    let parts: Vec<_> = amounts.map(split).collect();
    out.extend(parts.iter().map(|(_, exponent)| *exponent));
    out.extend(
        parts
            .iter()
            .map(|(mantissa, _)| mantissa.byte_len().to_le_bytes()[0]),
    );
    for (mantissa, _) in &parts {
        let bytes = mantissa.to_be_bytes::<32>();
        out.extend(
            bytes
                .iter()
                .skip(32_usize.saturating_sub(mantissa.byte_len())),
        );
    }
}

/// Reads the three columns of `count` amounts.
pub(super) fn read_amounts(
    cursor: &mut Cursor<'_>,
    count: usize,
    column: &'static str,
) -> Result<Vec<U256>, PayloadError> {
    let exponents = cursor.take(count, column)?;
    let lengths = cursor.take(count, column)?;
    let join = |(exponent, length): (&u8, &u8)| {
        let bytes = cursor.take(usize::from(*length), column)?;
        join(bytes, *exponent).ok_or(PayloadError::Amount { column })
    };
    exponents.iter().zip(lengths).map(join).collect()
}

/// Mantissa and exponent, the mantissa no multiple of ten.
fn split(amount: U256) -> (U256, u8) {
    match u64::try_from(amount) {
        Ok(0) => (U256::ZERO, 0),
        Ok(small) => {
            let (mut mantissa, mut exponent) = (small, 0_u8);
            while mantissa.is_multiple_of(10) {
                (mantissa, exponent) = (mantissa / 10, exponent.saturating_add(1));
            }
            (U256::from(mantissa), exponent)
        }
        Err(_) => {
            let (mut mantissa, mut exponent) = (amount, 0_u8);
            loop {
                let (quotient, rest) = mantissa.div_rem(uint!(10_U256));
                if !rest.is_zero() {
                    return (mantissa, exponent);
                }
                (mantissa, exponent) = (quotient, exponent.saturating_add(1));
            }
        }
    }
}

/// The amount; `None` if it is not in the form that [`split`] gives, or above 2^256 − 1. A mantissa
/// that is a multiple of ten is let through.
fn join(mantissa: &[u8], exponent: u8) -> Option<U256> {
    if exponent > MAX_EXPONENT || mantissa.first() == Some(&0) {
        return None;
    }
    let value = U256::try_from_be_slice(mantissa)?;
    if exponent == 0 {
        return Some(value);
    }
    if value.is_zero() {
        return None;
    }
    uint!(10_U256)
        .checked_pow(U256::from(exponent))?
        .checked_mul(value)
}
