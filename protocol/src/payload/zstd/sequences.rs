//! The sequences of a compressed block: how many literals, then how much is repeated from where.
//!
//! Source: RFC 8878, sections 3.1.1.3.2 and 3.1.1.4; its appendix A for the predefined tables.

use super::{
    bits::BackwardBits,
    fse::{Alphabet, Cell, FseTable},
    take_number,
};

/// Smallest offset value that is no repeated offset, less 1.
const REPEATED: u32 = 3;

/// One of the three things that a sequence says.
#[derive(Debug)]
struct Field {
    alphabet: Alphabet,
    predefined_log: u32,
    predefined: &'static [i16],
}

const LITERALS: Field = Field {
    alphabet: Alphabet {
        max_symbol: 35,
        max_log: 9,
    },
    predefined_log: 6,
    predefined: &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1,
        1, 1, -1, -1, -1, -1,
    ],
};
const OFFSETS: Field = Field {
    alphabet: Alphabet {
        max_symbol: 31,
        max_log: 8,
    },
    predefined_log: 5,
    predefined: &[
        1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
    ],
};
const LENGTHS: Field = Field {
    alphabet: Alphabet {
        max_symbol: 52,
        max_log: 9,
    },
    predefined_log: 6,
    predefined: &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
};

/// Base and extra bits of the codes of literal counts from 16.
const LITERAL_CODES: [(u32, u8); 20] = [
    (16, 1),
    (18, 1),
    (20, 1),
    (22, 1),
    (24, 2),
    (28, 2),
    (32, 3),
    (40, 3),
    (48, 4),
    (64, 6),
    (128, 7),
    (256, 8),
    (512, 9),
    (1024, 10),
    (2048, 11),
    (4096, 12),
    (8192, 13),
    (16_384, 14),
    (32_768, 15),
    (65_536, 16),
];
/// Base and extra bits of the codes of match lengths from 32.
const LENGTH_CODES: [(u32, u8); 21] = [
    (35, 1),
    (37, 1),
    (39, 1),
    (41, 1),
    (43, 2),
    (47, 2),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 5),
    (131, 7),
    (259, 8),
    (515, 9),
    (1027, 10),
    (2051, 11),
    (4099, 12),
    (8195, 13),
    (16_387, 14),
    (32_771, 15),
    (65_539, 16),
];

/// The tables of the last block that had sequences.
#[derive(Debug, Default)]
pub(super) struct SequenceTables {
    literals: Option<FseTable>,
    offsets: Option<FseTable>,
    lengths: Option<FseTable>,
}

/// Copy `literals` bytes of the literals, then `length` bytes from an offset back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    /// Literals, in bytes.
    pub(super) literals: usize,
    /// Bytes repeated; at least 3.
    pub(super) length: usize,
    /// Offset plus 3, or which of the last offsets.
    offset: u32,
}

/// The last three offsets of a frame, the newest first.
#[derive(Debug)]
pub(super) struct Offsets([usize; 3]);

impl Default for Offsets {
    fn default() -> Self {
        Self([1, 4, 8])
    }
}

impl Offsets {
    /// How far back the match of `sequence` begins, in bytes; never 0.
    pub(super) fn resolve(&mut self, sequence: &Sequence) -> Option<usize> {
        let [first, second, third] = self.0;
        // Without literals the last offset itself makes no sense, and the others move up.
        let which = match sequence.offset.checked_sub(REPEATED) {
            Some(offset) if offset > 0 => {
                let offset = offset as usize;
                self.0 = [offset, first, second];
                return Some(offset);
            }
            _ => sequence
                .offset
                .saturating_add(u32::from(sequence.literals == 0)),
        };
        self.0 = match which {
            1 => self.0,
            2 => [second, first, third],
            3 => [third, first, second],
            _ => [
                first.checked_sub(1).filter(|offset| *offset > 0)?,
                first,
                second,
            ],
        };
        self.0.first().copied()
    }
}

/// The sequences of one block, in order.
#[derive(Debug)]
pub(super) struct Sequences<'a> {
    tables: [&'a FseTable; 3],
    /// Of literals, offsets and lengths.
    states: [u32; 3],
    bits: BackwardBits<'a>,
    left: usize,
}

/// Reads the head of the sequences section, which is the rest of a block; `Some(None)` if it has no
/// sequences, `None` if it is corrupt.
pub(super) fn read<'a>(
    mut bytes: &'a [u8],
    tables: &'a mut SequenceTables,
) -> Option<Option<Sequences<'a>>> {
    let count = read_count(&mut bytes)?;
    if count == 0 {
        return bytes.is_empty().then_some(None);
    }
    let modes = take_number::<1>(&mut bytes)?;
    if modes & 3 != 0 {
        return None;
    }
    read_table(&mut bytes, modes >> 6, &LITERALS, &mut tables.literals)?;
    read_table(&mut bytes, (modes >> 4) & 3, &OFFSETS, &mut tables.offsets)?;
    read_table(&mut bytes, (modes >> 2) & 3, &LENGTHS, &mut tables.lengths)?;
    let tables = [
        tables.literals.as_ref()?,
        tables.offsets.as_ref()?,
        tables.lengths.as_ref()?,
    ];
    let mut bits = BackwardBits::new(bytes)?;
    let mut states = [0; 3];
    for (state, table) in states.iter_mut().zip(tables) {
        *state = bits.read(table.log)?;
    }
    Some(Some(Sequences {
        tables,
        states,
        bits,
        left: count,
    }))
}

fn read_count(bytes: &mut &[u8]) -> Option<usize> {
    Some(match take_number::<1>(bytes)? {
        first @ 0..128 => first,
        255 => take_number::<2>(bytes)?.checked_add(0x7f00)?,
        first => ((first & 0x7f) << 8) | take_number::<1>(bytes)?,
    })
}

fn read_table(
    bytes: &mut &[u8],
    mode: usize,
    field: &Field,
    table: &mut Option<FseTable>,
) -> Option<()> {
    *table = Some(match mode {
        0 => FseTable::from_counts(field.predefined_log, field.predefined)?,
        1 => {
            let symbol = u8::try_from(take_number::<1>(bytes)?).ok()?;
            let is_known = symbol <= field.alphabet.max_symbol;
            is_known.then(|| FseTable::single(symbol))?
        }
        2 => FseTable::read(bytes, field.alphabet)?,
        _ => return table.is_some().then_some(()),
    });
    Some(())
}

impl Sequences<'_> {
    /// The next sequence; `Some(None)` after the last, which must end the stream; `None` if the
    /// stream is corrupt.
    pub(super) fn next(&mut self) -> Option<Option<Sequence>> {
        let Some(left) = self.left.checked_sub(1) else {
            return self.bits.is_empty().then_some(None);
        };
        self.left = left;
        let [literals, offset, length] = self.cells()?;
        let sequence = Sequence {
            offset: self.with_extra(1_u32.checked_shl(u32::from(offset.symbol))?, offset.symbol)?,
            length: self.coded(length.symbol, 3, &LENGTH_CODES)?,
            literals: self.coded(literals.symbol, 0, &LITERAL_CODES)?,
        };
        if left > 0 {
            self.step([(0, literals), (2, length), (1, offset)])?;
        }
        Some(Some(sequence))
    }

    fn cells(&self) -> Option<[Cell; 3]> {
        let [literals, offsets, lengths] = self.tables;
        let [literal, offset, length] = self.states;
        Some([
            literals.cell(literal)?,
            offsets.cell(offset)?,
            lengths.cell(length)?,
        ])
    }

    /// Moves the states on, in the order in which their bits come.
    fn step(&mut self, cells: [(usize, Cell); 3]) -> Option<()> {
        for (field, cell) in cells {
            let next = self.with_extra(u32::from(cell.base), cell.bits)?;
            *self.states.get_mut(field)? = next;
        }
        Some(())
    }

    /// What a code means: itself plus `least` where it has no entry in `codes`, which are the last.
    fn coded(&mut self, code: u8, least: usize, codes: &[(u32, u8)]) -> Option<usize> {
        let plain = if least == 0 { 16 } else { 32 };
        let Some(index) = usize::from(code).checked_sub(plain) else {
            return usize::from(code).checked_add(least);
        };
        let (base, bits) = *codes.get(index)?;
        Some(self.with_extra(base, bits)? as usize)
    }

    fn with_extra(&mut self, base: u32, bits: u8) -> Option<u32> {
        base.checked_add(self.bits.read(u32::from(bits))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(offsets: &mut Offsets, literals: usize, offset: u32) -> Option<usize> {
        offsets.resolve(&Sequence {
            literals,
            length: 3,
            offset,
        })
    }

    #[test]
    fn repeated_offsets_move_to_the_front() {
        let mut offsets = Offsets::default();
        assert_eq!(resolve(&mut offsets, 1, 3), Some(8));
        assert_eq!(offsets.0, [8, 1, 4]);
        assert_eq!(resolve(&mut offsets, 0, 1), Some(1));
        assert_eq!(resolve(&mut offsets, 5, 103), Some(100));
        assert_eq!(offsets.0, [100, 1, 8]);
        assert_eq!(resolve(&mut offsets, 0, 3), Some(99));
        assert_eq!(offsets.0, [99, 100, 1]);
    }

    #[test]
    fn offset_of_zero_is_refused() {
        assert_eq!(resolve(&mut Offsets::default(), 0, 3), None);
    }

    #[test]
    fn predefined_tables_add_up() {
        for field in [LITERALS, OFFSETS, LENGTHS] {
            let table = FseTable::from_counts(field.predefined_log, field.predefined);
            assert!(table.is_some());
        }
    }
}
