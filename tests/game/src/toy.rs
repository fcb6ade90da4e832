//! The toy machine, as `ToyVerifier.sol` runs it: any of 2^42 states for one hash.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    convert::Infallible,
};

use alloy_primitives::{B256, Bytes, U256, keccak256};
use trestle_challenger::{MACHINE_STEPS, Truth};

use crate::liar::{End, Trace};

/// What a batch runs. A program that never halts has `halt_at` above 2^42.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) halt_at: u64,
    pub(crate) exit_code: u64,
    pub(crate) output: B256,
}

impl Program {
    pub(crate) fn succeeds(&self) -> bool {
        self.exit_code == 0 && self.halt_at <= MACHINE_STEPS && self.output != B256::ZERO
    }
}

/// Accumulator of `ToyInbox.sol` after a batch.
pub(crate) fn batch_acc(batch: u64) -> B256 {
    let mut words = [0_u8; 128];
    words[31] = 0x40;
    words[32..64].copy_from_slice(&U256::from(batch).to_be_bytes::<32>());
    words[95] = 5;
    words[96..101].copy_from_slice(b"batch");
    keccak256(words)
}

/// The chain of the toy: every batch's program and output.
#[derive(Debug, Clone)]
pub(crate) struct Toy {
    pub(crate) anchor_batch: u64,
    pub(crate) anchor_root: B256,
    pub(crate) config_hash: B256,
    pub(crate) image: B256,
    programs: BTreeMap<u64, Program>,
    /// First batch that fails; all outputs from it on are none.
    first_failure: Option<u64>,
    defaults: RefCell<HashMap<u64, (Program, B256)>>,
}

impl Toy {
    pub(crate) fn new(anchor_root: B256, config_hash: B256, image: B256) -> Self {
        Self {
            anchor_batch: 0,
            anchor_root,
            config_hash,
            image,
            programs: BTreeMap::new(),
            first_failure: None,
            defaults: RefCell::default(),
        }
    }

    pub(crate) fn set_program(&mut self, batch: u64, program: Program) {
        self.programs.insert(batch, program);
        self.first_failure = self
            .programs
            .iter()
            .find(|(_, program)| !program.succeeds())
            .map(|(batch, _)| *batch);
    }

    pub(crate) fn program(&self, batch: u64) -> Program {
        if let Some(program) = self.programs.get(&batch) {
            return *program;
        }
        self.default_of(batch).0
    }

    /// The default program and the accumulator, computed once.
    fn default_of(&self, batch: u64) -> (Program, B256) {
        *self.defaults.borrow_mut().entry(batch).or_insert_with(|| {
            let acc = batch_acc(batch);
            let mut words = [0_u8; 128];
            words[31] = 0x40;
            words[32..64].copy_from_slice(acc.as_slice());
            words[95] = 6;
            words[96..102].copy_from_slice(b"output");
            let low = U256::from_be_bytes(acc.0) % U256::from(1_u64 << 39);
            let halt_at = low.to::<u64>() + 1;
            (
                Program {
                    halt_at,
                    exit_code: 0,
                    output: keccak256(words),
                },
                acc,
            )
        })
    }

    pub(crate) fn acc(&self, batch: u64) -> B256 {
        self.default_of(batch).1
    }

    pub(crate) fn seed(&self, batch: u64, output_before: B256) -> B256 {
        let words = [
            self.image,
            self.config_hash,
            output_before,
            self.acc(batch - 1),
            self.acc(batch),
        ];
        keccak256(words.concat())
    }

    /// Layout of a state of any program.
    pub(crate) fn layout(seed: B256, index: u64, program: &Program) -> Bytes {
        let words: [B256; 5] = [
            seed,
            U256::from(index).into(),
            U256::from(program.halt_at).into(),
            U256::from(program.exit_code).into(),
            program.output,
        ];
        words.concat().into()
    }

    /// Layout of the true state at a step, where the batch starts from this output.
    pub(crate) fn state(&self, batch: u64, output_before: B256, step: u64) -> Bytes {
        let program = self.program(batch);
        Self::layout(
            self.seed(batch, output_before),
            step.min(program.halt_at),
            &program,
        )
    }
}

impl Trace for Toy {
    /// Zero from the first failure on.
    fn output_root(&self, batch: u64) -> B256 {
        if batch == self.anchor_batch {
            return self.anchor_root;
        }
        if self.first_failure.is_some_and(|failed| failed <= batch) {
            return B256::ZERO;
        }
        self.program(batch).output
    }

    /// The seed is hashed once.
    fn states_from(&self, batch: u64, before: B256, steps: &[u64]) -> Vec<B256> {
        let (seed, program) = (self.seed(batch, before), self.program(batch));
        let hash =
            |step: &u64| keccak256(Self::layout(seed, (*step).min(program.halt_at), &program));
        steps.iter().map(hash).collect()
    }

    fn lying_end(&self, batch: u64, before: B256, end: End, salt: u64) -> Bytes {
        let (seed, program) = (self.seed(batch, before), self.program(batch));
        let halted = |program: Program| Self::layout(seed, program.halt_at, &program);
        match end {
            End::Output => halted(Program {
                exit_code: 0,
                output: keccak256([&b"lie"[..], &salt.to_be_bytes()].concat()),
                ..program
            }),
            End::SameOutput(output) => halted(Program {
                exit_code: 0,
                output,
                ..program
            }),
            End::Exit => halted(Program {
                exit_code: 1 + salt % 7,
                ..program
            }),
            End::Running => Self::layout(
                seed,
                MACHINE_STEPS,
                &Program {
                    halt_at: MACHINE_STEPS + 1 + salt % 1_000,
                    ..program
                },
            ),
            End::True => self.state(batch, before, MACHINE_STEPS),
        }
    }
}

impl Truth for Toy {
    type Error = Infallible;

    fn output(&self, batch: u64) -> Result<Option<B256>, Infallible> {
        let output = self.output_root(batch);
        Ok((output != B256::ZERO).then_some(output))
    }

    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        Ok(self.states_from(batch, self.output_root(batch - 1), steps))
    }

    fn end_state(&self, batch: u64) -> Result<Bytes, Infallible> {
        Ok(self.state(batch, self.output_root(batch - 1), MACHINE_STEPS))
    }

    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, Infallible> {
        Ok(self.state(batch, self.output_root(batch - 1), step))
    }
}
