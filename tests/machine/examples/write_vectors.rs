//! Writes the shared step vectors and the gas snapshot: `make vectors-machine`.

use std::path::Path;
use trestle_machine_tests::{StepVerifier, gas_json, refusals_json, steps_json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let contracts = tests.join("../contracts");
    std::fs::write(tests.join("vectors/vm/steps.json"), steps_json())?;
    std::fs::write(tests.join("vectors/vm/refusals.json"), refusals_json())?;
    let contract =
        StepVerifier::from_artifact(&contracts.join("artifacts/RiscvStepVerifier.json"))?;
    std::fs::create_dir_all(contracts.join("snapshots"))?;
    std::fs::write(
        contracts.join("snapshots/step-gas.json"),
        gas_json(&contract),
    )?;
    Ok(())
}
