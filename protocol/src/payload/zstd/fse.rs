//! Finite-state-entropy tables: read from their description, or built from known counts.
//!
//! Source: RFC 8878, section 4.1.

use super::bits::ForwardBits;
use alloc::{vec, vec::Vec};

/// What a table may be about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alphabet {
    /// Largest symbol.
    pub(super) max_symbol: u8,
    /// Largest binary logarithm of the number of states.
    pub(super) max_log: u32,
}

/// One state: the symbol it stands for, and how the next state follows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    /// Symbol.
    pub(super) symbol: u8,
    /// Bits to read for the next state.
    pub(super) bits: u8,
    /// What they are added to.
    pub(super) base: u16,
}

/// All states.
#[derive(Debug, Clone)]
pub(super) struct FseTable {
    /// Binary logarithm of their number.
    pub(super) log: u32,
    cells: Vec<Cell>,
}

impl FseTable {
    /// The table that always says `symbol` and reads nothing.
    pub(super) fn single(symbol: u8) -> Self {
        let cell = Cell {
            symbol,
            ..Cell::default()
        };
        Self {
            log: 0,
            cells: vec![cell],
        }
    }

    /// Takes the description of a table off the front of `bytes`, whole bytes of it; the bits that
    /// fill up its last byte are ignored.
    pub(super) fn read(bytes: &mut &[u8], alphabet: Alphabet) -> Option<Self> {
        let mut bits = ForwardBits::new(bytes);
        let log = bits.read(4).saturating_add(5);
        if log > alphabet.max_log {
            return None;
        }
        let most = usize::from(alphabet.max_symbol).saturating_add(1);
        let mut counts = Vec::new();
        let mut remaining = 1_u32.checked_shl(log)?;
        while remaining > 0 {
            let count = read_count(&mut bits, remaining)?;
            remaining = remaining.checked_sub(u32::from(count.unsigned_abs()))?;
            counts.push(count);
            if count == 0 {
                skip_zeros(&mut bits, &mut counts, most);
            }
            if counts.len() > most {
                return None;
            }
        }
        *bytes = bits.rest()?;
        Self::from_counts(log, &counts)
    }

    /// The table in which symbol `i` has `counts[i]` of the `2^log` states; −1 is one state that
    /// reads as many bits as there are. `None` unless the counts add up.
    pub(super) fn from_counts(log: u32, counts: &[i16]) -> Option<Self> {
        let symbols = spread(log, counts)?;
        let mut next: Vec<u16> = counts.iter().map(|count| count.unsigned_abs()).collect();
        let size = 1_u32.checked_shl(log)?;
        let cells = symbols.iter().map(|symbol| {
            let next = next.get_mut(usize::from(*symbol))?;
            let number = u32::from(*next);
            *next = next.checked_add(1)?;
            let bits = log.checked_sub(number.checked_ilog2()?)?;
            let base = number.checked_shl(bits)?.checked_sub(size)?;
            Some(Cell {
                symbol: *symbol,
                bits: u8::try_from(bits).ok()?,
                base: u16::try_from(base).ok()?,
            })
        });
        let cells = cells.collect::<Option<_>>()?;
        Some(Self { log, cells })
    }

    /// The state of number `state`.
    pub(super) fn cell(&self, state: u32) -> Option<Cell> {
        self.cells.get(state as usize).copied()
    }
}

/// The next count of a description, with `remaining` states to give away: a number up to
/// `remaining + 1` in as few bits as it takes, less 1.
fn read_count(bits: &mut ForwardBits<'_>, remaining: u32) -> Option<i16> {
    let choices = remaining.checked_add(2)?;
    let width = choices.saturating_sub(1).checked_ilog2()?.saturating_add(1);
    let (low, whole) = (
        1_u32.wrapping_shl(width.saturating_sub(1)),
        1_u32.wrapping_shl(width),
    );
    let short = whole.checked_sub(choices)?;
    let value = bits.peek(width);
    let value = match value & low.wrapping_sub(1) {
        value if value < short => {
            bits.skip(width.saturating_sub(1));
            value
        }
        _ => {
            bits.skip(width);
            value.saturating_sub(if value < low { 0 } else { short })
        }
    };
    i16::try_from(value).ok()?.checked_sub(1)
}

/// Reads how many more symbols have no state: twos of bits, of which 3 means that more follow.
fn skip_zeros(bits: &mut ForwardBits<'_>, counts: &mut Vec<i16>, most: usize) {
    loop {
        let repeat = bits.read(2) as usize;
        let len = counts.len().saturating_add(repeat);
        counts.resize(len, 0);
        if repeat != 3 || len > most {
            return;
        }
    }
}

/// Which symbol each state stands for. Symbols of count −1 take the last states, from the end; the
/// others are strewn over the rest.
fn spread(log: u32, counts: &[i16]) -> Option<Vec<u8>> {
    let size = 1_usize.checked_shl(log)?;
    let sum: usize = counts
        .iter()
        .map(|count| usize::from(count.unsigned_abs()))
        .sum();
    if sum != size {
        return None;
    }
    let (mut symbols, mut end) = (vec![0; size], size);
    for symbol in (0..=u8::MAX).zip(counts).filter(|(_, count)| **count < 0) {
        end = end.checked_sub(1)?;
        *symbols.get_mut(end)? = symbol.0;
    }
    let step = (size >> 1).wrapping_add(size >> 3).wrapping_add(3);
    let next = |at: usize| at.wrapping_add(step) & size.wrapping_sub(1);
    let mut at = 0_usize;
    for (symbol, count) in (0..=u8::MAX).zip(counts).filter(|(_, count)| **count > 0) {
        for _ in 0..*count {
            *symbols.get_mut(at)? = symbol;
            at = next(at);
            while at >= end && end > 0 {
                at = next(at);
            }
        }
    }
    Some(symbols)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_do_not_add_up_are_refused() {
        assert!(FseTable::from_counts(5, &[16, 15]).is_none());
        assert!(FseTable::from_counts(5, &[16, 17]).is_none());
    }

    #[test]
    fn states_of_a_symbol_cover_every_next_state_once() {
        let counts = [20, -1, 3, 0, 7, -1];
        let table = FseTable::from_counts(5, &counts).unwrap();
        for (symbol, count) in (0_u8..).zip(counts) {
            let cells = table.cells.iter().filter(|cell| cell.symbol == symbol);
            let reached: usize = cells.clone().map(|cell| 1 << cell.bits).sum();
            assert_eq!(cells.count(), usize::from(count.unsigned_abs()));
            assert_eq!(reached, if count == 0 { 0 } else { 32 });
        }
    }

    #[test]
    fn description_cut_off_is_refused() {
        let alphabet = Alphabet {
            max_symbol: 35,
            max_log: 9,
        };
        assert!(FseTable::read(&mut &[][..], alphabet).is_none());
        assert!(FseTable::read(&mut &[0x10][..], alphabet).is_none());
    }
}
