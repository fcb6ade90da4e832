//! A run with snapshots at intervals, so that any of its steps can be reached again quickly.
//!
//! The challenger bisects through it: hashes at many steps, then the witness of one.

use crate::{
    machine::{Machine, RunError, Stop},
    preimage::PreimageSource,
    snapshot::Snapshot,
};
use alloc::collections::BTreeMap;
use alloy_primitives::B256;

/// A recorded run.
#[derive(Debug)]
pub struct Checkpoints {
    machine: Machine,
    snapshots: BTreeMap<u64, Snapshot>,
}

impl Checkpoints {
    /// Runs `machine` until it halts or `limit` steps are taken, saving it every `interval` steps
    /// (at least 1).
    ///
    /// # Errors
    /// As [`Machine::run_until`].
    pub fn record(
        mut machine: Machine,
        interval: u64,
        limit: u64,
        source: &dyn PreimageSource,
    ) -> Result<Self, RunError> {
        let mut snapshots = BTreeMap::new();
        loop {
            let at = machine.step();
            snapshots.insert(at, machine.snapshot());
            let next = at.saturating_add(interval.max(1)).min(limit);
            if machine.run_until(next, source)? == Stop::Halted || next == limit {
                break;
            }
        }
        snapshots.insert(machine.step(), machine.snapshot());
        Ok(Self { machine, snapshots })
    }

    /// Number of snapshots held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.snapshots.len()
    }

    /// True if nothing was recorded, which [`Checkpoints::record`] never leaves.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.snapshots.is_empty()
    }

    /// The machine at `step`, reached from the nearest snapshot before it. Steps after a halt give
    /// the halted machine.
    ///
    /// # Errors
    /// As [`Machine::run_until`].
    pub fn machine_at(
        &mut self,
        step: u64,
        source: &dyn PreimageSource,
    ) -> Result<&mut Machine, RunError> {
        let nearest = self.snapshots.range(..=step).next_back();
        if let Some((at, snapshot)) = nearest {
            let here = self.machine.step();
            if here > step || here < *at {
                self.machine.restore(snapshot);
            }
        }
        self.machine.run_until(step, source)?;
        Ok(&mut self.machine)
    }

    /// Hash of the state at `step`.
    ///
    /// # Errors
    /// As [`Machine::run_until`].
    pub fn state_hash_at(
        &mut self,
        step: u64,
        source: &dyn PreimageSource,
    ) -> Result<B256, RunError> {
        Ok(self.machine_at(step, source)?.state_hash())
    }
}
