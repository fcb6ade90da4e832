//! What the batch's gas caps promise: no legal batch is too long, or too large, for the machine.

use trestle_challenger::image::image;
use trestle_guest_tests::{
    World, memory, run,
    search::{cost, most_gas, opcodes, precompiles},
};

/// The programs that the whole search (`make bench-guest`) found to be the dearest, of each kind.
const DEAREST: [&str; 9] = [
    "precompile 0xa, 192 bytes",
    "precompile 0x100, 160 bytes",
    "precompile 0xe, ones",
    "precompile 0xc, 128 of them",
    "precompile 0x10, 64 bytes",
    "keccak 4097",
    "extcodesize of cold code of 0x5b",
    "create2 of 49,152 jump targets that stops",
    "0x09 noise",
];

#[test]
fn rule_09_batch_of_the_dearest_gas_stays_below_the_steps_of_a_trace() {
    let most = most_gas(World::new(0..1).follower.chain());
    assert_eq!(most, 480_000_000 + 16_777_216 + 120_000_000);
    let programs: Vec<_> = opcodes().into_iter().chain(precompiles()).collect();
    for name in DEAREST {
        let program = programs
            .iter()
            .find(|program| program.name == name)
            .unwrap();
        let cost = cost(&image().unwrap(), program, 400_000);
        let steps = u128::from(cost.steps) * u128::from(most) / u128::from(cost.gas);
        assert!(steps < 1 << 39, "{name}: {cost:?}");
    }
}

#[test]
fn rule_09_batches_that_are_built_to_use_memory_stay_below_two_gibibytes() {
    let quick = [
        "one memory",
        "memory of deep frames",
        "return data of deep frames",
        "transient storage",
        "creations",
        "bomb of 16 MiB",
        "22,800 entries of noise",
    ];
    let all = memory::scenarios();
    for name in quick {
        let (_, make) = all.iter().find(|(known, _)| *known == name).unwrap();
        let mut hungry = make();
        let (record, inputs) = hungry.world.derive(hungry.content);
        let run = run(&inputs);
        assert_eq!(run.output, record.output_root, "{name}");
        assert!(run.pages < 1 << 19, "{name}: {} pages", run.pages);
    }
}
