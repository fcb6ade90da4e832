//! The truth as the service has it: derivation of everything, and machine runs of what is disputed.
//!
//! Where both are known the machine is right: see `verdicts`. A run takes seconds, at worst most of an hour. While one is
//! made nothing else waits for it but who asks for the same batch: derivation, runs that are there, and answers that
//! were given go on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes, keccak256};
use parking_lot::{Condvar, Mutex};
use trestle_vm::Image;

use super::{
    Rules,
    verdicts::{RunKey, Verdicts},
};
use crate::{
    Truth,
    host::{BatchRecord, BatchRun, Follower, HostError, L1Batch},
    image::{IMAGE_ROOT, Programs},
};

/// Machine runs kept: a run holds up to 128 snapshots.
const RUNS: usize = 2;
/// Machine runs made at once for games: each takes a core, and memory.
const AT_ONCE: usize = 2;
/// Answers about states kept, of at most 128 hashes each.
const ANSWERS: usize = 1_024;

/// A run, or the place for it while it is made.
type Slot = Arc<Mutex<Option<BatchRun>>>;

/// Derived outputs, and machine runs by need.
#[derive(Debug)]
pub struct Oracle {
    follower: Mutex<Follower>,
    programs: Programs,
    runs: Mutex<Runs>,
    verdicts: Verdicts,
    /// Runs that are being made.
    at_work: Mutex<usize>,
    one_ended: Condvar,
}

#[derive(Debug, Default)]
struct Runs {
    /// Newest last.
    kept: Vec<(RunKey, Slot)>,
    answers: BTreeMap<(RunKey, B256), Vec<B256>>,
    /// Time that machine runs took so far.
    time: Duration,
}

impl Oracle {
    /// An oracle that derives through `follower` and proves by the built-in program.
    #[must_use]
    pub fn new(follower: Follower) -> Self {
        Self::with_programs(follower, Programs::default())
    }

    /// As [`Self::new`], with more than one program.
    #[must_use]
    pub fn with_programs(follower: Follower, programs: Programs) -> Self {
        Self {
            follower: Mutex::new(follower),
            programs,
            runs: Mutex::default(),
            verdicts: Verdicts::default(),
            at_work: Mutex::new(0),
            one_ended: Condvar::new(),
        }
    }

    /// The programs that it proves by.
    #[must_use]
    pub const fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Batches of which the machine said something else than derivation.
    #[must_use]
    pub fn disagreements(&self) -> usize {
        self.verdicts.disagreements()
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

    /// Does something with the run of a batch by the built-in program, which is made if it is not there.
    ///
    /// # Errors
    /// [`HostError`] when the batch is not derived or cannot be run.
    pub fn with_run<T>(
        &self,
        batch: u64,
        act: impl FnOnce(&mut BatchRun) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        self.with_run_by(IMAGE_ROOT, batch, act)
    }

    /// As [`Self::with_run`], by the program with this image root.
    ///
    /// # Errors
    /// As [`Self::with_run`]; [`HostError::NoProgram`].
    pub fn with_run_by<T>(
        &self,
        image: B256,
        batch: u64,
        act: impl FnOnce(&mut BatchRun) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let key = self.key(image, batch)?;
        let slot = self.slot(key);
        let mut run = slot.lock();
        match run.as_mut() {
            Some(run) => act(run),
            None => act(run.insert(self.make(key)?)),
        }
    }

    /// Lets the machine judge a batch, if it has not; keeps nothing but the verdict, and hinders no other run.
    ///
    /// # Errors
    /// As [`Self::with_run_by`].
    pub fn check(&self, image: B256, batch: u64) -> Result<(), HostError> {
        let key = self.key(image, batch)?;
        if !self.verdicts.has(&key) {
            self.run(key)?;
        }
        Ok(())
    }

    /// Whether the machine has judged a batch.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::Store`].
    pub fn is_checked(&self, image: B256, batch: u64) -> Result<bool, HostError> {
        Ok(self.verdicts.has(&self.key(image, batch)?))
    }

    fn key(&self, image: B256, batch: u64) -> Result<RunKey, HostError> {
        Ok((batch, self.record(batch)?.position.batch_acc, image))
    }

    fn program(&self, image: B256) -> Result<Arc<Image>, HostError> {
        let program = self.programs.get(&image).cloned();
        program.ok_or(HostError::NoProgram { image })
    }

    /// The place of a run, moved to the end of the list; the oldest leaves it for a new one.
    fn slot(&self, key: RunKey) -> Slot {
        let mut runs = self.runs.lock();
        let kept = runs.kept.iter().position(|(kept, _)| *kept == key);
        let (_, slot) = match kept {
            Some(at) => runs.kept.remove(at),
            None => {
                while runs.kept.len() >= RUNS {
                    runs.kept.remove(0);
                }
                (key, Slot::default())
            }
        };
        runs.kept.push((key, Arc::clone(&slot)));
        slot
    }

    /// Runs a batch, when not too many others run.
    fn make(&self, key: RunKey) -> Result<BatchRun, HostError> {
        let mut at_work = self.at_work.lock();
        self.one_ended
            .wait_while(&mut at_work, |at_work| *at_work >= AT_ONCE);
        *at_work = at_work.saturating_add(1);
        drop(at_work);
        let run = self.run(key);
        let mut at_work = self.at_work.lock();
        *at_work = at_work.saturating_sub(1);
        self.one_ended.notify_one();
        if let Ok(run) = &run {
            let mut runs = self.runs.lock();
            runs.time = runs.time.saturating_add(run.outcome().time);
        }
        run
    }

    fn run(&self, key: RunKey) -> Result<BatchRun, HostError> {
        let (batch, _, image) = key;
        let program = self.program(image)?;
        // A view of its own: derivation goes on meanwhile.
        let follower = self.follower.lock().clone();
        let (inputs, derived) = (follower.inputs(batch)?, follower.record(batch)?.output_root);
        tracing::info!(batch, %image, "running the batch in the machine");
        let run = BatchRun::record_image(program, inputs, &mut |_| true)?;
        let outcome = run.outcome();
        tracing::info!(batch, steps = outcome.steps, time = ?outcome.time, "ran");
        self.verdicts.note(key, derived, outcome);
        Ok(run)
    }

    /// Output root after a batch in a game of these rules; `None` when that batch or one of the game's before it
    /// failed in the machine, as far as the machine has run them.
    ///
    /// # Errors
    /// [`HostError::Unknown`], [`HostError::Store`]; [`HostError::Unfollowed`] beyond a batch that the machine brings
    /// to another output than derivation.
    pub fn output_by(&self, rules: &Rules, batch: u64) -> Result<Option<B256>, HostError> {
        for (number, acc, output) in self.verdicts.others(rules, batch) {
            if self.record(number)?.position.batch_acc != acc {
                continue;
            }
            return match output {
                B256::ZERO => Ok(None),
                output if number == batch => Ok(Some(output)),
                _ => Err(HostError::Unfollowed { batch: number }),
            };
        }
        Ok(Some(self.record(batch)?.output_root))
    }

    /// Hashes of a batch's states in a game of these rules.
    ///
    /// # Errors
    /// As [`Self::with_run_by`].
    pub fn states_by(
        &self,
        rules: &Rules,
        batch: u64,
        steps: &[u64],
    ) -> Result<Vec<B256>, HostError> {
        let image = rules.images.of(batch);
        let key = self.key(image, batch)?;
        let bytes: Vec<u8> = steps.iter().flat_map(|step| step.to_be_bytes()).collect();
        let question = (key, keccak256(bytes));
        if let Some(answer) = self.runs.lock().answers.get(&question) {
            return Ok(answer.clone());
        }
        let answer = self.with_run_by(image, batch, |run| run.state_hashes(steps))?;
        let mut runs = self.runs.lock();
        while runs.answers.len() >= ANSWERS {
            runs.answers.pop_first();
        }
        runs.answers.insert(question, answer.clone());
        Ok(answer)
    }
}

/// In a chain that has had no other image than the built-in one.
impl Truth for Oracle {
    type Error = HostError;

    fn output(&self, batch: u64) -> Result<Option<B256>, HostError> {
        self.output_by(&Rules::BUILT_IN, batch)
    }

    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, HostError> {
        self.states_by(&Rules::BUILT_IN, batch, steps)
    }

    fn end_state(&self, batch: u64) -> Result<Bytes, HostError> {
        self.with_run(batch, BatchRun::end_state)
    }

    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, HostError> {
        self.with_run(batch, |run| run.witness(step))
    }
}
