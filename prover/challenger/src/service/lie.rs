//! A liar's trace: the truth up to one machine step of one batch, and something consistent with itself after it.
//!
//! For demonstrations and tests. A lie is played by the same choice of moves as the truth, so its
//! dissections never contradict each other, and only a step on L1 shows where it departs.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes, keccak256};
use trestle_vm::{ExitCode, State};

use super::{Oracle, Rules};
use crate::{
    MACHINE_STEPS, Truth,
    host::{BatchRun, HostError},
};

/// What a liar claims about a chain.
#[derive(Debug, Clone)]
pub struct Lie {
    /// First batch whose output is false.
    pub batch: u64,
    /// First machine step of that batch after which the states are false, from 1.
    pub step: u64,
    /// False output root after that batch.
    pub output: B256,
}

/// Whose trace a player defends.
#[derive(Debug, Clone)]
pub enum Side {
    /// What was derived.
    Truth(Arc<Oracle>),
    /// What was derived, but for a lie.
    Lie(Arc<Oracle>, Lie),
}

impl Side {
    /// What was derived.
    #[must_use]
    pub const fn oracle(&self) -> &Arc<Oracle> {
        match self {
            Self::Truth(oracle) | Self::Lie(oracle, _) => oracle,
        }
    }

    /// The lie of this side about a machine run of `batch`.
    fn lie_about(&self, batch: u64) -> Option<&Lie> {
        match self {
            Self::Lie(_, lie) if lie.batch == batch => Some(lie),
            Self::Lie(..) | Self::Truth(_) => None,
        }
    }

    /// This side in a game of these rules.
    #[must_use]
    pub const fn under(&self, rules: Rules) -> Player<'_> {
        Player { side: self, rules }
    }
}

/// A side in one game.
#[derive(Debug, Clone, Copy)]
pub struct Player<'a> {
    side: &'a Side,
    rules: Rules,
}

impl Player<'_> {
    fn true_end(&self, batch: u64) -> Result<Bytes, HostError> {
        let image = self.rules.images.of(batch);
        self.side
            .oracle()
            .with_run_by(image, batch, BatchRun::end_state)
    }

    /// The state in which the false run ends: the true one, but a success with another output.
    fn false_end(&self, lie: &Lie) -> Result<Bytes, HostError> {
        let layout = self.true_end(lie.batch)?;
        let end = State::decode(&layout).map(|state| State {
            output_hash: lie.output,
            exit_code: ExitCode(0),
            halted: true,
            ..state
        });
        Ok(end.map_or(layout, |end| end.encode().to_vec().into()))
    }
}

/// In a chain that has had no other image than the built-in one.
impl Truth for Side {
    type Error = HostError;

    fn output(&self, batch: u64) -> Result<Option<B256>, HostError> {
        self.under(Rules::BUILT_IN).output(batch)
    }

    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, HostError> {
        self.under(Rules::BUILT_IN).states(batch, steps)
    }

    fn end_state(&self, batch: u64) -> Result<Bytes, HostError> {
        self.under(Rules::BUILT_IN).end_state(batch)
    }

    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, HostError> {
        self.under(Rules::BUILT_IN).witness(batch, step)
    }
}

impl Truth for Player<'_> {
    type Error = HostError;

    fn output(&self, batch: u64) -> Result<Option<B256>, HostError> {
        match self.side {
            Side::Lie(_, lie) if batch == lie.batch => Ok(Some(lie.output)),
            Side::Lie(_, lie) if batch > lie.batch => Ok(Some(keccak256(
                [lie.output.as_slice(), &batch.to_be_bytes()].concat(),
            ))),
            Side::Lie(oracle, _) | Side::Truth(oracle) => oracle.output_by(&self.rules, batch),
        }
    }

    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, HostError> {
        let truth = self.side.oracle().states_by(&self.rules, batch, steps)?;
        let Some(lie) = self.side.lie_about(batch) else {
            return Ok(truth);
        };
        let end = keccak256(self.false_end(lie)?);
        let told = truth
            .into_iter()
            .zip(steps)
            .map(|(hash, step)| match *step {
                MACHINE_STEPS => end,
                step if step >= lie.step => keccak256([hash.as_slice(), b"lie"].concat()),
                _ => hash,
            });
        Ok(told.collect())
    }

    fn end_state(&self, batch: u64) -> Result<Bytes, HostError> {
        match self.side.lie_about(batch) {
            Some(lie) => self.false_end(lie),
            None => self.true_end(batch),
        }
    }

    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, HostError> {
        let image = self.rules.images.of(batch);
        self.side
            .oracle()
            .with_run_by(image, batch, |run| run.witness(step))
    }
}
