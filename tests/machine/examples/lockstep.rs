//! Random programs in lockstep for as long as asked.
//!
//! `cargo run --release -p trestle-machine-tests --example lockstep -- STEPS SOLIDITY [SEED]`:
//! `STEPS` random steps in interpreter and witness executor with every state hash compared, then
//! `SOLIDITY` in all three. Prints what was run; part of `make soak-machine`.

use std::{collections::BTreeMap, path::Path};
use trestle_machine_tests::{Judges, StepVerifier, Tally, run_seeds};
use trestle_vm::ExitCode;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>());
    let mut next = |default| arguments.next().unwrap_or(Ok(default));
    let (steps, solidity, seed) = (next(10_000_000)?, next(100_000)?, next(1)?);
    let artifacts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artifacts");
    let contract = StepVerifier::from_artifact(&artifacts.join("RiscvStepVerifier.json"))?;
    let first = seed << 32;
    let halves = std::thread::scope(|scope| {
        let second =
            scope.spawn(move || run_seeds(first + (1 << 31).., steps / 2, Judges::new(None)));
        (
            run_seeds(first.., steps / 2, Judges::new(None)),
            second.join(),
        )
    });
    report("interpreter and witness executor", &halves.0?);
    match halves.1 {
        Ok(tally) => report("interpreter and witness executor", &tally?),
        Err(_) => return Err("the second thread panicked".into()),
    }
    report(
        "with Solidity",
        &run_seeds(first + (1 << 30).., solidity, Judges::new(Some(&contract)))?,
    );
    Ok(())
}

fn report(what: &str, tally: &Tally) {
    println!(
        "{what}: {} steps, {} over two leaves",
        tally.steps, tally.straddles
    );
    println!("  operations {:?}", tally.operations);
    let trapped = |(code, count): (&u64, &u64)| {
        ExitCode(*code)
            .trap()
            .map(|trap| (format!("{trap:?}"), *count))
    };
    let traps: BTreeMap<String, u64> = tally.exits.iter().filter_map(trapped).collect();
    let ends: u64 = tally
        .exits
        .iter()
        .filter(|(code, _)| **code >> 32 == 0)
        .map(|(_, n)| n)
        .sum();
    println!("  traps {traps:?}, {ends} ends by the program");
}
