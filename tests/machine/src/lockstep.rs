//! Two or three executors side by side, one step at a time, state hashes compared.

use crate::{
    evm::{StepVerifier, kzg},
    generate::case,
    random::Random,
};
use alloy_primitives::B256;
use std::collections::BTreeMap;
use trestle_vm::{
    Engine, ExitCode, Image, Interpreter, Machine, PreimageSource, RunError, StepAccess,
    StepWitness, WitnessError, decode, verify_step,
};

/// Two executors that do not agree, or one that refuses a true witness.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    /// The machine cannot go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The witness executor ends in another state, or refuses.
    #[error("witness executor: {0}")]
    Witness(Box<Mismatch>),
    /// The Solidity verifier ends in another state, or refuses.
    #[error("Solidity: {0}")]
    Solidity(Box<Mismatch>),
}

/// Where two executors part.
#[derive(Debug, thiserror::Error)]
#[error("step {step}, {what}: machine {machine}, other {other}")]
pub struct Mismatch {
    /// Step number.
    pub step: u64,
    /// Instruction and operands.
    pub what: String,
    /// State hash of the machine after the step.
    pub machine: B256,
    /// State hash of the other executor, or why it refused.
    pub other: String,
}

/// How often each instruction ran and each exit code was met.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Steps by operation; `Fetch` counts steps without an instruction.
    pub operations: BTreeMap<String, u64>,
    /// Halts by exit code.
    pub exits: BTreeMap<u64, u64>,
    /// Steps that touched two leaves.
    pub straddles: u64,
    /// All steps.
    pub steps: u64,
}

/// An executor that takes a step from its witness.
pub type Twin = fn(&B256, &[u8]) -> Result<B256, WitnessError>;
/// Makes the engine of an image.
pub type MakeEngine = fn(&Image) -> Box<dyn Engine + Send>;

/// The executors of a lockstep run. Tests replace one by a mutant, which the others must catch.
#[derive(Debug, Clone, Copy)]
pub struct Judges<'a> {
    /// Runs the machine.
    pub engine: MakeEngine,
    /// The witness executor.
    pub twin: Twin,
    /// The contract, if it takes part.
    pub contract: Option<&'a StepVerifier>,
}

impl<'a> Judges<'a> {
    /// Interpreter, witness executor and, if given, contract, as they are.
    #[must_use]
    pub fn new(contract: Option<&'a StepVerifier>) -> Self {
        Self {
            engine: |image| Box::new(Interpreter::new(image)),
            twin: |pre, witness| verify_step(pre, witness, &kzg),
            contract,
        }
    }
}

/// A machine with its judges.
pub struct Lockstep<'a> {
    /// The machine that leads.
    pub machine: &'a mut Machine,
    /// Where it reads.
    pub source: &'a dyn PreimageSource,
    /// Who else takes the step.
    pub judges: Judges<'a>,
    /// What was run.
    pub tally: &'a mut Tally,
}

impl std::fmt::Debug for Lockstep<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lockstep")
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}

impl Lockstep<'_> {
    /// Takes one step everywhere and compares.
    ///
    /// # Errors
    /// [`Difference`] names the step and who disagrees.
    pub fn step(&mut self) -> Result<(), Difference> {
        let pre = self.machine.state_hash();
        let witness = self.machine.witness(self.source)?;
        let step = self.machine.step();
        let was_halted = self.machine.exit_code().is_some();
        self.machine.run_until(step + 1, self.source)?;
        let post = self.machine.state_hash();
        let bytes = witness.encode();
        let mismatch = |other: String| {
            Box::new(Mismatch {
                step,
                what: name(&witness),
                machine: post,
                other,
            })
        };
        let verified = (self.judges.twin)(&pre, &bytes);
        if verified != Ok(post) {
            return Err(Difference::Witness(mismatch(format!("{verified:?}"))));
        }
        if let Some(contract) = self.judges.contract {
            let answer = contract.step(pre, &bytes).map(|(hash, _)| hash);
            if answer != Ok(post) {
                return Err(Difference::Solidity(mismatch(format!("{answer:?}"))));
            }
        }
        self.count(&witness, was_halted);
        Ok(())
    }

    fn count(&mut self, witness: &StepWitness, was_halted: bool) {
        self.tally.steps += 1;
        *self.tally.operations.entry(operation(witness)).or_default() += 1;
        if let (Some(ExitCode(code)), false) = (self.machine.exit_code(), was_halted) {
            *self.tally.exits.entry(code).or_default() += 1;
        }
        if let StepWitness::Instruction {
            access: StepAccess::Straddle(_),
            ..
        } = witness
        {
            self.tally.straddles += 1;
        }
    }
}

/// The instruction word of a witness.
fn word(witness: &StepWitness) -> Option<u32> {
    let StepWitness::Instruction { state, code, .. } = witness else {
        return None;
    };
    let at = usize::try_from(state.pc.wrapping_sub(state.code_base) & 127).ok()?;
    code.leaf
        .get(at..)?
        .first_chunk::<4>()
        .map(|bytes| u32::from_le_bytes(*bytes))
}

fn operation(witness: &StepWitness) -> String {
    match (witness, word(witness)) {
        (StepWitness::Boot { .. }, _) => "Boot".into(),
        (_, Some(word)) => format!("{:?}", decode(word).op),
        _ => "Fetch".into(),
    }
}

fn name(witness: &StepWitness) -> String {
    let StepWitness::Instruction { state, .. } = witness else {
        return operation(witness);
    };
    let word = word(witness).unwrap_or_default();
    let i = decode(word);
    let [a, b] = [i.rs1, i.rs2].map(|r| state.x.get(usize::from(r)).copied().unwrap_or_default());
    format!(
        "{word:#010x} {i:?} at {:#x} with rs1 {a:#x}, rs2 {b:#x}",
        state.pc
    )
}

/// A difference, with the seed that leads to it.
#[derive(Debug, thiserror::Error)]
#[error("seed {seed}: {difference}")]
pub struct SeedError {
    /// Seed of the case.
    pub seed: u64,
    /// Who disagrees.
    pub difference: Difference,
}

/// Runs the cases of `seeds` until `steps` steps are taken.
///
/// # Errors
/// [`SeedError`] at the first difference.
pub fn run_seeds(
    seeds: impl IntoIterator<Item = u64>,
    steps: u64,
    judges: Judges<'_>,
) -> Result<Tally, SeedError> {
    let mut tally = Tally::default();
    for seed in seeds {
        if tally.steps >= steps {
            break;
        }
        run_seed(seed, judges, &mut tally).map_err(|difference| SeedError { seed, difference })?;
    }
    Ok(tally)
}

/// One program from 24 states, 200 steps each at most, and one step of padding behind a halt.
fn run_seed(seed: u64, judges: Judges<'_>, tally: &mut Tally) -> Result<(), Difference> {
    let random = &mut Random::new(!seed);
    let Ok(mut case) = case(seed, judges.engine) else {
        return Ok(());
    };
    for _ in 0..24 {
        case.reset(random);
        let mut lockstep = Lockstep {
            machine: &mut case.machine,
            source: &case.preimages,
            judges,
            tally,
        };
        for _ in 0..200 {
            let was_halted = lockstep.machine.exit_code().is_some();
            match lockstep.step() {
                Ok(()) if was_halted => break,
                Ok(()) => {}
                // The program made up a key: no executor can go on.
                Err(Difference::Run(RunError::MissingPreimage { .. })) => break,
                Err(difference) => return Err(difference),
            }
        }
    }
    Ok(())
}
