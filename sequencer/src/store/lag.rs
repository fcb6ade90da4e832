//! How far folds are behind, by the memory of what they have not taken.
//!
//! Where the disk is slower than the load, memory would fill without end. From half of a bound on, blocks come at longer
//! intervals; at the bound none comes before a fold has made room.

use super::journal::{MarkWrite, Op};
use alloy_consensus::Transaction;
use std::time::Duration;
use trestle_protocol::SealedBlock;

/// The bound where nothing else is asked for, in MiB: some three times what a node at full load among five million
/// accounts has not folded.
pub const UNFOLDED_MIB: u32 = 2_048;

/// Longest interval of blocks below the bound: users see a chain that is slow, and none that stands.
const LONGEST: Duration = Duration::from_millis(500);
/// Unit of [`Lag::pause`]'s steps between half of the bound and all of it.
const STEPS: u32 = 1_024;

/// Memory of what is not folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Bytes that blocks, transactions and marks take which are in the journal only, estimated.
    pub bytes: usize,
    /// Bytes at which no block comes any more.
    pub bound: usize,
}

impl Lag {
    /// Least time from one block to the next: none up to half of the bound, then evenly more up to half a second; `None`
    /// at the bound, where a fold comes first.
    pub fn pause(self) -> Option<Duration> {
        let half = self.bound / 2;
        let left = self
            .bound
            .checked_sub(self.bytes)
            .filter(|left| *left > 0)?;
        let above = half.saturating_sub(left);
        let steps = above.saturating_mul(STEPS as usize) / half.max(1);
        let steps = u32::try_from(steps).unwrap_or(STEPS);
        Some(LONGEST * steps / STEPS)
    }

    /// Whether folds should follow one another without a pause.
    pub(super) const fn is_pressing(self) -> bool {
        self.bytes > self.bound / 2
    }
}

/// Bytes of memory of a record that is not folded, estimated.
pub(super) fn weight(op: &Op) -> usize {
    /// Of a record by itself.
    const RECORD: usize = 192;
    RECORD
        + match op {
            Op::Block(block) => weight_of(block),
            Op::Admit(_, raw) => raw.len(),
            Op::Marks(marks) => marks.iter().map(weight_of_mark).sum(),
            Op::Unwind(_) | Op::Forget(_) => 0,
        }
}

fn weight_of_mark(MarkWrite { key, value }: &MarkWrite) -> usize {
    key.len() + value.as_ref().map_or(0, |value| value.len())
}

/// A block with the trie nodes that it changed and its part of the index.
fn weight_of(block: &SealedBlock) -> usize {
    /// Header, and upper nodes of the trie.
    const BLOCK: usize = 8 << 10;
    /// A transaction with its receipt and its places.
    const TRANSACTION: usize = 1_152;
    const LOG: usize = 192;
    /// A value and its versions, a leaf and what a branch above it costs.
    const ACCOUNT: usize = 1_152;
    const SLOT: usize = 768;
    let logs = block
        .body
        .receipts
        .iter()
        .flat_map(|receipt| receipt.logs());
    let logs: usize = logs.map(|log| LOG + log.data.data.len()).sum();
    let accounts = block.diff.accounts.values();
    let state: usize = accounts
        .map(|change| ACCOUNT + SLOT * change.storage.len())
        .sum();
    let codes: usize = block.diff.codes.values().map(|code| code.len()).sum();
    let transactions = block.body.transactions.iter();
    let transactions: usize = transactions.map(|tx| TRANSACTION + tx.input().len()).sum();
    BLOCK + transactions + logs + state + codes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(bytes: usize) -> Option<u128> {
        let bound = 1 << 20;
        Lag { bytes, bound }.pause().map(|pause| pause.as_millis())
    }

    #[test]
    fn blocks_come_as_usual_up_to_half_then_slower_and_at_the_bound_not_at_all() {
        assert_eq!(pause(0), Some(0));
        assert_eq!(pause(1 << 19), Some(0));
        assert_eq!(pause(3 << 18), Some(250));
        assert_eq!(pause((1 << 20) - 1), Some(499));
        assert_eq!(pause(1 << 20), None);
        assert_eq!(pause(usize::MAX), None);
    }

    #[test]
    fn intervals_never_shrink_while_the_lag_grows() {
        let pauses: Vec<_> = (0..1_024).map(|kib| pause(kib << 10).unwrap()).collect();
        assert!(pauses.is_sorted());
    }
}
