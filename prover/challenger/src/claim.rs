//! Claims as the contracts know them: their content, their identity, their segments.
//!
//! The layouts are those of `Types.sol`; both sides hash a claim's whole content to its id.

use alloy_primitives::{Address, B256, U256, keccak256};

/// Identity of a claim: the hash of the game's address and the claim's whole content.
pub type ClaimId = B256;

/// Which trace a claim cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The bare proposal: one segment, from the anchor to the proposed batch.
    Root,
    /// Output roots after batches.
    Batch,
    /// Machine states of one batch.
    Machine,
}

impl Level {
    /// Number of the level in the contracts' encoding.
    pub const fn code(self) -> u8 {
        match self {
            Self::Root => 0,
            Self::Batch => 1,
            Self::Machine => 2,
        }
    }

    /// Level of a number in the contracts' encoding; `None` above 2.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Root),
            1 => Some(Self::Batch),
            2 => Some(Self::Machine),
            _ => None,
        }
    }
}

/// Whole content of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// Claim that this one answers; zero for the root.
    pub parent: ClaimId,
    /// Which trace it cuts.
    pub level: Level,
    /// Segment of the parent that it rejects, from 0.
    pub segment: u8,
    /// Start of its interval: a batch index or a machine step.
    pub lo: u64,
    /// End of its interval, above `lo`.
    pub hi: u64,
    /// What it accepts: an output root, or the hash of a machine state.
    pub start: B256,
    /// Merkle root of its points; the proposed output root for the root claim.
    pub points: B256,
}

impl Header {
    /// Id of this content in a game.
    pub fn id(&self, game: Address) -> ClaimId {
        let words: [B256; 8] = [
            game.into_word(),
            self.parent,
            word(u64::from(self.level.code())),
            word(u64::from(self.segment)),
            word(self.lo),
            word(self.hi),
            self.start,
            self.points,
        ];
        keccak256(words.concat())
    }

    /// Length of the interval, in batches or steps.
    pub const fn length(&self) -> u64 {
        self.hi.saturating_sub(self.lo)
    }

    /// True when its segments are single machine steps, which only a step answers.
    pub const fn is_leaf(&self) -> bool {
        matches!(self.level, Level::Machine) && self.length() <= crate::ARITY
    }
}

fn word(value: u64) -> B256 {
    U256::from(value).into()
}

/// One segment of a claim with both of its ends and the paths that prove them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Index in the claim, from 0.
    pub index: u8,
    /// Its start: the claim's start, or the point before.
    pub start: B256,
    /// Its end.
    pub end: B256,
    /// Siblings from the leaf of `start` up; zeros for segment 0.
    pub start_proof: [B256; 7],
    /// Siblings from the leaf of `end` up; zeros under a root claim.
    pub end_proof: [B256; 7],
}

/// What a claim has come to. A decided claim never opens again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClaimStatus {
    /// Undecided.
    Open,
    /// No counter to it stood when its time was over.
    Stands,
    /// A counter stands, or a step refuted it.
    Falls,
}
