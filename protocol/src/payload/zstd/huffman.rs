//! The Huffman code of literals: its description, and streams in it.
//!
//! Source: RFC 8878, section 4.2.

use super::{
    bits::BackwardBits,
    fse::{Alphabet, FseTable},
    take, take_number,
};
use alloc::{vec, vec::Vec};

/// Bits of the longest code.
const MAX_BITS: u32 = 11;
/// Most weights that a description gives; that of the last symbol follows from them.
const MAX_WEIGHTS: usize = 255;
/// Table that compresses the weights.
const WEIGHTS: Alphabet = Alphabet {
    max_symbol: u8::MAX,
    max_log: 6,
};

/// Which symbol the next bits of a stream stand for, and how many of them it takes.
#[derive(Debug)]
pub(super) struct HuffmanTable {
    log: u32,
    cells: Vec<Code>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Code {
    symbol: u8,
    bits: u8,
}

impl HuffmanTable {
    /// Takes the description of a code off the front of `bytes`.
    pub(super) fn read(bytes: &mut &[u8]) -> Option<Self> {
        let head = take_number::<1>(bytes)?;
        let weights = match head.checked_sub(127) {
            None | Some(0) => compressed_weights(take(bytes, head)?)?,
            Some(count) => plain_weights(take(bytes, count.div_ceil(2))?, count),
        };
        Self::from_weights(weights)
    }

    /// The code in which a symbol of weight `w > 0` takes `log + 1 − w` bits; 0 is a symbol that does
    /// not occur. The last symbol fills the code up.
    fn from_weights(mut weights: Vec<u8>) -> Option<Self> {
        let mut sum = 0_u32;
        for weight in &weights {
            sum = sum.checked_add(1_u32.checked_shl(u32::from(*weight))? >> 1)?;
        }
        let log = sum.checked_ilog2()?.checked_add(1)?;
        let size = 1_u32.checked_shl(log)?;
        let left = size.checked_sub(sum)?;
        if log > MAX_BITS || !left.is_power_of_two() {
            return None;
        }
        weights.push(u8::try_from(left.checked_ilog2()?).ok()?.checked_add(1)?);
        // The longest codes come in pairs; a code without any could be one bit shorter.
        if weights.iter().filter(|weight| **weight == 1).count() < 2 {
            return None;
        }
        let mut cells = Vec::with_capacity(size as usize);
        for weight in 1..=u8::try_from(log).ok()? {
            let bits = u8::try_from(log)
                .ok()?
                .checked_add(1)?
                .checked_sub(weight)?;
            let span = 1_usize.checked_shl(u32::from(weight))? >> 1;
            for (symbol, _) in (0..=u8::MAX).zip(&weights).filter(|(_, w)| **w == weight) {
                let len = cells.len().checked_add(span)?;
                cells.resize(len, Code { symbol, bits });
            }
        }
        Some(Self { log, cells })
    }

    /// Appends the `count` symbols of a stream, which must end with them.
    pub(super) fn decode(&self, stream: &[u8], count: usize, out: &mut Vec<u8>) -> Option<()> {
        let mut bits = BackwardBits::new(stream)?;
        for _ in 0..count {
            let code = self.cells.get(bits.peek(self.log) as usize)?;
            bits.skip(u32::from(code.bits))?;
            out.push(code.symbol);
        }
        bits.is_empty().then_some(())
    }
}

/// Weights of four bits each, the first in the upper half of its byte.
fn plain_weights(bytes: &[u8], count: usize) -> Vec<u8> {
    let mut weights: Vec<_> = bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .collect();
    weights.truncate(count);
    weights
}

/// Weights from two states that take turns, until one asks for bits that are not there; the other
/// then has the last word.
fn compressed_weights(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let table = FseTable::read(&mut bytes, WEIGHTS)?;
    let mut bits = BackwardBits::new(bytes)?;
    let mut states = [bits.read(table.log)?, bits.read(table.log)?];
    let mut weights = vec![];
    while weights.len() < MAX_WEIGHTS.saturating_sub(1) {
        let [state, other] = states;
        let cell = table.cell(state)?;
        weights.push(cell.symbol);
        let Some(step) = bits.read(u32::from(cell.bits)) else {
            weights.push(table.cell(other)?.symbol);
            return Some(weights);
        };
        states = [other, u32::from(cell.base).saturating_add(step)];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_weight_follows_from_the_others() {
        let table = HuffmanTable::from_weights(vec![4, 3, 2, 0, 1]).unwrap();
        assert_eq!((table.log, table.cells.len()), (4, 16));
        let lengths = |symbol| table.cells.iter().filter(|c| c.symbol == symbol).count();
        assert_eq!([0, 1, 2, 3, 4, 5].map(lengths), [8, 4, 2, 0, 1, 1]);
    }

    #[test]
    fn weights_that_fill_no_code_are_refused() {
        for weights in [
            vec![],
            vec![0, 0],
            vec![12, 1],
            vec![3, 3, 3, 1],
            vec![2, 2],
        ] {
            assert!(
                HuffmanTable::from_weights(weights.clone()).is_none(),
                "{weights:?}"
            );
        }
    }

    #[test]
    fn stream_with_bits_left_or_missing_is_refused() {
        let table = HuffmanTable::from_weights(vec![1]).unwrap();
        let mut out = vec![];
        assert_eq!(table.decode(&[0b1010], 3, &mut out), Some(()));
        assert_eq!(out, [0, 1, 0]);
        assert_eq!(table.decode(&[0b1010], 2, &mut out), None);
        assert_eq!(table.decode(&[0b1010], 4, &mut out), None);
    }
}
