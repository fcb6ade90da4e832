//! The example programs: what a compiler makes of C runs as it should, in all executors.

use crate::lockstep::contract;
use alloy_primitives::{B256, keccak256};
use std::{path::Path, sync::Arc};
use trestle_machine_tests::{Judges, Lockstep, Tally};
use trestle_vm::{ExitCode, Image, Machine, NoPreimages};

fn machine(program: &str, input: B256) -> Machine {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prover/vm/examples/programs");
    let file = std::fs::read(folder.join(format!("{program}.elf"))).expect("committed");
    Machine::new(Arc::new(Image::from_elf(&file).expect("loads")), input)
}

#[test]
fn software_keccak_in_the_machine_equals_the_native_call() {
    let input = keccak256("input");
    let mut machine = machine("keccak", input);
    machine.run(&NoPreimages).expect("runs");
    assert_eq!(machine.exit_code(), Some(ExitCode(0)));
    let (words, _) = input.as_chunks::<8>();
    let mix = words
        .iter()
        .fold(0, |mix, word| mix ^ u64::from_le_bytes(*word));
    let page: Vec<u8> = (0..4096_u64)
        .map(|i| ((i * i) ^ mix).to_le_bytes()[0])
        .collect();
    assert_eq!(machine.output(), keccak256(page));
}

#[test]
fn loops_of_the_bench_end_as_they_did_under_qemu() {
    for (program, steps) in [("keccak_loop", 84_990_866), ("evm_loop", 74_880_040)] {
        let mut machine = machine(program, B256::ZERO);
        machine.run(&NoPreimages).expect("runs");
        assert_eq!(machine.exit_code(), Some(ExitCode(0)), "{program}");
        assert_eq!(machine.step(), steps, "{program}");
    }
}

/// Compiled code in lockstep with the contract: at every system call, and forty steps now and then.
#[test]
fn compiled_code_runs_alike_in_solidity() {
    let contract = contract();
    let mut machine = machine("keccak", B256::repeat_byte(7));
    let mut tally = Tally::default();
    let mut calls = 0;
    while machine.exit_code().is_none() {
        let is_call = machine.image().word(machine.hart().pc) == Some(0x73);
        calls += u32::from(is_call);
        if is_call || machine.step() % 9973 < 40 {
            let mut lockstep = Lockstep {
                machine: &mut machine,
                source: &NoPreimages,
                judges: Judges::new(Some(&contract)),
                tally: &mut tally,
            };
            lockstep.step().unwrap_or_else(|error| panic!("{error}"));
        } else {
            let next = machine.step() + 1;
            let _stop = machine.run_until(next, &NoPreimages).expect("runs");
        }
    }
    // Eight hashes and the end.
    assert_eq!(calls, 9);
    assert!(tally.steps > 5000, "{}", tally.steps);
}
