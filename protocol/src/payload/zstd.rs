//! Blocks of a zstd frame, decoded strictly: whatever RFC 8878 leaves to the decoder is refused here.
//!
//! Every decoder agrees on what an encoder writes. On blocks that no encoder writes they differ, and
//! two honest nodes must not; so this one is ours, and `SPEC.md` says what it refuses. Called by
//! `frame`, which has checked the chain of blocks. Never panics; its memory is that of the output.
//! Source: RFC 8878, section 3.1.1.2; `SPEC.md`, section 4.

mod bits;
mod fse;
mod huffman;
mod literals;
mod sequences;

use alloc::vec::Vec;

use huffman::HuffmanTable;
use sequences::{Offsets, SequenceTables};

/// What one block hands on to the next, and the output so far.
#[derive(Debug, Default)]
pub(super) struct BlockDecoder {
    huffman: Option<HuffmanTable>,
    tables: SequenceTables,
    offsets: Offsets,
    literals: Vec<u8>,
    output: Vec<u8>,
}

impl BlockDecoder {
    /// Everything that the blocks so far regenerated.
    pub(super) const fn output(&self) -> &Vec<u8> {
        &self.output
    }

    /// The output itself.
    pub(super) fn into_output(self) -> Vec<u8> {
        self.output
    }

    /// A block of the bytes themselves.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// A block of one byte, `count` times.
    pub(super) fn repeated(&mut self, byte: u8, count: usize) {
        let len = self.output.len().saturating_add(count);
        self.output.resize(len, byte);
    }

    /// A compressed block that regenerates at most `max_block` bytes; `None` if it is corrupt.
    pub(super) fn compressed(&mut self, mut bytes: &[u8], max_block: usize) -> Option<()> {
        let end = self.output.len().checked_add(max_block)?;
        self.literals.clear();
        literals::read(&mut bytes, max_block, &mut self.huffman, &mut self.literals)?;
        let mut literals = self.literals.as_slice();
        if let Some(mut sequences) = sequences::read(bytes, &mut self.tables)? {
            while let Some(sequence) = sequences.next()? {
                let offset = self.offsets.resolve(&sequence)?;
                let copied = take(&mut literals, sequence.literals)?;
                let grown = sequence.literals.checked_add(sequence.length)?;
                if self.output.len().checked_add(grown)? > end {
                    return None;
                }
                self.output.extend_from_slice(copied);
                repeat(&mut self.output, offset, sequence.length)?;
            }
        }
        if self.output.len().checked_add(literals.len())? > end {
            return None;
        }
        self.output.extend_from_slice(literals);
        Some(())
    }
}

/// Appends `length` bytes that begin `offset` bytes before the end; the copy may run into itself.
fn repeat(output: &mut Vec<u8>, offset: usize, length: usize) -> Option<()> {
    let from = output.len().checked_sub(offset)?;
    let mut left = length;
    while left > 0 {
        let count = left.min(output.len().saturating_sub(from));
        output.extend_from_within(from..from.saturating_add(count));
        left = left.saturating_sub(count);
    }
    Some(())
}

/// Takes the first `len` bytes off the front.
fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken)
}

/// Takes the first `N` bytes off the front, as a little-endian number.
fn take_number<const N: usize>(rest: &mut &[u8]) -> Option<usize> {
    let bytes = take(rest, N)?.iter().rev();
    Some(bytes.fold(0, |number, byte| (number << 8) | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn match_that_runs_into_itself_repeats_its_bytes() {
        let mut output = b"abc".to_vec();
        repeat(&mut output, 2, 5).unwrap();
        assert_eq!(output, b"abcbcbcb");
    }

    #[test]
    fn match_before_the_first_byte_is_refused() {
        assert_eq!(repeat(&mut b"abc".to_vec(), 4, 1), None);
    }
}
