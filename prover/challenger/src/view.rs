//! A game as its events and its storage show it at one block.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};

use crate::{
    bond::bond_at,
    claim::{ClaimId, ClaimStatus, Header, Level, Segment},
    delay::Clocks,
    dissection::{PointTree, boundary, segments},
};

/// What a game was created with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GameParams {
    /// Clocks, in seconds.
    pub clocks: Clocks,
    /// Bond of a claim that only a step answers, in wei.
    pub bond_min: U256,
}

/// A claim: its content, its points, and what the contract keeps about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimView {
    /// Content.
    pub header: Header,
    /// Points 1 to k, from the claim's event; empty for the root claim.
    pub points: Vec<B256>,
    /// Who made it.
    pub claimant: Address,
    /// Seconds from the game's creation to the claim.
    pub made_at: u64,
    /// Seconds that the claimant's side had used when it made the claim.
    pub used: u64,
    /// Age among its siblings, from 1; 0 for the root.
    pub ordinal: u32,
    /// Counters to it.
    pub children: u32,
    /// Counters to it that are not decided.
    pub undecided: u32,
    /// Ordinal of its leftmost standing counter; 0 when none stands.
    pub best_ordinal: u32,
    /// Segment of that counter.
    pub best_segment: u8,
    /// What it has come to.
    pub status: ClaimStatus,
    /// True when its bond has left it.
    pub is_settled: bool,
}

impl ClaimView {
    /// Number of its segments: one for the root claim.
    pub fn segment_count(&self) -> u64 {
        match self.header.level {
            Level::Root => 1,
            Level::Batch | Level::Machine => segments(self.header.length()),
        }
    }

    /// Position in the trace of the start of segment `index`.
    pub fn boundary(&self, index: u64) -> u64 {
        match self.header.level {
            Level::Root if index == 0 => self.header.lo,
            Level::Root => self.header.hi,
            Level::Batch | Level::Machine => boundary(self.header.lo, self.header.hi, index),
        }
    }

    /// What it claims at the end of segment `index`; `None` beyond the last.
    pub fn end_of(&self, index: u64) -> Option<B256> {
        match self.header.level {
            Level::Root => (index == 0).then_some(self.header.points),
            Level::Batch | Level::Machine => self.points.get(usize::try_from(index).ok()?).copied(),
        }
    }

    /// Segment `index` with the proofs of its ends; `None` beyond the last.
    pub fn segment(&self, index: u64) -> Option<Segment> {
        let end = self.end_of(index)?;
        let (start, mut start_proof, mut end_proof) = match index.checked_sub(1) {
            None => (self.header.start, [B256::ZERO; 7], [B256::ZERO; 7]),
            Some(before) => (self.end_of(before)?, [B256::ZERO; 7], [B256::ZERO; 7]),
        };
        if self.header.level != Level::Root {
            let tree = PointTree::new(&self.points);
            let leaf = usize::try_from(index).ok()?;
            end_proof = tree.proof(leaf);
            if let Some(before) = leaf.checked_sub(1) {
                start_proof = tree.proof(before);
            }
        }
        let index = u8::try_from(index).ok()?;
        Some(Segment {
            index,
            start,
            end,
            start_proof,
            end_proof,
        })
    }
}

/// A game at one L1 block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameView {
    /// Address of the game, part of every claim's id.
    pub game: Address,
    /// What it was created with.
    pub params: GameParams,
    /// Seconds since 1970.
    pub created_at: u64,
    /// Seconds since 1970: the time of the block that the next transaction is expected in.
    pub now: u64,
    /// All claims, the root included.
    pub claims: BTreeMap<ClaimId, ClaimView>,
}

/// A counter as its `Moved` event shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Content of the new claim.
    pub header: Header,
    /// Points 1 to k.
    pub points: Vec<B256>,
    /// Who made it.
    pub claimant: Address,
    /// Time of the block, in seconds since 1970.
    pub time: u64,
}

/// Why an event does not fit the view: the view missed an earlier one, or an L1 reorg undid some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// The event speaks of a claim that the view does not hold.
    #[error("claim {0} is not in the view")]
    UnknownClaim(ClaimId),
}

impl GameView {
    /// View of a game that nobody has answered yet.
    pub fn new(
        game: Address,
        params: GameParams,
        root: Header,
        proposer: Address,
        time: u64,
    ) -> Self {
        let claim = ClaimView {
            header: root,
            points: Vec::new(),
            claimant: proposer,
            made_at: 0,
            used: 0,
            ordinal: 0,
            children: 0,
            undecided: 0,
            best_ordinal: 0,
            best_segment: 0,
            status: ClaimStatus::Open,
            is_settled: false,
        };
        let claims = BTreeMap::from([(root.id(game), claim)]);
        Self {
            game,
            params,
            created_at: time,
            now: time,
            claims,
        }
    }

    /// Takes in a `Moved` event, in log order.
    ///
    /// # Errors
    /// [`ViewError::UnknownClaim`] when the parent is missing.
    pub fn record_move(&mut self, moved: Moved) -> Result<(), ViewError> {
        let id = moved.header.id(self.game);
        let made_at = moved.time.saturating_sub(self.created_at);
        let parent = self.claim_mut(moved.header.parent)?;
        parent.children = parent.children.saturating_add(1);
        parent.undecided = parent.undecided.saturating_add(1);
        let (ordinal, waited) = (parent.children, made_at.saturating_sub(parent.made_at));
        let grandparent = parent.header.parent;
        let used = self.claims.get(&grandparent).map_or(0, |claim| claim.used);
        let claim = ClaimView {
            header: moved.header,
            points: moved.points,
            claimant: moved.claimant,
            made_at,
            used: used.saturating_add(waited),
            ordinal,
            children: 0,
            undecided: 0,
            best_ordinal: 0,
            best_segment: 0,
            status: ClaimStatus::Open,
            is_settled: false,
        };
        self.claims.insert(id, claim);
        Ok(())
    }

    /// Takes in a `Decided` event, in log order. A claim that stands has its bond back at once.
    ///
    /// # Errors
    /// [`ViewError::UnknownClaim`] when the claim or its parent is missing.
    pub fn record_decision(&mut self, id: ClaimId, status: ClaimStatus) -> Result<(), ViewError> {
        let claim = self.claim_mut(id)?;
        claim.status = status;
        claim.is_settled = status == ClaimStatus::Stands;
        let (header, ordinal) = (claim.header, claim.ordinal);
        if header.level == Level::Root {
            return Ok(());
        }
        let parent = self.claim_mut(header.parent)?;
        parent.undecided = parent.undecided.saturating_sub(1);
        let is_first = parent.best_ordinal == 0;
        let is_lefter = (header.segment, ordinal) < (parent.best_segment, parent.best_ordinal);
        if status == ClaimStatus::Stands && (is_first || is_lefter) {
            parent.best_ordinal = ordinal;
            parent.best_segment = header.segment;
        }
        Ok(())
    }

    /// Takes in a `Settled` event.
    ///
    /// # Errors
    /// [`ViewError::UnknownClaim`] when the claim is missing.
    pub fn record_settlement(&mut self, id: ClaimId) -> Result<(), ViewError> {
        self.claim_mut(id)?.is_settled = true;
        Ok(())
    }

    fn claim_mut(&mut self, id: ClaimId) -> Result<&mut ClaimView, ViewError> {
        self.claims.get_mut(&id).ok_or(ViewError::UnknownClaim(id))
    }

    /// The root claim with its id; `None` in a view without one.
    pub fn root(&self) -> Option<(ClaimId, &ClaimView)> {
        self.claims
            .iter()
            .find(|(_, claim)| claim.header.level == Level::Root)
            .map(|(id, claim)| (*id, claim))
    }

    /// First time at which a claim can no longer be answered, in seconds since 1970.
    pub fn deadline(&self, claim: &ClaimView) -> u64 {
        let used = self
            .claims
            .get(&claim.header.parent)
            .map_or(0, |parent| parent.used);
        self.created_at
            .saturating_add(claim.made_at)
            .saturating_add(self.params.clocks.time_to_answer(used))
    }

    /// True while counters and steps against the claim are accepted.
    pub fn is_answerable(&self, claim: &ClaimView) -> bool {
        claim.status == ClaimStatus::Open && self.now < self.deadline(claim)
    }

    /// True when `decide` would succeed.
    pub fn is_decidable(&self, claim: &ClaimView) -> bool {
        claim.status == ClaimStatus::Open
            && (claim.best_ordinal != 0
                || (claim.undecided == 0 && self.now >= self.deadline(claim)))
    }

    /// Bond of a claim of this content, in wei.
    pub fn bond(&self, header: &Header) -> U256 {
        bond_at(self.params.bond_min, header.level, header.length())
    }
}
