//! What can keep the service from its work. Nothing is ever sent on what could not be verified.

use alloy_primitives::{Address, B256};
use trestle_sequencer::l1::{ReadError, RpcError, SubmitError};

use crate::{ChoiceError, ClaimId, ViewError, host::HostError};

/// What can keep the service from its work.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// L1 could not be asked.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A contract could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The chain could not be derived, or a batch not be run.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The sender did not take a transaction.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// An event does not fit the game: the endpoint left one out, or L1 was reorganised in between.
    #[error("events of game {game} do not fit: {source}")]
    View {
        /// The game.
        game: Address,
        /// Why.
        source: ViewError,
    },
    /// L1 changed while it was read; the next look sees it whole.
    #[error("l1 was reorganised while it was read")]
    Moved,
    /// The endpoint serves another L1 than the chain settles on.
    #[error("the L1 endpoint serves chain {got}, the chain settles on {expected}")]
    OtherL1 {
        /// Chain id of the chain's L1.
        expected: u64,
        /// Chain id served.
        got: u64,
    },
    /// The endpoint gave a header that does not hash to the block's hash.
    #[error("l1 endpoint gives a header for block {number} that does not hash to {claimed}")]
    BlockHash {
        /// Number of the block.
        number: u64,
        /// Hash that was asked for or claimed.
        claimed: B256,
    },
    /// Two blocks that the endpoint calls parts of one chain are not.
    #[error("l1 endpoint gives block {new} that does not descend from its block {old}")]
    Unlinked {
        /// Number of the older block.
        old: u64,
        /// Number of the newer block.
        new: u64,
    },
    /// The endpoint gives no logs of these blocks: it has pruned them, or is out of order.
    #[error("l1 endpoint gives no logs of blocks {from} to {to}: {source}")]
    Logs {
        /// First block.
        from: u64,
        /// Last block.
        to: u64,
        /// What it answered.
        source: RpcError,
    },
    /// What the endpoint says about a game is not what made the game's address.
    #[error("l1 endpoint gives code of game {game} that does not make its address")]
    GameContent {
        /// The game.
        game: Address,
    },
    /// The points of a move do not have the Merkle root that the claim has in its content.
    #[error(
        "l1 endpoint gives points of claim {claim} in game {game} that do not hash to its root"
    )]
    Points {
        /// The game.
        game: Address,
        /// The claim.
        claim: ClaimId,
    },
    /// The events of a game do not lead to the state that L1 has: the endpoint leaves some out, or changes them.
    #[error(
        "events of game {game} do not lead to what l1 has stored for claim {claim}: the endpoint leaves events out or changes them"
    )]
    Unproven {
        /// The game.
        game: Address,
        /// The claim.
        claim: ClaimId,
    },
    /// The endpoint's answer lacks what every node has.
    #[error("l1 endpoint gave no {what}")]
    Missing {
        /// What is missing.
        what: &'static str,
    },
    /// The moves of a game could not be chosen.
    #[error("game {game}: {source}")]
    Choice {
        /// The game.
        game: Address,
        /// Why.
        source: Box<ChoiceError<HostError>>,
    },
    /// The game runs by a program that is not here: it cannot be judged.
    #[error(
        "game {game} runs image {image}, which is not here: give its file by --image, or install the release that the chain uses"
    )]
    OtherImage {
        /// The game.
        game: Address,
        /// Image root of the game.
        image: B256,
    },
    /// The game is about another chain.
    #[error("game {game} is about configuration {got}, the chain's is {expected}")]
    OtherConfig {
        /// The game.
        game: Address,
        /// Configuration hash of the game.
        got: B256,
        /// That of the chain.
        expected: B256,
    },
    /// A worker thread died.
    #[error("worker of the challenger died: {0}")]
    Worker(#[from] tokio::task::JoinError),
}
