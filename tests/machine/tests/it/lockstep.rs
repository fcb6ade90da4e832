//! Interpreter, witness executor and Solidity, step by step over random programs.

use std::path::Path;
use trestle_machine_tests::{StepVerifier, Tally, run_seeds};

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
    for trap in trestle_vm::Trap::ALL {
        let code = trestle_vm::ExitCode::from_trap(trap).0;
        assert!(tally.exits.contains_key(&code), "no {trap:?}");
    }
    assert!(tally.straddles > 100);
}

#[test]
fn random_programs_run_alike_in_interpreter_and_witness_executor() {
    let tally = run_seeds(0.., 400_000, None).unwrap_or_else(|error| panic!("{error}"));
    assert_covers(&tally);
}

#[test]
fn random_programs_run_alike_in_solidity() {
    let tally =
        run_seeds((1 << 32).., 50_000, Some(&contract())).unwrap_or_else(|error| panic!("{error}"));
    assert_covers(&tally);
}
