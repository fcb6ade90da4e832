//! Interpreter, witness executor and Solidity, step by step over random programs.

use alloy_primitives::{B256, Bytes};
use std::path::Path;
use trestle_machine_tests::{Difference, Judges, StepVerifier, Tally, kzg, run_seeds};
use trestle_vm::{
    Engine, ExitCode, Hart, Image, Interpreter, Memory, Op, State, Trap, WitnessError, decode,
    verify_step,
};

/// The contract as committed.
pub(crate) fn contract() -> StepVerifier {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
    StepVerifier::from_artifact(&root.join("artifacts/RiscvStepVerifier.json"))
        .expect("the artifact is committed")
}

/// Every operation, and every trap that a program can meet, is in the run.
fn assert_covers(tally: &Tally) {
    // 64 operations beside the illegal one, and steps without an instruction.
    assert!(tally.operations.len() >= 66, "{:?}", tally.operations);
    for trap in Trap::ALL {
        let code = ExitCode::from_trap(trap).0;
        assert!(tally.exits.contains_key(&code), "no {trap:?}");
    }
    assert!(tally.straddles > 100);
}

#[test]
fn random_programs_run_alike_in_interpreter_and_witness_executor() {
    let tally =
        run_seeds(0.., 400_000, Judges::new(None)).unwrap_or_else(|error| panic!("{error}"));
    assert_covers(&tally);
}

#[test]
fn pitfall_a13_random_programs_run_alike_in_solidity() {
    let tally = run_seeds((1 << 32).., 50_000, Judges::new(Some(&contract())))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_covers(&tally);
}

/// The interpreter, wrong in one bit of `SRAW` when 31 places are shifted.
#[derive(Debug)]
struct WrongEngine(Interpreter, Image);

impl Engine for WrongEngine {
    fn run(&mut self, hart: &mut Hart, memory: &mut Memory, budget: u64) -> u64 {
        for ran in 0..budget {
            let i = decode(self.1.word(hart.pc).unwrap_or_default());
            let is_hit = i.op == Op::Sraw && hart.x.get(i.rs2) & 31 == 31;
            if self.0.run(hart, memory, 1) == 0 {
                return ran;
            }
            if is_hit {
                hart.x.set(i.rd, hart.x.get(i.rd) ^ 1 << 63);
            }
        }
        budget
    }
}

#[test]
fn one_wrong_bit_in_the_interpreter_is_caught() {
    let judges = Judges {
        engine: |image| Box::new(WrongEngine(Interpreter::new(image), image.clone())),
        ..Judges::new(None)
    };
    let error = run_seeds(0.., 400_000, judges).expect_err("the mutant is caught");
    assert!(
        matches!(&error.difference, Difference::Witness(m) if m.what.contains("Sraw")),
        "{error}"
    );
}

/// The witness executor, wrong in the lowest bit of `SLTU` when its operands are equal.
fn wrong_twin(pre: &B256, witness: &[u8]) -> Result<B256, WitnessError> {
    let post = verify_step(pre, witness, &kzg)?;
    let Some(mut state) = witness
        .get(..416)
        .and_then(|bytes| State::decode(bytes).ok())
    else {
        return Ok(post);
    };
    let at = 416 + usize::try_from(state.pc.wrapping_sub(state.code_base) & 127).expect("small");
    let word = witness
        .get(at..at + 4)
        .map_or(0, |b| u32::from_le_bytes(b.try_into().expect("4")));
    let i = decode(word);
    let [a, b] = [i.rs1, i.rs2].map(|register| state.x[usize::from(register)]);
    let is_hit = !state.halted && witness.len() == 416 + 128 + 17 * 32;
    if is_hit && i.op == Op::Sltu && a == b && i.rd != 0 {
        state.x[usize::from(i.rd)] = 1;
        state.pc += 4;
        state.step += 1;
        return Ok(state.hash());
    }
    Ok(post)
}

#[test]
fn one_wrong_bit_in_the_witness_executor_is_caught() {
    let judges = Judges {
        twin: wrong_twin,
        ..Judges::new(None)
    };
    let error = run_seeds(0.., 400_000, judges).expect_err("the mutant is caught");
    assert!(
        matches!(&error.difference, Difference::Witness(m) if m.what.contains("Sltu")),
        "{error}"
    );
}

#[test]
fn one_wrong_bit_in_the_contract_is_caught() {
    // `b & 63` of the shifts becomes `b & 62`: PUSH1 0x3f, of which one bit is flipped.
    let code = contract().code();
    let places: Vec<usize> = (1..code.len())
        .filter(|at| code[at - 1..=*at] == [0x60, 0x3f])
        .collect();
    assert!(!places.is_empty(), "the code masks shift amounts");
    for at in places {
        let mut flipped = code.to_vec();
        flipped[at] ^= 1;
        let contract = StepVerifier::from_code(Bytes::from(flipped));
        let judges = Judges::new(Some(&contract));
        let error = run_seeds((1 << 32).., 50_000, judges).expect_err("the mutant is caught");
        assert!(
            matches!(error.difference, Difference::Solidity(_)),
            "{error}"
        );
    }
}
