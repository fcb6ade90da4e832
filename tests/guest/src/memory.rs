//! Batches that are built to use as much of the machine's memory as their gas pays for.

use crate::{
    Account, World, compress, create, deposit, inputs,
    search::{Program, SEARCHED, counting, ending, push3, trie_program},
    typed,
};
use alloy_primitives::{Address, Bytes, U256};
use op_alloy_consensus::OpTxEnvelope;
use revm::bytecode::opcode as op;
use trestle_challenger::host::Payload;
use trestle_protocol::payload::{Payload as Blocks, PayloadBlock, PayloadTx};

/// Gas limit of the largest transaction.
const TX_GAS: u64 = 16_777_216;
/// Full blocks that a batch's work pays for.
const BLOCKS: u64 = 10;
/// Gas limit of the largest deposit.
const DEPOSIT_GAS: u64 = 46_900_000;

/// A chain and the batch to run on it.
#[derive(Debug)]
pub struct Hungry {
    pub world: World,
    pub content: Payload,
}

/// Calls itself with all gas, having touched `bytes` of memory and kept `returned` bytes of return data.
fn frames(bytes: u32, returned: u32) -> Vec<u8> {
    // With input it is the leaf that returns as many bytes.
    let mut code = vec![op::CALLDATASIZE, op::ISZERO, op::PUSH1, 0, op::JUMPI];
    code.extend([push3(returned), vec![op::PUSH0, op::RETURN]].concat());
    code[3] = u8::try_from(code.len()).unwrap();
    code.push(op::JUMPDEST);
    code.extend([push3(bytes), vec![op::MLOAD, op::POP]].concat());
    let call = |input: u8| {
        [
            &[
                op::PUSH0,
                op::PUSH0,
                op::PUSH1,
                input,
                op::PUSH0,
                op::ADDRESS,
                op::GAS,
            ][..],
            &[op::STATICCALL, op::POP],
        ]
        .concat()
    };
    if returned > 0 {
        code.extend(call(1));
    }
    code.extend(call(0));
    code.push(op::STOP);
    code
}

fn program(code: Vec<u8>) -> Program {
    Program {
        code,
        ..Program::default()
    }
}

/// As many calls of a program as fit into a block, and the largest deposit before them if it is wanted.
fn block(program: &Program, with_deposit: bool) -> Hungry {
    let mut world = World::with(0..3, program.contracts());
    let txs: Vec<OpTxEnvelope> = if with_deposit {
        world.enqueue(deposit(
            Address::ZERO,
            Some(SEARCHED),
            DEPOSIT_GAS,
            Bytes::new(),
        ));
        Vec::new()
    } else {
        calls(0, &mut Bytes::new)
    };
    let content = world.payload(vec![typed(txs)]);
    Hungry { world, content }
}

/// As many calls of a program as a batch pays for, each on slots of its own.
fn blocks(program: &Program, slots_per_call: u64) -> Hungry {
    let world = World::with(0..3, program.contracts());
    let mut slot = 0;
    let mut block = |nonce: u64| PayloadBlock {
        timestamp: world.time(),
        deposit_count: 0,
        transactions: typed(calls(nonce, &mut || {
            slot += slots_per_call;
            U256::from(slot - slots_per_call).to_be_bytes_vec().into()
        })),
    };
    let blocks = (0..BLOCKS).map(&mut block).collect();
    Hungry {
        content: Payload::Calldata(compress(&Blocks { blocks }).into()),
        world,
    }
}

/// Calls that use all gas of a block.
fn calls(nonce: u64, input: &mut dyn FnMut() -> Bytes) -> Vec<OpTxEnvelope> {
    let gas = [TX_GAS, TX_GAS, 47_900_000 - 2 * TX_GAS];
    let mut call = |(at, gas)| Account::new(at).call(nonce, SEARCHED, gas, input());
    (0..).zip(gas).map(&mut call).collect()
}

/// As much code of the largest size as a block pays for, no two alike.
fn cold_code() -> Hungry {
    let first = [
        op::PUSH9,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        op::PUSH0,
        op::CALLDATALOAD,
        op::ADD,
    ];
    let program = Program {
        code: counting(&first, &[op::EXTCODESIZE, op::POP]),
        cold: Some((18_400, op::JUMPDEST)),
        ..Program::default()
    };
    let world = World::with(0..3, program.contracts());
    let mut from = 0;
    let txs = calls(0, &mut || {
        from += 6_420;
        U256::from(from - 6_420).to_be_bytes_vec().into()
    });
    Hungry {
        content: world.payload(vec![typed(txs)]),
        world,
    }
}

fn payload(bytes: Vec<u8>) -> Hungry {
    Hungry {
        world: World::new(0..1),
        content: Payload::Blobs(inputs::blobs_of(&bytes)),
    }
}

/// Creations of 24,576 bytes each by initcode of the largest size.
fn creations() -> Hungry {
    let world = World::new(0..9);
    let mut init = crate::code::returning_zeros(24_576);
    init.resize(49_152, op::JUMPDEST);
    let create = |seed| Account::new(seed).sign(create(0, 5_300_000, init.clone()));
    let content = world.payload(vec![typed((0..9).map(create).collect())]);
    Hungry { world, content }
}

/// The largest number of raw transactions, all of them noise, within six blobs.
fn entries() -> Vec<u8> {
    let tx = |at: u64| PayloadTx::Raw(inputs::noise(at, 16).into());
    let block = PayloadBlock {
        transactions: (0..22_800).map(tx).collect(),
        ..PayloadBlock::default()
    };
    compress(&Blocks {
        blocks: vec![block],
    })
}

/// A batch by name, made when it is asked for.
pub type Scenario = (&'static str, fn() -> Hungry);

/// All of them.
pub fn scenarios() -> Vec<Scenario> {
    vec![
        ("one memory", || {
            block(&program(frames(2_900_000, 0)), false)
        }),
        ("memory of deep frames", || {
            block(&program(frames(300_000, 0)), true)
        }),
        ("return data of deep frames", || {
            let code = frames(150_000, 150_000);
            block(&program(code), true)
        }),
        ("logs", || {
            let body = [push3(100_000), vec![op::PUSH0, op::LOG0]].concat();
            block(&program(ending(&[], &body, 900_000)), false)
        }),
        ("transient storage", || {
            let code = crate::search::looped(&[], &[op::GAS, op::DUP1, op::TSTORE], 24_000);
            block(&program(code), true)
        }),
        ("cold code", cold_code),
        ("slots read", || {
            block(&trie_program("sload", 65_536), false)
        }),
        ("slots written", || {
            block(&trie_program("sstore", 65_536), false)
        }),
        ("slots read, a whole batch", || {
            blocks(&trie_program("sload", 1 << 20), 8_000)
        }),
        ("slots written, a whole batch", || {
            blocks(&trie_program("sstore", 1 << 20), 3_400)
        }),
        ("new slots", || block(&trie_program("sstore", 0), false)),
        ("creations", creations),
        ("bomb of 16 MiB", || payload(inputs::zeros(16_777_216))),
        ("22,800 entries of noise", || payload(entries())),
    ]
}
