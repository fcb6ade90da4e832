//! The root claim of a proposal.

use crate::bindings::{
    dispute_game::DisputeGame::Header, dispute_game_factory::DisputeGameFactory::Proposal,
};
use alloy::primitives::B256;

/// Content of the claim that a game over `proposal` begins with: one segment from the anchor to the proposed batch.
///
/// Twin of `_rootHeader` in `DisputeGame.sol`, which a game answers as `rootHeader()`; `SPEC.md`, chapter "Claims
/// and disputes".
#[must_use]
pub const fn root_claim(proposal: &Proposal) -> Header {
    Header {
        parent: B256::ZERO,
        level: 0,
        segment: 0,
        lo: proposal.anchorBatch,
        hi: proposal.batch,
        start: proposal.anchorRoot,
        points: proposal.outputRoot,
    }
}
