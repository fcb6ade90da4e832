//! The gas that costs the machine most.

use crate::{in_machine, number};
use std::{sync::Arc, time::Instant};
use trestle_guest_tests::{
    Account, World,
    search::{self, SEARCHED},
    typed,
};
use trestle_vm::Image;

/// Instructions per gas of each program that spends `GAS`, beyond what a program of its size costs that does nothing.
pub(crate) fn run(image: &Arc<Image>) {
    let gas = number("GAS", 400_000);
    let only = std::env::var("ONLY").unwrap_or_default();
    let start = Instant::now();
    let mut found: Vec<(u64, String)> = Vec::new();
    for program in search::opcodes().into_iter().chain(search::precompiles()) {
        if program.name.contains(&only) {
            let per_gas = search::cost(image, &program, gas).per_gas();
            println!("{per_gas:6} | {}", program.name);
            found.push((per_gas, program.name));
        }
    }
    found.sort();
    let (count, seconds) = (found.len(), start.elapsed().as_secs_f64());
    println!("worst of {count} programs, {seconds:.0} s: instructions per gas | program");
    for (per_gas, name) in found.iter().rev().take(40) {
        println!("{per_gas:6} | {name}");
    }
    let worst = found.last().map_or(0, |(per_gas, _)| *per_gas);
    let gas = search::most_gas(World::new(0..1).follower.chain());
    let steps = u128::from(worst + 1) * u128::from(gas);
    println!(
        "a batch of {gas} gas of the worst: {steps} steps of {}",
        1u64 << 39
    );
    assert!(
        steps < 1 << 39,
        "a legal batch may be longer than 2^39 steps"
    );
    if only.is_empty() {
        levels(image);
    }
}

/// What each node on the way to a slot costs, from tries of different depths.
fn levels(image: &Arc<Image>) {
    println!("slots in the trie | slots asked for | preimages | instructions");
    for name in ["sload", "sstore", "clear"] {
        for slots in [256, 4_096, 65_536] {
            let program = search::trie_program(name, slots);
            let mut world = World::with(0..1, program.contracts());
            let gas = 51_000 + 256 * if name == "sload" { 2_134 } else { 5_037 };
            let tx = Account::new(0).call(0, SEARCHED, gas, program.input.clone());
            let payload = world.payload(vec![typed(vec![tx])]);
            let (record, inputs) = world.derive(payload);
            let run = in_machine(image, &inputs, record.output_root);
            let preimages = inputs.preimages().len();
            println!("{name} {slots:6} | 256 | {preimages:5} | {:10}", run.steps);
        }
    }
}
