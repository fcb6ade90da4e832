//! The truth as the service has it: derivation of everything, and machine runs of what is disputed.

use std::{collections::BTreeMap, time::Duration};

use alloy_primitives::{B256, Bytes, keccak256};
use parking_lot::Mutex;

use crate::{
    Truth,
    host::{BatchRecord, BatchRun, Follower, HostError, L1Batch},
};

/// Machine runs kept: a run holds up to 128 snapshots.
const RUNS: usize = 2;
/// Answers about states kept, of at most 128 hashes each.
const ANSWERS: usize = 1_024;

/// A key of a machine run: the batch, and the accumulator that tells it from another one at its place.
type RunKey = (u64, B256);

/// Derived outputs, and machine runs by need.
#[derive(Debug)]
pub struct Oracle {
    follower: Mutex<Follower>,
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    /// Newest last.
    kept: Vec<(RunKey, BatchRun)>,
    answers: BTreeMap<(RunKey, B256), Vec<B256>>,
    /// Time that machine runs took so far.
    time: Duration,
}

impl Oracle {
    /// An oracle that derives through `follower`.
    #[must_use]
    pub fn new(follower: Follower) -> Self {
        Self {
            follower: Mutex::new(follower),
            runs: Mutex::default(),
        }
    }

    /// The newest batch that is derived.
    #[must_use]
    pub fn newest(&self) -> BatchRecord {
        *self.follower.lock().newest()
    }

    /// A batch that is derived.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::Store`].
    pub fn record(&self, batch: u64) -> Result<BatchRecord, HostError> {
        self.follower.lock().record(batch)
    }

    /// Header of the last block of a batch.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::Store`].
    pub fn header(&self, batch: u64) -> Result<alloy::consensus::Header, HostError> {
        self.follower.lock().header(batch)
    }

    /// Hash of the chain's configuration.
    #[must_use]
    pub fn config_hash(&self) -> B256 {
        self.follower.lock().chain().hash()
    }

    /// Takes the next batch in; executes all of it.
    ///
    /// # Errors
    /// As [`Follower::derive`].
    pub fn derive(&self, batch: &L1Batch) -> Result<BatchRecord, HostError> {
        self.follower.lock().derive(batch)
    }

    /// Forgets every batch above `batch`.
    ///
    /// # Errors
    /// As [`Follower::unwind`].
    pub fn unwind(&self, batch: u64) -> Result<(), HostError> {
        self.follower.lock().unwind(batch)
    }

    /// Time that the machine has run so far.
    #[must_use]
    pub fn machine_time(&self) -> Duration {
        self.runs.lock().time
    }

    /// Does something with the run of a batch, which is made if it is not there.
    ///
    /// # Errors
    /// [`HostError`] when the batch is not derived or cannot be run.
    pub fn with_run<T>(
        &self,
        batch: u64,
        act: impl FnOnce(&mut BatchRun) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let key = self.key(batch)?;
        let mut runs = self.runs.lock();
        self.ensure(&mut runs, key)?;
        match runs.kept.last_mut() {
            Some((_, run)) => act(run),
            None => Err(HostError::Unknown {
                asked: batch,
                newest: 0,
            }),
        }
    }

    fn key(&self, batch: u64) -> Result<RunKey, HostError> {
        Ok((batch, self.record(batch)?.position.batch_acc))
    }

    /// Moves the run to the end of the list, and makes it if need be.
    fn ensure(&self, runs: &mut Runs, key: RunKey) -> Result<(), HostError> {
        if let Some(at) = runs.kept.iter().position(|(kept, _)| *kept == key) {
            let run = runs.kept.remove(at);
            runs.kept.push(run);
            return Ok(());
        }
        let inputs = self.follower.lock().inputs(key.0)?;
        tracing::info!(batch = key.0, "running the batch in the machine");
        let run = BatchRun::record(inputs, &mut |_| true)?;
        let outcome = run.outcome();
        tracing::info!(batch = key.0, steps = outcome.steps, time = ?outcome.time, "ran");
        runs.time = runs.time.saturating_add(outcome.time);
        while runs.kept.len() >= RUNS {
            runs.kept.remove(0);
        }
        runs.kept.push((key, run));
        Ok(())
    }
}

impl Truth for Oracle {
    type Error = HostError;

    fn output(&self, batch: u64) -> Result<Option<B256>, HostError> {
        Ok(Some(self.record(batch)?.output_root))
    }

    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, HostError> {
        let key = self.key(batch)?;
        let bytes: Vec<u8> = steps.iter().flat_map(|step| step.to_be_bytes()).collect();
        let question = (key, keccak256(bytes));
        if let Some(answer) = self.runs.lock().answers.get(&question) {
            return Ok(answer.clone());
        }
        let answer = self.with_run(batch, |run| run.state_hashes(steps))?;
        let mut runs = self.runs.lock();
        while runs.answers.len() >= ANSWERS {
            runs.answers.pop_first();
        }
        runs.answers.insert(question, answer.clone());
        Ok(answer)
    }

    fn end_state(&self, batch: u64) -> Result<Bytes, HostError> {
        self.with_run(batch, BatchRun::end_state)
    }

    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, HostError> {
        self.with_run(batch, |run| run.witness(step))
    }
}
