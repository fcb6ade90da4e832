//! Bonds: what a claim locks, by the number of moves that are possible below it.
//!
//! `bond(ℓ) = bondMin · (5/4)^ℓ`, so an answer locks at most four fifths of what it answers.

use alloy_primitives::U256;

use crate::{claim::Level, dissection::moves_below};

/// Bond of a claim with this level and interval length, in wei.
///
/// Rounds down like the contract; `bond_min` is a multiple of 4^9 there, so nothing is lost.
pub fn bond_at(bond_min: U256, level: Level, length: u64) -> U256 {
    bond_for_moves(bond_min, moves_below(level, length))
}

/// Bond of a claim below which `moves` further moves are possible, in wei.
pub(crate) fn bond_for_moves(bond_min: U256, moves: u32) -> U256 {
    let moves = U256::from(moves);
    bond_min.saturating_mul(U256::from(5).saturating_pow(moves))
        / U256::from(4).saturating_pow(moves)
}

/// The bonds of one deployment, from a claim that only a step answers up to the longest game's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BondTable {
    /// Bond by number of moves below, 0 to 9, in wei.
    pub by_moves_below: [U256; 10],
}

impl BondTable {
    /// The table of a least bond, in wei.
    pub fn new(bond_min: U256) -> Self {
        let mut by_moves_below = [U256::ZERO; 10];
        for (moves, bond) in (0_u32..).zip(&mut by_moves_below) {
            *bond = bond_for_moves(bond_min, moves);
        }
        Self { by_moves_below }
    }

    /// Bonds of one side on the deepest path of a game: every second level below the root.
    ///
    /// `root_moves` is the number of moves below the root claim, 6 to 9. A false root is challenged by the claims
    /// of odd depth, a true one defended by those of even depth; the root's own bond is not included.
    pub fn side_total(&self, root_moves: u32, root_is_true: bool) -> U256 {
        let first = if root_is_true { 2 } else { 1 };
        (first..=root_moves)
            .step_by(2)
            .filter_map(|depth| root_moves.checked_sub(depth))
            .filter_map(|moves| {
                self.by_moves_below
                    .get(usize::try_from(moves).unwrap_or(usize::MAX))
            })
            .fold(U256::ZERO, |sum, bond| sum.saturating_add(*bond))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_06_an_answer_locks_four_fifths_at_every_level() {
        let table = BondTable::new(U256::from(40_000_000_002_097_152_u64));
        for pair in table.by_moves_below.windows(2) {
            assert_eq!(pair[0] * U256::from(5), pair[1] * U256::from(4));
        }
    }

    #[test]
    fn side_totals_of_the_longest_game_match_the_published_figures() {
        let table = BondTable::new(U256::from(40_000_000_002_097_152_u64));
        let milli = |wei: U256| u64::try_from(wei / U256::from(10_u64.pow(15))).unwrap();
        assert_eq!(milli(table.side_total(9, false)), 591);
        assert_eq!(milli(table.side_total(9, true)), 440);
        assert_eq!(milli(table.by_moves_below[9]), 298);
    }
}
