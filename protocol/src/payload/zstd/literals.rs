//! The literals of a compressed block.
//!
//! Source: RFC 8878, section 3.1.1.3.1.

use super::{huffman::HuffmanTable, take, take_number};
use alloc::vec::Vec;

/// Fewest literals in four streams.
const MIN_OF_FOUR: usize = 6;

/// Takes the literals section off the front of a block and appends what it regenerates, at most
/// `max` bytes, to `out`. A section with a code of its own leaves it in `huffman` for later blocks.
pub(super) fn read(
    bytes: &mut &[u8],
    max: usize,
    huffman: &mut Option<HuffmanTable>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let head = usize::from(*bytes.first()?);
    let (kind, format) = (head & 3, (head >> 2) & 3);
    if kind >= 2 {
        return read_compressed(bytes, head, max, huffman, out);
    }
    let count = match format {
        0 | 2 => take_number::<1>(bytes)? >> 3,
        1 => take_number::<2>(bytes)? >> 4,
        _ => take_number::<3>(bytes)? >> 4,
    };
    if count > max {
        return None;
    }
    match kind {
        0 => out.extend_from_slice(take(bytes, count)?),
        _ => out.resize(count, *take(bytes, 1)?.first()?),
    }
    Some(())
}

fn read_compressed(
    bytes: &mut &[u8],
    head: usize,
    max: usize,
    huffman: &mut Option<HuffmanTable>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let (has_table, format) = (head & 3 == 2, (head >> 2) & 3);
    let (sizes, width) = match format {
        0 | 1 => (take_number::<3>(bytes)?, 10),
        2 => (take_number::<4>(bytes)?, 14),
        _ => (take_number::<5>(bytes)?, 18),
    };
    let mask = (1_usize << width).wrapping_sub(1);
    let count = (sizes >> 4) & mask;
    let mut section = take(bytes, (sizes >> 4 >> width) & mask)?;
    let fewest = if format == 0 { 1 } else { MIN_OF_FOUR };
    if count < fewest || count > max {
        return None;
    }
    if has_table {
        *huffman = Some(HuffmanTable::read(&mut section)?);
    }
    let table = huffman.as_ref()?;
    match format {
        0 => table.decode(section, count, out),
        _ => decode_four(table, section, count, out),
    }
}

/// Four streams behind the lengths of the first three; each but the last has a quarter of the
/// symbols, rounded up.
fn decode_four(
    table: &HuffmanTable,
    mut section: &[u8],
    count: usize,
    out: &mut Vec<u8>,
) -> Option<()> {
    let mut lengths = [0; 3];
    for length in &mut lengths {
        *length = take_number::<2>(&mut section)?;
    }
    let quarter = count.div_ceil(4);
    for length in lengths {
        table.decode(take(&mut section, length)?, quarter, out)?;
    }
    table.decode(section, count.checked_sub(quarter.checked_mul(3)?)?, out)
}
