//! Whole runs: budgets, snapshots, checkpoints, missing preimages, the memory root.
#![expect(
    clippy::cast_possible_truncation,
    reason = "random bits are cut to size on purpose"
)]

use alloy_primitives::{B256, keccak256};
use std::sync::Arc;
use trestle_machine_tests::{CODE, Judges, Random, Scene, case, word as i};
use trestle_vm::{
    CALL_HALT, CALL_READ_WORD, Checkpoints, ExitCode, Image, KEY_KECCAK, Machine, NoPreimages, Op,
    PAGE_LEN, RunError, Stop, Trap, words_of,
};

/// Runs the words from a plain start.
fn machine(code: &[u32], input: B256) -> Machine {
    let code = code.iter().flat_map(|word| word.to_le_bytes()).collect();
    let image = Image::new(CODE, code, &[(0x5000, &[1, 2, 3])], (CODE, CODE)).expect("valid");
    Machine::new(Arc::new(image), input)
}

/// Stores 200 numbers over 50 pages, twice, then halts with the last.
fn writer() -> Machine {
    let program = [
        i(Op::Addi, 5, 0, 0, 400),
        i(Op::Lui, 6, 0, 0, 0x10_0000),
        // Loop: 8 instructions from here.
        i(Op::Sd, 0, 6, 5, 4),
        i(Op::Addi, 6, 6, 0, 1020),
        i(Op::Andi, 7, 5, 0, 127),
        i(Op::Bne, 0, 7, 0, 8),
        i(Op::Lui, 6, 0, 0, 0x10_0000),
        i(Op::Addi, 5, 5, 0, -1),
        i(Op::Bne, 0, 5, 0, -24),
        i(Op::Addi, 10, 0, 0, 3),
        i(Op::Addi, 17, 0, 0, 93),
        0x73,
    ];
    machine(&program, B256::ZERO)
}

#[test]
fn runs_of_any_budget_end_in_the_state_of_single_steps() {
    let random = &mut Random::new(99);
    for seed in 0..300 {
        let engine = Judges::new(None).engine;
        let mut one = case(seed, engine).expect("valid");
        one.reset(random);
        let start = one.machine.snapshot();
        let mut hashes = vec![one.machine.state_hash()];
        let mut stuck = false;
        for step in 2..120 {
            match one.machine.run_until(step, &one.preimages) {
                Ok(_) => hashes.push(one.machine.state_hash()),
                Err(RunError::MissingPreimage { .. }) => stuck = true,
                Err(error) => panic!("seed {seed}: {error}"),
            }
            if stuck || one.machine.exit_code().is_some() {
                break;
            }
        }
        // Jumps over random numbers of steps.
        one.machine.restore(&start);
        let mut at = 0;
        while at + 1 < hashes.len() {
            at = (at + 1 + random.below(40) as usize).min(hashes.len() - 1);
            let _stop = one
                .machine
                .run_until(at as u64 + 1, &one.preimages)
                .expect("runs");
            assert_eq!(
                one.machine.state_hash(),
                hashes[at],
                "seed {seed}, step {at}"
            );
        }
    }
}

#[test]
fn snapshots_restore_in_any_order() {
    let mut machine = writer();
    let mut saved = Vec::new();
    for step in (0..3000).step_by(113) {
        let _stop = machine.run_until(step, &NoPreimages).expect("runs");
        saved.push((machine.state_hash(), machine.snapshot()));
    }
    let random = &mut Random::new(4);
    for _ in 0..200 {
        let at = random.below(saved.len() as u64) as usize;
        let (hash, snapshot) = &saved[at];
        // Dirty some pages first, so that there is something to undo.
        let on = machine.step() + random.below(300);
        let _stop = machine.run_until(on, &NoPreimages).expect("runs");
        machine.restore(snapshot);
        assert_eq!(machine.step(), snapshot.step());
        assert_eq!(machine.state_hash(), *hash, "snapshot {at}");
    }
}

#[test]
fn checkpoints_reach_every_step_like_a_fresh_run() {
    let mut fresh = writer();
    let mut hashes = Vec::new();
    for step in 0..2600 {
        let _stop = fresh.run_until(step, &NoPreimages).expect("runs");
        hashes.push(fresh.state_hash());
    }
    let mut run = Checkpoints::record(writer(), 500, u64::MAX, &NoPreimages).expect("runs");
    assert!(run.len() >= 5 && !run.is_empty());
    let random = &mut Random::new(8);
    for _ in 0..300 {
        let step = random.below(2600);
        let hash = run.state_hash_at(step, &NoPreimages).expect("reached");
        assert_eq!(hash, hashes[step as usize], "step {step}");
    }
    // Behind the end the trace is padded.
    let end = run.state_hash_at(1 << 42, &NoPreimages).expect("reached");
    assert_eq!(
        run.state_hash_at(u64::MAX, &NoPreimages).expect("reached"),
        end
    );
    assert_eq!(
        hashes.last().filter(|last| **last == end).is_some(),
        fresh.exit_code().is_some()
    );
}

#[test]
fn rule_08_halted_states_are_fixpoints() {
    let mut machine = writer();
    assert_eq!(machine.run(&NoPreimages), Ok(Stop::Halted));
    let (hash, step) = (machine.state_hash(), machine.step());
    assert_eq!(machine.exit_code(), Some(ExitCode(3)));
    assert_eq!(machine.run_until(u64::MAX, &NoPreimages), Ok(Stop::Halted));
    assert_eq!((machine.state_hash(), machine.step()), (hash, step));
    let past = machine.run_until(step - 1, &NoPreimages);
    assert_eq!(
        past,
        Err(RunError::Past {
            at: step,
            asked: step - 1
        })
    );
}

#[test]
fn input_arrives_in_the_registers_and_leaves_as_output() {
    let input = keccak256("input");
    // a1..a4 = a0..a3, a0 = 0, halt.
    let mut code: Vec<u32> = (0..4)
        .rev()
        .map(|k| i(Op::Addi, 11 + k, 10 + k, 0, 0))
        .collect();
    code.extend([i(Op::Addi, 10, 0, 0, 0), i(Op::Addi, 17, 0, 0, 93), 0x73]);
    let mut machine = machine(&code, input);
    machine.run(&NoPreimages).expect("runs");
    assert_eq!(machine.output(), input);
    assert!(machine.exit_code().expect("halted").is_success());
    assert_eq!(machine.step(), 8);
}

#[test]
fn missing_preimage_leaves_the_machine_where_it_stands() {
    let mut scene = Scene::call(CALL_READ_WORD, &[0x9000, 0]).with(16, KEY_KECCAK);
    let key = scene.preimages.insert(vec![7; 40]);
    scene = scene.key(&key);
    let mut machine = scene.machine();
    let before = machine.state_hash();
    assert!(matches!(
        machine.run(&NoPreimages),
        Err(RunError::MissingPreimage { .. })
    ));
    assert_eq!(machine.state_hash(), before);
    machine.run_until(2, &scene.preimages).expect("goes on");
    assert_eq!(machine.memory().read(0x9000, 32), Some([7; 32].as_slice()));
    assert_eq!(machine.hart().x.get(10), 40);
}

#[test]
fn rule_36_stores_to_code_addresses_change_data_only() {
    let add = i(Op::Addi, 10, 0, 0, 5);
    let code = [
        i(Op::Auipc, 5, 0, 0, 0),
        i(Op::Sw, 0, 5, 0, 12),
        i(Op::Lw, 11, 5, 0, 12),
        add,
        i(Op::Addi, 17, 0, 0, 93),
        0x73,
    ];
    let bytes: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
    let image = Image::new(CODE, bytes.clone(), &[(CODE, &bytes)], (CODE, 0)).expect("valid");
    let code_root = image.header().code_root;
    let mut machine = Machine::new(Arc::new(image), B256::ZERO);
    machine.run_until(2, &NoPreimages).expect("runs");
    assert_eq!(machine.memory().load(CODE + 12), Some(add.to_le_bytes()));
    machine.run(&NoPreimages).expect("runs");
    // The store took effect on data, the instruction ran as it was.
    assert_eq!(machine.hart().x.get(11), 0);
    assert_eq!(machine.exit_code(), Some(ExitCode(5)));
    assert_eq!(machine.state().expect("booted").code_root, code_root);
}

#[test]
fn rule_36_stack_overflow_traps_below_zero() {
    // sp = 32, push until it wraps.
    let code = [
        i(Op::Addi, 2, 0, 0, 32),
        i(Op::Addi, 2, 2, 0, -8),
        i(Op::Sd, 0, 2, 1, 0),
    ];
    let mut code = code.to_vec();
    code.push(i(Op::Jal, 0, 0, 0, -8));
    let mut machine = machine(&code, B256::ZERO);
    machine.run(&NoPreimages).expect("runs");
    assert_eq!(
        machine.exit_code().and_then(ExitCode::trap),
        Some(Trap::StoreOutside)
    );
    assert_eq!(machine.hart().x.get(2), 8_u64.wrapping_neg());
}

/// The incremental tree equals one that is built anew from the bytes.
#[test]
fn memory_root_equals_that_of_an_image_with_the_same_bytes() {
    for seed in 0..3 {
        let mut case = case(seed, Judges::new(None).engine).expect("valid");
        let random = &mut Random::new(seed);
        case.reset(random);
        let mut touched: std::collections::BTreeSet<u64> = std::collections::BTreeSet::new();
        for _ in 0..60 {
            let page = match random.below(3) {
                0 => random.below(16),
                1 => (1 << 20) - 1 - random.below(16),
                _ => random.below(1 << 20),
            };
            touched.insert(page);
            let at = (page << 12) + random.below(4088);
            let memory = case.machine.memory_mut();
            memory
                .store(at, random.next().to_le_bytes())
                .expect("inside");
            if random.one_in(7) {
                let _partial = memory.root();
            }
        }
        let root = case.machine.memory_mut().root();
        let memory = case.machine.memory();
        // The case's own patches as well: every page that is not zero.
        let pages: Vec<(u64, [u8; PAGE_LEN])> = (0..1 << 20)
            .map(|page| (page << 12, memory.page(page as u32)))
            .filter(|(at, bytes)| touched.contains(&(at >> 12)) || bytes.iter().any(|b| *b != 0))
            .collect();
        let list: Vec<(u64, &[u8])> = pages.iter().map(|(at, b)| (*at, b.as_slice())).collect();
        let image = Image::new(CODE, vec![0; 4], &list, (CODE, 0)).expect("valid");
        assert_eq!(image.header().memory_root, root, "seed {seed}");
    }
}

#[test]
fn halt_call_carries_exit_code_and_output() {
    let output = keccak256("output");
    let [a, b, c, d] = words_of(&output);
    let mut machine = Scene::call(CALL_HALT, &[0, a, b, c, d]).machine();
    machine.run(&NoPreimages).expect("runs");
    assert_eq!(machine.output(), output);
    assert_eq!(machine.exit_code(), Some(ExitCode(0)));
}

#[test]
fn rule_37_reads_give_the_length_and_fill_the_last_block_with_zeros() {
    let preimage: Vec<u8> = (1..=100).collect();
    for (offset, written) in [
        (0, 32),
        (68, 32),
        (80, 20),
        (99, 1),
        (100, 0),
        (u64::MAX, 0),
    ] {
        let mut scene = Scene::call(CALL_READ_WORD, &[0x9020, offset]).with(16, KEY_KECCAK);
        let key = scene.preimages.insert(preimage.clone());
        scene = scene.key(&key).memory(0x9000, &[0xee; 128]);
        let mut machine = scene.machine();
        machine.run_until(2, &scene.preimages).expect("reads");
        assert_eq!(machine.hart().x.get(10), 100, "offset {offset}");
        let mut expected = [0xee; 128];
        if written > 0 {
            let from = offset as usize;
            expected[32..64].fill(0);
            expected[32..32 + written].copy_from_slice(&preimage[from..from + written]);
        }
        assert_eq!(
            machine.memory().read(0x9000, 128),
            Some(expected.as_slice()),
            "{offset}"
        );
    }
}
