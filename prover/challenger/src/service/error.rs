//! What can keep the service from its work. Nothing is ever sent on what could not be verified.

use alloy_primitives::{Address, B256};
use trestle_sequencer::l1::{ReadError, RpcError, SubmitError};

use crate::{ChoiceError, ViewError, host::HostError};

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
