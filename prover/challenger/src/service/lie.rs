//! A liar's trace: the truth up to one machine step of one batch, and something consistent with itself after it.
//!
//! For demonstrations and tests. A lie is played by the same choice of moves as the truth, so its
//! dissections never contradict each other, and only a step on L1 shows where it departs.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes, keccak256};
use trestle_vm::State;

use super::Oracle;
use crate::{MACHINE_STEPS, Truth, host::HostError};

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
}

impl Lie {
    /// The state in which the false run ends: the true one with another output.
    fn end(&self, oracle: &Oracle) -> Result<Bytes, HostError> {
        let layout = oracle.end_state(self.batch)?;
        let end = State::decode(&layout).map(|state| State {
            output_hash: self.output,
            ..state
        });
        Ok(end.map_or(layout, |end| end.encode().to_vec().into()))
    }
}

impl Truth for Side {
    type Error = HostError;

    fn output(&self, batch: u64) -> Result<Option<B256>, HostError> {
        match self {
            Self::Lie(_, lie) if batch == lie.batch => Ok(Some(lie.output)),
            Self::Lie(_, lie) if batch > lie.batch => Ok(Some(keccak256(
                [lie.output.as_slice(), &batch.to_be_bytes()].concat(),
            ))),
            Self::Lie(oracle, _) | Self::Truth(oracle) => oracle.output(batch),
        }
    }

    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, HostError> {
        let truth = self.oracle().states(batch, steps)?;
        let Some(lie) = self.lie_about(batch) else {
            return Ok(truth);
        };
        let end = keccak256(lie.end(self.oracle())?);
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
        match self.lie_about(batch) {
            Some(lie) => lie.end(self.oracle()),
            None => self.oracle().end_state(batch),
        }
    }

    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, HostError> {
        self.oracle().witness(batch, step)
    }
}
