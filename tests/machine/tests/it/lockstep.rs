//! Interpreter, witness executor and Solidity, step by step over random programs.

use std::path::Path;
use trestle_machine_tests::{Difference, Lockstep, Random, StepVerifier, Tally, case};
use trestle_vm::RunError;

/// The contract as committed.
pub(crate) fn contract() -> StepVerifier {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
    let file = root.join("artifacts/RiscvStepVerifier.json");
    let text = std::fs::read_to_string(file).expect("the artifact is committed");
    let json: serde_json::Value = serde_json::from_str(&text).expect("the artifact is JSON");
    let code = json["deployedBytecode"]["object"]
        .as_str()
        .expect("the artifact has code");
    StepVerifier::from_code(code.parse().expect("the code is hex"))
}

/// Runs seeds until `steps` steps are taken; panics with the seed at the first difference.
pub(crate) fn run(
    seeds: std::ops::Range<u64>,
    steps: u64,
    contract: Option<&StepVerifier>,
) -> Tally {
    let mut total = Tally::default();
    for seed in seeds {
        if total.steps >= steps {
            break;
        }
        let random = &mut Random::new(!seed);
        let mut case = case(seed).expect("generated images are valid");
        for _ in 0..24 {
            case.reset(random);
            let mut lockstep = Lockstep {
                machine: &mut case.machine,
                source: &case.preimages,
                solidity: contract,
                tally: &mut total,
            };
            for _ in 0..200 {
                match lockstep.step() {
                    Ok(()) => {}
                    // The program made up a key: no executor can go on.
                    Err(Difference::Run(RunError::MissingPreimage { .. })) => break,
                    Err(difference) => panic!("seed {seed}: {difference}"),
                }
                if lockstep.machine.exit_code().is_some() {
                    // One step of padding.
                    lockstep.step().expect("a halted machine stays as it is");
                    break;
                }
            }
        }
    }
    total
}

#[test]
fn random_programs_run_alike_in_interpreter_and_witness_executor() {
    let tally = run(0..u64::MAX, 20_000, None);
    println!("{tally:?}");
}

#[test]
fn random_programs_run_alike_in_solidity() {
    let tally = run(1 << 32..u64::MAX, 5_000, Some(&contract()));
    println!("{tally:?}");
}
