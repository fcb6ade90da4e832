//! A walk over every opcode with operands at their edges, and the vectors that revm publishes for precompiles.

use alloy_primitives::{Address, U256, hex};
use regex_lite::Regex;
use revm::bytecode::opcode as op;
use std::{collections::BTreeSet, path::PathBuf, process::Command};
use trestle_guest_tests::{
    Account, World,
    code::{PROBER, probe},
    create,
    inputs::noise,
    typed,
};

/// Words at which arithmetic changes its ways.
fn words() -> Vec<U256> {
    let noise = |seed| U256::from_be_slice(&noise(seed, 32));
    let one = U256::from(1);
    vec![
        U256::ZERO,
        one,
        U256::from(31),
        U256::from(256),
        one << 127,
        one << 255,
        U256::MAX,
        noise(1),
        noise(2) >> 128,
    ]
}

fn push(value: &U256) -> Vec<u8> {
    [&[op::PUSH32][..], &value.to_be_bytes::<32>()].concat()
}

/// Initcode that stores what `opcode` makes of these operands, for a chain of operand pairs.
fn storing(opcode: u8, operands: usize, first: &U256) -> Vec<u8> {
    let mut init = Vec::new();
    for (slot, second) in words().iter().enumerate() {
        for value in [&U256::from(7), second, first]
            .into_iter()
            .rev()
            .take(operands)
            .rev()
        {
            init.extend(push(value));
        }
        init.extend([opcode, op::PUSH1, u8::try_from(slot).unwrap(), op::SSTORE]);
    }
    init.push(op::STOP);
    init
}

/// Initcode that stores what an opcode without operands says.
fn storing_plain(opcode: u8) -> Vec<u8> {
    vec![opcode, op::PUSH0, op::SSTORE, op::STOP]
}

fn initcodes() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for first in &words() {
        for opcode in (0x01..=0x07)
            .chain([0x0a, 0x0b])
            .chain(0x10..=0x14)
            .chain(0x16..=0x18)
            .chain(0x1a..=0x1d)
        {
            all.push(storing(opcode, 2, first));
        }
        for opcode in [op::ADDMOD, op::MULMOD] {
            all.push(storing(opcode, 3, first));
        }
        // Also what is no opcode, and halts.
        for opcode in [
            op::ISZERO,
            op::NOT,
            0x1e,
            op::BALANCE,
            op::EXTCODESIZE,
            op::EXTCODEHASH,
            op::BLOCKHASH,
            op::BLOBHASH,
            0x0c,
            0xef,
        ] {
            all.push(storing(opcode, 1, first));
        }
    }
    all.extend(
        (0x30..=0x4a)
            .chain([op::PC, op::MSIZE, op::GAS, op::PUSH0])
            .map(storing_plain),
    );
    all
}

#[test]
fn every_opcode_at_edge_operands_is_proven_as_derived() {
    let mut world = World::new(0..1);
    let account = Account::new(0);
    let (mut nonce, mut programs) = (0, 0);
    for some in initcodes().chunks(100) {
        let txs = some.iter().map(|init| {
            let tx = account.sign(create(nonce, 400_000, init.clone()));
            nonce += 1;
            tx
        });
        let payload = world.payload(vec![typed(txs.collect())]);
        let (record, _) = world.prove("opcodes", payload);
        assert!(record.block_number > 0);
        programs += some.len();
    }
    assert_eq!(programs, 328);
}

/// Where cargo keeps the sources of revm's precompiles.
fn sources() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    let args = ["metadata", "--format-version", "1", "--offline", "--locked"];
    let output = cargo
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let path = Regex::new(r#""manifest_path":"([^"]*/revm-precompile-[^"]*)/Cargo.toml""#).unwrap();
    let found = path.captures(&text).unwrap();
    PathBuf::from(&found[1]).join("src")
}

/// Byte strings that the tests in a source file hold, the longest at most 2 KiB.
fn vectors(file: &str) -> BTreeSet<Vec<u8>> {
    let text = std::fs::read_to_string(sources().join(file)).unwrap();
    let literal = Regex::new(r#""([0-9a-fA-Fx\s\\]{64,})""#).unwrap();
    let digits = |text: &str| text.replace(['\\', '\n', ' ', '\t'], "");
    literal
        .captures_iter(&text)
        .filter_map(|found| hex::decode(digits(&found[1])).ok())
        .filter(|bytes| bytes.len() <= 2_048)
        .collect()
}

#[test]
fn vectors_that_revm_publishes_for_precompiles_are_proven_as_derived() {
    let files: [(&str, &[u64]); 3] = [
        ("modexp.rs", &[0x05]),
        ("bn254.rs", &[0x06, 0x07, 0x08]),
        ("secp256r1.rs", &[0x100]),
    ];
    let mut world = World::new(0..1);
    let account = Account::new(0);
    let (mut nonce, mut runs) = (0, 0);
    for (file, numbers) in files {
        let inputs: Vec<_> = vectors(file).into_iter().collect();
        for number in numbers {
            let to = Address::from_word(U256::from(*number).into());
            for some in inputs.chunks(20) {
                let txs = some.iter().map(|input| {
                    let tx = account.call(nonce, PROBER, 2_200_000, probe(to, input));
                    nonce += 1;
                    tx
                });
                let payload = world.payload(vec![typed(txs.collect())]);
                world.prove(file, payload);
                runs += some.len();
            }
        }
    }
    assert_eq!(runs, 109);
}
