//! Reading and writing the pieces that columns are made of.

use super::PayloadError;
use alloc::vec::Vec;
use alloy_primitives::Bytes;

/// Bytes of the longest LEB128 form of a `u64`.
const MAX_VARINT: usize = 10;

/// Appends `value` in LEB128: seven bits a byte, least significant first, the top bit set on all
/// but the last.
pub(super) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// The step from `from` to `to` modulo 2^64 as a small number if it is small either way.
pub(super) const fn zigzag(from: u64, to: u64) -> u64 {
    let step = to.wrapping_sub(from);
    (step << 1) ^ (step >> 63).wrapping_neg()
}

/// Undoes [`zigzag`].
pub(super) const fn unzigzag(from: u64, code: u64) -> u64 {
    from.wrapping_add((code >> 1) ^ (code & 1).wrapping_neg())
}

/// What is left of the columns.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    columns: &'a Bytes,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(columns: &'a Bytes) -> Self {
        Self { columns, at: 0 }
    }

    /// Bytes left.
    pub(super) fn left(&self) -> &'a [u8] {
        self.columns.get(self.at..).unwrap_or_default()
    }

    /// The next `len` bytes.
    pub(super) fn take(
        &mut self,
        len: usize,
        column: &'static str,
    ) -> Result<&'a [u8], PayloadError> {
        let taken = self
            .left()
            .get(..len)
            .ok_or(PayloadError::Truncated { column })?;
        self.at = self.at.saturating_add(len);
        Ok(taken)
    }

    /// The next `len` bytes without copying them.
    pub(super) fn share(
        &mut self,
        len: usize,
        column: &'static str,
    ) -> Result<Bytes, PayloadError> {
        let from = self.at;
        self.take(len, column)?;
        Ok(self.columns.slice(from..self.at))
    }

    /// The next number.
    pub(super) fn varint(&mut self, column: &'static str) -> Result<u64, PayloadError> {
        let mut value = 0_u64;
        for (index, byte) in self.left().iter().take(MAX_VARINT).enumerate() {
            let shift = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(7);
            let bits = u64::from(byte & 0x7f);
            let shifted = bits.checked_shl(shift).unwrap_or(0);
            if shifted >> shift != bits {
                return Err(PayloadError::Number { column });
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                self.at = self.at.saturating_add(index).saturating_add(1);
                let is_minimal = index == 0 || *byte != 0;
                return if is_minimal {
                    Ok(value)
                } else {
                    Err(PayloadError::Number { column })
                };
            }
        }
        match self.left().len() < MAX_VARINT {
            true => Err(PayloadError::Truncated { column }),
            false => Err(PayloadError::Number { column }),
        }
    }

    /// The next `count` numbers. The caller has bounded `count`.
    pub(super) fn varints(
        &mut self,
        count: usize,
        column: &'static str,
    ) -> Result<Vec<u64>, PayloadError> {
        if count > self.left().len() {
            return Err(PayloadError::Truncated { column });
        }
        (0..count).map(|_| self.varint(column)).collect()
    }

    /// The next number as a count of at most `limit`.
    pub(super) fn count(
        &mut self,
        limit: usize,
        column: &'static str,
    ) -> Result<usize, PayloadError> {
        let count = self.varint(column)?;
        within(count, limit, column)
    }

    /// Strings: all their lengths, then all their bytes.
    pub(super) fn strings(
        &mut self,
        count: usize,
        column: &'static str,
    ) -> Result<Vec<Bytes>, PayloadError> {
        let lengths = self.varints(count, column)?;
        let share = |length| match usize::try_from(length) {
            Ok(length) => self.share(length, column),
            Err(_) => Err(PayloadError::Truncated { column }),
        };
        lengths.into_iter().map(share).collect()
    }

    /// The next RLP item, decoded by `decode` and canonical.
    pub(super) fn rlp<T: alloy_rlp::Decodable>(
        &mut self,
        column: &'static str,
    ) -> Result<T, PayloadError> {
        let mut rest = self.left();
        let before = rest.len();
        let value = T::decode(&mut rest).map_err(|_| PayloadError::List { column })?;
        self.at = self.at.saturating_add(before.saturating_sub(rest.len()));
        Ok(value)
    }
}

/// `count` as an index type if it is at most `limit`.
pub(super) fn within(
    count: u64,
    limit: usize,
    column: &'static str,
) -> Result<usize, PayloadError> {
    let limit_reached = PayloadError::TooMany {
        column,
        count,
        limit: u64::try_from(limit).unwrap_or(u64::MAX),
    };
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= limit)
        .ok_or(limit_reached)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<u64, PayloadError> {
        Cursor::new(&Bytes::copy_from_slice(bytes)).varint("n")
    }

    proptest! {
        #[test]
        fn varint_written_reads_back(value in any::<u64>(), shift in 0_u32..64) {
            let value = value >> shift;
            let mut out = Vec::new();
            write_varint(&mut out, value);
            prop_assert_eq!(read(&out), Ok(value));
            out.pop();
            prop_assert_eq!(read(&out), Err(PayloadError::Truncated { column: "n" }));
        }

        #[test]
        fn zigzag_undone_gives_the_same(from in any::<u64>(), to in any::<u64>()) {
            prop_assert_eq!(unzigzag(from, zigzag(from, to)), to);
        }
    }

    #[test]
    fn varint_that_is_longer_than_need_be_is_refused() {
        let error = Err(PayloadError::Number { column: "n" });
        assert_eq!(read(&[0x80, 0x00]), error);
        assert_eq!(read(&[0xff, 0x80, 0x00]), error);
        assert_eq!(read(&[0xff; 10]), error);
        assert_eq!(
            read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]),
            error
        );
        let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(read(&max), Ok(u64::MAX));
    }

    #[test]
    fn zigzag_of_a_small_step_is_small() {
        assert_eq!(
            (zigzag(5, 5), zigzag(5, 4), zigzag(5, 6), zigzag(5, 3)),
            (0, 1, 2, 3)
        );
    }
}
