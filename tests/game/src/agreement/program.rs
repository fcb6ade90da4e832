//! The program that the disputes run, its true trace, and a lie about it.

use std::cell::RefCell;

use alloy_primitives::{B256, Bytes, keccak256};
use trestle_challenger::{MACHINE_STEPS, Truth};
use trestle_vm::{Checkpoints, Image, NoPreimages, RunError, State};

pub(super) const CODE_BASE: u64 = 0x1_0000;

pub(super) const fn addi(rd: u32, rs1: u32, imm: i32) -> u32 {
    ((imm as u32) << 20) | (rs1 << 15) | (rd << 7) | 0x13
}

/// `ld rd, imm(x7)`.
pub(super) const fn ld(rd: u32, imm: u32) -> u32 {
    (imm << 20) | (7 << 15) | (3 << 12) | (rd << 7) | 0x03
}

/// Stores `x6 = 3, 6, …` five hundred times, then halts with the 32 bytes at 0x2000 as its output.
pub(super) const PROGRAM: [u32; 13] = [
    0x0000_23b7,     // lui x7, 2
    addi(5, 0, 500), //
    addi(6, 6, 3),   // loop:
    0x0463_b023,     // sd x6, 64(x7)
    addi(5, 5, -1),  //
    0xfe02_9ae3,     // bne x5, x0, loop
    ld(11, 0),       //
    ld(12, 8),       //
    ld(13, 16),      //
    ld(14, 24),      //
    addi(10, 0, 0),  //
    addi(17, 0, 93), //
    0x0000_0073,     // ecall: halt
];

pub(super) fn image(output: B256) -> Image {
    let code = PROGRAM.iter().flat_map(|word| word.to_le_bytes()).collect();
    Image::new(
        CODE_BASE,
        code,
        &[(0x2000, output.as_slice())],
        (CODE_BASE, 0x8000),
    )
    .unwrap()
}

/// The interpreter's trace of batch 1.
pub(super) struct Run {
    pub(super) machine: RefCell<Checkpoints>,
    pub(super) anchor: B256,
    pub(super) output: B256,
}

impl Run {
    pub(super) fn state(&self) -> State {
        self.machine
            .borrow_mut()
            .machine_at(MACHINE_STEPS, &NoPreimages)
            .unwrap()
            .state()
            .unwrap()
    }

    pub(super) fn hash(&self, step: u64) -> B256 {
        self.machine
            .borrow_mut()
            .state_hash_at(step, &NoPreimages)
            .unwrap()
    }
}

impl Truth for Run {
    type Error = RunError;

    fn output(&self, batch: u64) -> Result<Option<B256>, RunError> {
        Ok(Some(if batch == 0 { self.anchor } else { self.output }))
    }

    fn states(&self, _batch: u64, steps: &[u64]) -> Result<Vec<B256>, RunError> {
        let mut machine = self.machine.borrow_mut();
        steps
            .iter()
            .map(|step| machine.state_hash_at(*step, &NoPreimages))
            .collect()
    }

    fn end_state(&self, _batch: u64) -> Result<Bytes, RunError> {
        Ok(self.state().encode().to_vec().into())
    }

    fn witness(&self, _batch: u64, step: u64) -> Result<Bytes, RunError> {
        let mut machine = self.machine.borrow_mut();
        let witness = machine
            .machine_at(step, &NoPreimages)?
            .witness(&NoPreimages)?;
        Ok(witness.encode().into())
    }
}

/// The same trace with every state from one step on replaced, ending in another output.
pub(super) struct Lie<'a> {
    pub(super) run: &'a Run,
    pub(super) from: u64,
    pub(super) output: B256,
}

impl Truth for Lie<'_> {
    type Error = RunError;

    fn output(&self, batch: u64) -> Result<Option<B256>, RunError> {
        Ok(Some(if batch == 0 {
            self.run.anchor
        } else {
            self.output
        }))
    }

    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, RunError> {
        let truth = self.run.states(batch, steps)?;
        let end = keccak256(self.end_state(batch)?);
        let lied = truth
            .into_iter()
            .zip(steps)
            .map(|(hash, step)| match *step {
                MACHINE_STEPS => end,
                step if step >= self.from => keccak256([hash.as_slice(), b"lie"].concat()),
                _ => hash,
            });
        Ok(lied.collect())
    }

    fn end_state(&self, _batch: u64) -> Result<Bytes, RunError> {
        let end = State {
            output_hash: self.output,
            ..self.run.state()
        };
        Ok(end.encode().to_vec().into())
    }

    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, RunError> {
        self.run.witness(batch, step)
    }
}
