//! What a batch costs the machine: instructions by size and by kind of transaction, and the worst gas there is.
//!
//! `cargo run -p trestle-guest-tests --example guest_bench -- [transfers|kinds|worst] [SOFTWARE_ELF]`
//!
//! Instructions are exact and do not depend on the computer; times do. The worst gas is found by a search over
//! programs that loop over one opcode until their gas is used up, and over single calls of precompiles.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a tool for developers"
)]

use alloy_primitives::{Address, B256, Bytes, U256};
use std::{collections::BTreeMap, sync::Arc, time::Instant};
use trestle_challenger::{
    host::{Payload, Recorded},
    image::image,
};
use trestle_guest_tests::{
    Account, CHAIN_ID, Run, World, code, compress, create, deposit,
    inputs::blobs_of,
    run_until_halt,
    search::{self, LARGE, Program, SEARCHED},
    typed,
};
use trestle_protocol::{
    GenesisAccount,
    payload::{Payload as Blocks, PayloadBlock},
};
use trestle_vm::Image;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let what = arguments.first().map_or("all", String::as_str);
    let software = arguments
        .get(1)
        .map(|path| Arc::new(Image::from_elf(&std::fs::read(path).unwrap()).unwrap()));
    if matches!(what, "all" | "transfers") {
        transfers(software.as_ref());
    }
    if matches!(what, "all" | "kinds") {
        kinds();
    }
    if matches!(what, "all" | "worst") {
        worst();
    }
}

fn in_machine(image: &Arc<Image>, inputs: &Recorded, output: B256) -> Run {
    let run = run_until_halt(image, inputs.input().hash(), inputs).unwrap();
    assert_eq!(run.output, output, "{run:?}");
    run
}

/// Holders of [`code::TOKEN`], `count` of them.
fn token(count: u64) -> BTreeMap<Address, GenesisAccount> {
    let mut contract = code::contracts().remove(&code::TOKEN).unwrap();
    for seed in 0..count {
        let slot = code::balance_slot(Account::new(seed).address);
        contract.storage.insert(slot, U256::from(1_000_000));
    }
    [(code::TOKEN, contract)].into()
}

/// `count` transfers between 1,000 accounts, in blocks of 900.
fn transfer_batch(count: u64) -> (World, Payload) {
    let accounts: Vec<_> = (0..1_000).map(Account::new).collect();
    let world = World::with(0..1_000, token(1_000));
    let txs: Vec<_> = (0..count)
        .map(|at| {
            let from = &accounts[(at % 1_000) as usize];
            let to = &accounts[((at * 7 + 13) % 1_000) as usize];
            from.call(
                at / 1_000,
                code::TOKEN,
                60_000,
                code::transfer(to.address, 1 + at),
            )
        })
        .collect();
    let timestamp = world.time();
    let blocks = txs
        .chunks(900)
        .map(|txs| PayloadBlock {
            timestamp,
            deposit_count: 0,
            transactions: typed(txs.to_vec()),
        })
        .collect();
    let bytes = compress(&Blocks { blocks });
    let payload = if bytes.len() <= 100_000 {
        Payload::Calldata(bytes.into())
    } else {
        Payload::Blobs(blobs_of(&bytes))
    };
    (world, payload)
}

fn transfers(software: Option<&Arc<Image>>) {
    println!(
        "ERC-20 transfers | image | instructions | per transfer | preimage bytes | MiB used | s"
    );
    for count in [100, 1_000, 8_000] {
        let (mut world, payload) = transfer_batch(count);
        let (record, inputs) = world.derive(payload);
        assert_eq!(record.block_number, count.div_ceil(900));
        let images = [
            ("native calls", Some(image().unwrap())),
            ("software", software.cloned()),
        ];
        for (name, image) in images {
            let Some(image) = image else { continue };
            let run = in_machine(&image, &inputs, record.output_root);
            println!(
                "{count:6} | {name:12} | {:14} | {:9} | {:9} | {:5} | {:.1}",
                run.steps,
                run.steps / count,
                inputs.len_bytes(),
                run.pages >> 8,
                run.time.as_secs_f64()
            );
        }
    }
}

/// Steps of a batch of one block with these transactions, deposits first.
fn steps(world: &mut World, txs: Vec<op_alloy_consensus::OpTxEnvelope>) -> u64 {
    let payload = world.payload(vec![typed(txs)]);
    let (record, inputs) = world.derive(payload);
    in_machine(&image().unwrap(), &inputs, record.output_root).steps
}

fn kinds() {
    const COUNT: u64 = 100;
    println!("kind of transaction | instructions per transaction, of a block of {COUNT}");
    let world = || World::with(0..COUNT + 100, token(COUNT + 100));
    let accounts: Vec<_> = (0..COUNT).map(Account::new).collect();
    let idle = steps(
        &mut world(),
        vec![Account::new(COUNT + 50).call(0, Address::repeat_byte(1), 21_000, Bytes::new())],
    );
    println!("a batch with one transfer | {idle}");
    let report =
        |name: &str, steps: u64| println!("{name} | {}", steps.saturating_sub(idle) / COUNT);
    let each = |make: &dyn Fn(&Account) -> op_alloy_consensus::OpTxEnvelope| {
        steps(&mut world(), accounts.iter().map(make).collect())
    };
    let sink = Address::repeat_byte(0x51);
    report(
        "ETH transfer to one account",
        each(&|a| a.call(0, sink, 21_000, Bytes::new())),
    );
    report(
        "ETH transfer to a new account",
        each(&|a| a.call(0, a.address.create(9), 21_000, Bytes::new())),
    );
    report(
        "ERC-20 transfer",
        each(&|a| a.call(0, code::TOKEN, 60_000, code::transfer(sink, 1))),
    );
    report(
        "creation of 1 KiB",
        each(&|a| a.sign(create(0, 400_000, code::returning(&[0; 1_024])))),
    );
    report(
        "revert",
        each(&|a| a.call(0, code::TOKEN, 60_000, code::transfer(sink, u64::MAX))),
    );
    report(
        "skipped by its nonce",
        each(&|a| a.call(7, sink, 21_000, Bytes::new())),
    );
    let delegate = |a: &Account| {
        a.sign_7702(alloy_consensus::TxEip7702 {
            chain_id: CHAIN_ID,
            nonce: 0,
            gas_limit: 100_000,
            max_fee_per_gas: 1_000_000_000,
            max_priority_fee_per_gas: 1,
            to: sink,
            value: U256::ZERO,
            access_list: Default::default(),
            authorization_list: vec![a.authorize(CHAIN_ID, code::TOKEN, 1)],
            input: Bytes::new(),
        })
    };
    report("delegation (7702)", each(&delegate));
    let mut deposits = world();
    for account in &accounts {
        deposits.enqueue(deposit(account.address, Some(sink), 100_000, Bytes::new()));
    }
    report("deposit", steps(&mut deposits, Vec::new()));
}

/// Instructions per gas of a program that spends `GAS`, beyond what a program of its size costs that does nothing.
fn worst() {
    let gas = number("GAS", 400_000);
    let filter = std::env::var("ONLY").unwrap_or_default();
    let programs = search::opcodes();
    let nothing = searched(
        Program {
            name: String::new(),
            code: vec![0; 24_000],
            input: vec![0; 1_000],
        },
        100_000,
    );
    let (start, mut found) = (Instant::now(), Vec::new());
    for program in programs {
        if !program.name.contains(&filter) {
            continue;
        }
        let name = program.name.clone();
        let intrinsic = 21_000 + 40 * program.input.len() as u64;
        let steps = searched(program, gas + intrinsic);
        let per_gas = steps.saturating_sub(nothing) / gas;
        println!("{per_gas:6} | {name}");
        found.push((per_gas, name));
    }
    for (number, name, input) in search::precompiles() {
        let name = format!("precompile {name}");
        if !name.contains(&filter) {
            continue;
        }
        let per_gas = precompile(number, &input);
        println!("{per_gas:6} | {name}");
        found.push((per_gas, name));
    }
    found.sort();
    let (count, seconds) = (found.len(), start.elapsed().as_secs_f64());
    println!("worst of {count} programs, {seconds:.0} s: instructions per gas | program");
    for (per_gas, name) in found.iter().rev().take(40) {
        println!("{per_gas:6} | {name}");
    }
}

/// Instructions per gas of one call of a precompile, beyond a call of the identity with the same input.
fn precompile(number: u64, input: &[u8]) -> u64 {
    let call = |number: u64| {
        let mut world = World::new(0..1);
        let to = Address::from_word(U256::from(number).into());
        let tx = Account::new(0).call(0, code::PROBER, 16_000_000, code::probe(to, input));
        let payload = world.payload(vec![typed(vec![tx])]);
        let (record, inputs) = world.derive(payload);
        let run = in_machine(&image().unwrap(), &inputs, record.output_root);
        (run.steps, world.gas_used(&record))
    };
    let ((steps, gas), (base_steps, base_gas)) = (call(number), call(4));
    let identity = 15 + 3 * (input.len() as u64).div_ceil(32);
    let gas = (gas + identity).saturating_sub(base_gas).max(1);
    steps.saturating_sub(base_steps) / gas
}

fn number(variable: &str, default: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Steps of a batch with one call of the program.
fn searched(program: Program, gas: u64) -> u64 {
    let contract = |code: Vec<u8>| GenesisAccount {
        nonce: 1,
        code: code.into(),
        ..GenesisAccount::default()
    };
    let code = contract(program.code);
    let contracts = [(SEARCHED, code), (LARGE, contract(vec![0x5b; 24_576]))];
    let mut world = World::with(0..1, contracts.into());
    let tx = Account::new(0).call(0, SEARCHED, gas, program.input);
    steps(&mut world, vec![tx])
}
