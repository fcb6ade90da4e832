//! One batch in the machine: its end, its states at any step, the witness of any step.

use super::{HostError, Recorded};
use crate::{MACHINE_STEPS, image::image};
use alloy_primitives::{B256, Bytes};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use trestle_vm::{ExitCode, Image, Machine, RunError, Snapshot, Stop};

/// Most snapshots held; beyond, every other one is dropped and their distance doubled.
const MAX_SNAPSHOTS: usize = 128;
/// Steps between snapshots at first.
const FIRST_INTERVAL: u64 = 1 << 24;

/// How a batch ended in the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Steps until it halted.
    pub steps: u64,
    /// Exit code; `None` if it still ran at the limit.
    pub exit_code: Option<ExitCode>,
    /// Output root; zero unless the exit code is 0.
    pub output: B256,
    /// Pages of 4,096 bytes that were ever written, the image's included.
    pub pages: usize,
    /// Time that the run took.
    pub time: Duration,
}

impl Outcome {
    /// The output root, if the program ended well.
    #[must_use]
    pub fn proven(&self) -> Option<B256> {
        self.exit_code
            .filter(|code| code.is_success())
            .map(|_| self.output)
    }
}

/// A batch that was run, with snapshots to come back to.
#[derive(Debug)]
pub struct BatchRun {
    machine: Machine,
    inputs: Recorded,
    snapshots: BTreeMap<u64, Snapshot>,
    outcome: Outcome,
}

impl BatchRun {
    /// Runs the committed program over the inputs of a batch until it halts or took 2^42 steps.
    ///
    /// `progress` hears of the steps taken from time to time; on `false` the run stops and counts as not ended.
    ///
    /// # Errors
    /// [`HostError::Machine`] when a preimage is missing, [`HostError::Image`].
    pub fn record(
        inputs: Recorded,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Self, HostError> {
        Self::record_image(image()?, inputs, progress)
    }

    /// As [`Self::record`], of another program.
    ///
    /// # Errors
    /// [`HostError::Machine`] when a preimage is missing.
    pub fn record_image(
        image: Arc<Image>,
        inputs: Recorded,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Self, HostError> {
        let start = Instant::now();
        let mut machine = Machine::new(image, inputs.input().hash());
        let mut snapshots = BTreeMap::new();
        let mut interval = FIRST_INTERVAL;
        loop {
            snapshots.insert(machine.step(), machine.snapshot());
            if snapshots.len() > MAX_SNAPSHOTS {
                interval = interval.saturating_mul(2);
                snapshots.retain(|step, _| step.checked_rem(interval) == Some(0));
            }
            let next = machine.step().saturating_add(interval).min(MACHINE_STEPS);
            let stop = machine.run_until(next, &inputs)?;
            if stop == Stop::Halted || next == MACHINE_STEPS || !progress(machine.step()) {
                break;
            }
        }
        let last = machine.snapshot();
        let outcome = Outcome {
            steps: machine.step(),
            exit_code: machine.exit_code(),
            output: machine.output(),
            pages: last.pages(),
            time: start.elapsed(),
        };
        snapshots.insert(machine.step(), last);
        Ok(Self {
            machine,
            inputs,
            snapshots,
            outcome,
        })
    }

    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The inputs it ran on.
    #[must_use]
    pub const fn inputs(&self) -> &Recorded {
        &self.inputs
    }

    /// The machine at `step`; after the halt, the halted machine.
    fn at(&mut self, step: u64) -> Result<&mut Machine, RunError> {
        let nearest = self.snapshots.range(..=step).next_back();
        if let Some((at, snapshot)) = nearest {
            let here = self.machine.step();
            if here > step || here < *at {
                self.machine.restore(snapshot);
            }
        }
        self.machine.run_until(step, &self.inputs)?;
        Ok(&mut self.machine)
    }

    /// Hash of the state at `step`, from 0; steps after the halt repeat the last.
    ///
    /// # Errors
    /// [`HostError::Machine`].
    pub fn state_hash(&mut self, step: u64) -> Result<B256, HostError> {
        Ok(self.at(step)?.state_hash())
    }

    /// Hashes of the states at these steps, fastest in ascending order.
    ///
    /// # Errors
    /// [`HostError::Machine`].
    pub fn state_hashes(&mut self, steps: &[u64]) -> Result<Vec<B256>, HostError> {
        steps.iter().map(|step| self.state_hash(*step)).collect()
    }

    /// Layout of the last state, as a machine claim opens it.
    ///
    /// # Errors
    /// [`HostError::Machine`].
    pub fn end_state(&mut self) -> Result<Bytes, HostError> {
        let steps = self.outcome.steps;
        let state = self.at(steps)?.state();
        Ok(state.map_or_else(Bytes::new, |state| Bytes::from(state.encode().to_vec())))
    }

    /// Encoded witness of the step from state `step` to the next.
    ///
    /// # Errors
    /// [`HostError::Machine`].
    pub fn witness(&mut self, step: u64) -> Result<Bytes, HostError> {
        let inputs = self.inputs.clone();
        Ok(self.at(step)?.witness(&inputs)?.encode().into())
    }
}
