//! Bit streams of zstd: forward for table descriptions, backward for everything else.
//!
//! Source: RFC 8878, section 4.1.

/// Bits of a stream that is read from its end: below the highest set bit of its last byte.
#[derive(Debug)]
pub(super) struct BackwardBits<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> BackwardBits<'a> {
    /// `None` if the stream is empty or ends with a zero byte, which marks no end.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let marker = bytes.last()?.checked_ilog2()?;
        let whole = bytes.len().saturating_sub(1).checked_mul(8)?;
        let left = whole.checked_add(marker as usize)?;
        Some(Self { bytes, left })
    }

    /// The next `count ≤ 32` bits, most significant first; zeros beyond the beginning.
    pub(super) fn peek(&self, count: u32) -> u32 {
        let start = self.left.saturating_sub(count as usize);
        let there = u32::try_from(self.left).unwrap_or(count).min(count);
        bits_at(self.bytes, start, there).wrapping_shl(count.saturating_sub(there))
    }

    /// Passes over `count` bits; `None` if there are fewer.
    pub(super) fn skip(&mut self, count: u32) -> Option<()> {
        self.left = self.left.checked_sub(count as usize)?;
        Some(())
    }

    /// Reads `count ≤ 32` bits; `None` if there are fewer.
    pub(super) fn read(&mut self, count: u32) -> Option<u32> {
        let bits = self.peek(count);
        self.skip(count)?;
        Some(bits)
    }

    /// Whether all bits have been read.
    pub(super) const fn is_empty(&self) -> bool {
        self.left == 0
    }
}

/// Bits of a stream that is read from its front, least significant first.
#[derive(Debug)]
pub(super) struct ForwardBits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> ForwardBits<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count ≤ 32` bits; zeros beyond the end.
    pub(super) fn peek(&self, count: u32) -> u32 {
        bits_at(self.bytes, self.at, count)
    }

    /// Passes over `count` bits, which may lie beyond the end.
    pub(super) const fn skip(&mut self, count: u32) {
        self.at = self.at.saturating_add(count as usize);
    }

    /// Reads `count ≤ 32` bits; zeros beyond the end.
    pub(super) fn read(&mut self, count: u32) -> u32 {
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// The whole bytes after those that were read from; `None` if reading went beyond the end.
    pub(super) fn rest(&self) -> Option<&'a [u8]> {
        self.bytes.get(self.at.div_ceil(8)..)
    }
}

/// `count ≤ 32` bits from bit `start`, bit 0 being the least significant of the first byte.
fn bits_at(bytes: &[u8], start: usize, count: u32) -> u32 {
    let rest = bytes.get(start / 8..).unwrap_or_default();
    let word = match rest.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => rest
            .iter()
            .rev()
            .fold(0, |word, byte| (word << 8) | u64::from(*byte)),
    };
    let mask = 1_u64.wrapping_shl(count).wrapping_sub(1);
    let shift = u32::try_from(start % 8).unwrap_or_default();
    let bits = word.wrapping_shr(shift) & mask;
    u32::try_from(bits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backward_bits_come_from_below_the_marker() {
        let mut bits = BackwardBits::new(&[0b1010_0110, 0b0001_0110]).unwrap();
        assert_eq!(bits.read(4), Some(0b0110));
        assert_eq!(bits.read(3), Some(0b101));
        assert_eq!(bits.peek(8), 0b0011_0000);
        assert_eq!(bits.read(6), None);
        assert_eq!(bits.read(5), Some(0b0_0110));
        assert!(bits.is_empty());
    }

    #[test]
    fn stream_without_a_marker_is_refused() {
        assert!(BackwardBits::new(&[]).is_none());
        assert!(BackwardBits::new(&[1, 0]).is_none());
    }

    #[test]
    fn forward_bits_come_from_the_lowest_and_tell_what_is_left() {
        let mut bits = ForwardBits::new(&[0b1010_0110, 0xff, 7]);
        assert_eq!(bits.read(3), 0b110);
        assert_eq!(bits.read(7), 0b11_10100);
        assert_eq!(bits.rest(), Some(&[7][..]));
        bits.skip(15);
        assert_eq!(bits.rest(), None);
        assert_eq!(bits.read(5), 0);
    }
}
