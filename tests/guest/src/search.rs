//! Programs that spend their gas on one thing, for the search after the gas that costs the machine most.
//!
//! Each loops until its gas is used up, so gas used is the gas limit whatever the machine makes of it.

use crate::{code::PROBER, inputs::noise};
use alloy_primitives::{Address, U256};
use revm::bytecode::opcode as op;

/// Where the searched program stands.
pub const SEARCHED: Address = Address::repeat_byte(0xb1);
/// An account with the largest code, to be loaded.
pub const LARGE: Address = Address::repeat_byte(0xb2);

/// A named program and the input that it is called with.
#[derive(Debug, Clone)]
pub struct Program {
    pub name: String,
    pub code: Vec<u8>,
    pub input: Vec<u8>,
}

/// `prefix`, then `body` again and again; `body` leaves the stack as it was.
fn looped(prefix: &[u8], body: &[u8], longest: usize) -> Vec<u8> {
    let mut code = prefix.to_vec();
    let start = (code.len() as u16).to_be_bytes();
    code.push(op::JUMPDEST);
    while code.len() + body.len() + 4 <= longest {
        code.extend_from_slice(body);
    }
    code.extend_from_slice(&[op::PUSH2, start[0], start[1], op::JUMP]);
    code
}

fn push(value: &U256) -> Vec<u8> {
    [&[op::PUSH32][..], &value.to_be_bytes::<32>()].concat()
}

/// Operands whose arithmetic is slow in different ways.
fn operands() -> Vec<(&'static str, [U256; 3])> {
    let word = |seed| U256::from_be_slice(&noise(seed, 32));
    vec![
        ("small", [U256::from(3), U256::from(5), U256::from(7)]),
        ("ones", [U256::MAX, U256::MAX, U256::MAX]),
        ("noise", [word(1), word(2), word(3)]),
        ("half", [word(1), word(2) >> 128, word(3) >> 64]),
        (
            "limb",
            [word(1), word(2) >> 192, (word(3) >> 193) + U256::from(1)],
        ),
    ]
}

/// Opcodes of one to three operands and one result, with every set of operands.
fn arithmetic(programs: &mut Vec<Program>) {
    let ternary = [op::ADDMOD, op::MULMOD];
    let unary = [op::ISZERO, op::NOT, 0x1e, op::CALLDATALOAD];
    for opcode in (0x01..=0x0b).chain(0x10..=0x1e).chain([op::CALLDATALOAD]) {
        let count = if ternary.contains(&opcode) {
            3
        } else if unary.contains(&opcode) {
            1
        } else {
            2
        };
        for (kind, values) in operands() {
            let prefix: Vec<u8> = values.iter().rev().flat_map(push).collect();
            let mut body = vec![op::DUP1 + 2; count];
            body.extend([opcode, op::POP]);
            // DUP3 of three operands gives them in order, whatever was pushed before.
            programs.push(program(&format!("{opcode:#04x} {kind}"), &prefix, &body));
        }
    }
}

fn program(name: &str, prefix: &[u8], body: &[u8]) -> Program {
    Program {
        name: name.into(),
        code: looped(prefix, body, 24_000),
        input: Vec::new(),
    }
}

/// Opcodes without operands.
fn plain(programs: &mut Vec<Program>) {
    let nullary = [
        op::ADDRESS,
        op::ORIGIN,
        op::CALLER,
        op::CALLVALUE,
        op::CALLDATASIZE,
        op::CODESIZE,
        op::GASPRICE,
        op::RETURNDATASIZE,
        op::COINBASE,
        op::TIMESTAMP,
        op::NUMBER,
        op::DIFFICULTY,
        op::GASLIMIT,
        op::CHAINID,
        op::SELFBALANCE,
        op::BASEFEE,
        op::BLOBBASEFEE,
        op::PC,
        op::MSIZE,
        op::GAS,
        op::PUSH0,
    ];
    for opcode in nullary {
        programs.push(program(&format!("{opcode:#04x}"), &[], &[opcode, op::POP]));
    }
    programs.push(program("jumpdest", &[], &[op::JUMPDEST]));
    programs.push(program(
        "push32",
        &[],
        &[push(&U256::MAX), vec![op::POP]].concat(),
    ));
    programs.push(program(
        "push32 only",
        &[],
        &[push(&U256::MAX), push(&U256::MAX), vec![op::POP, op::POP]].concat(),
    ));
    programs.push(program(
        "dup swap pop",
        &[op::PUSH0, op::PUSH0],
        &[op::DUP1, op::SWAP1, op::POP],
    ));
    programs.push(Program {
        name: "jump".into(),
        code: vec![op::JUMPDEST, op::PUSH0, op::JUMP],
        input: Vec::new(),
    });
    programs.push(Program {
        name: "jumpi".into(),
        code: vec![op::JUMPDEST, op::PUSH1, 1, op::PUSH0, op::JUMPI],
        input: Vec::new(),
    });
}

fn push3(value: u32) -> Vec<u8> {
    let [_, a, b, c] = value.to_be_bytes();
    vec![op::PUSH3, a, b, c]
}

/// Memory, copies, hashes and logs at several lengths.
fn memory(programs: &mut Vec<Program>) {
    for length in [0, 1, 32, 136, 1_000, 4_096, 4_097, 30_000, 300_000] {
        // Memory is paid for once.
        let prefix = [push3(length.max(32) + 32), vec![op::MLOAD, op::POP]].concat();
        let two = |opcode: u8, result: bool| {
            let mut body = [push3(length), vec![op::PUSH0, opcode]].concat();
            if result {
                body.push(op::POP);
            }
            body
        };
        let copy = |opcode: u8| [push3(length), vec![op::PUSH0, op::PUSH0, opcode]].concat();
        let mut add = |name: &str, body: &[u8]| {
            programs.push(program(&format!("{name} {length}"), &prefix, body));
        };
        add("keccak", &two(op::KECCAK256, true));
        add("log0", &two(op::LOG0, false));
        add("calldatacopy", &copy(op::CALLDATACOPY));
        add("codecopy", &copy(op::CODECOPY));
        add(
            "mcopy",
            &[push3(length), vec![op::PUSH1, 1, op::PUSH0, op::MCOPY]].concat(),
        );
        add(
            "extcodecopy",
            &[
                push3(length),
                vec![op::PUSH0, op::PUSH0, op::ADDRESS, op::EXTCODECOPY],
            ]
            .concat(),
        );
        add(
            "create",
            &[
                push3(length),
                vec![op::PUSH0, op::PUSH0, op::CREATE, op::POP],
            ]
            .concat(),
        );
        add(
            "create2",
            &[
                push3(length),
                vec![
                    op::GAS,
                    op::SWAP1,
                    op::PUSH0,
                    op::PUSH0,
                    op::CREATE2,
                    op::POP,
                ],
            ]
            .concat(),
        );
        add(
            "call self empty",
            &[
                vec![op::PUSH0, op::PUSH0],
                push3(length),
                vec![op::PUSH0, op::PUSH1, 4, op::GAS, op::STATICCALL, op::POP],
            ]
            .concat(),
        );
    }
    let word = [op::PUSH0, op::MLOAD, op::POP];
    programs.push(program("mload", &[], &word));
    programs.push(program("mstore", &[], &[op::PUSH0, op::PUSH0, op::MSTORE]));
    programs.push(program(
        "mstore odd",
        &[],
        &[op::PUSH0, op::PUSH1, 1, op::MSTORE],
    ));
    programs.push(program(
        "mstore8",
        &[],
        &[op::PUSH0, op::PUSH0, op::MSTORE8],
    ));
    // Memory that grows word by word.
    programs.push(program(
        "memory growth",
        &[],
        &[op::MSIZE, op::MLOAD, op::POP],
    ));
}

/// Storage, accounts and calls, warm and cold.
fn state(programs: &mut Vec<Program>) {
    let mut add =
        |name: &str, prefix: &[u8], body: &[u8]| programs.push(program(name, prefix, body));
    add("sload warm", &[], &[op::PUSH0, op::SLOAD, op::POP]);
    add("sload cold", &[], &[op::GAS, op::SLOAD, op::POP]);
    add("sstore same", &[], &[op::PUSH0, op::PUSH0, op::SSTORE]);
    add("sstore new", &[], &[op::PUSH1, 1, op::GAS, op::SSTORE]);
    add("sstore flip", &[], &[op::GAS, op::PUSH0, op::SSTORE]);
    add("tload same", &[], &[op::PUSH0, op::TLOAD, op::POP]);
    add("tload new", &[], &[op::GAS, op::TLOAD, op::POP]);
    add("tstore same", &[], &[op::GAS, op::PUSH0, op::TSTORE]);
    add("tstore new", &[], &[op::GAS, op::DUP1, op::TSTORE]);
    add("balance warm", &[], &[op::ADDRESS, op::BALANCE, op::POP]);
    add("balance cold", &[], &[op::GAS, op::BALANCE, op::POP]);
    add(
        "extcodesize warm",
        &[],
        &[op::ADDRESS, op::EXTCODESIZE, op::POP],
    );
    add(
        "extcodehash warm",
        &[],
        &[op::ADDRESS, op::EXTCODEHASH, op::POP],
    );
    add(
        "extcodesize cold",
        &[],
        &[op::GAS, op::EXTCODESIZE, op::POP],
    );
    add(
        "blockhash",
        &[],
        &[op::PUSH1, 1, op::NUMBER, op::SUB, op::BLOCKHASH, op::POP],
    );
    for (name, opcode, has_value) in [
        ("call", op::CALL, true),
        ("callcode", op::CALLCODE, true),
        ("delegatecall", op::DELEGATECALL, false),
        ("staticcall", op::STATICCALL, false),
    ] {
        let mut to = |name: &str, target: &[u8]| {
            let mut body = vec![op::PUSH0; if has_value { 5 } else { 4 }];
            body.extend_from_slice(target);
            body.extend([op::GAS, opcode, op::POP]);
            programs.push(program(name, &[], &body));
        };
        to(&format!("{name} nobody"), &[op::PUSH1, 0xee]);
        to(&format!("{name} cold nobody"), &[op::GAS]);
        let large = [&[op::PUSH20][..], LARGE.as_slice()].concat();
        to(&format!("{name} large code"), &large);
        let prober = [&[op::PUSH20][..], PROBER.as_slice()].concat();
        to(&format!("{name} prober"), &prober);
    }
}

/// Every opcode that may be dear.
pub fn opcodes() -> Vec<Program> {
    let mut programs = Vec::new();
    arithmetic(&mut programs);
    plain(&mut programs);
    memory(&mut programs);
    state(&mut programs);
    programs
}

/// Precompiles at valid inputs and at those that cost most for their gas: number, name, input.
pub fn precompiles() -> Vec<(u64, String, Vec<u8>)> {
    let valid = crate::inputs::valid_precompile_inputs().into_iter();
    let mut all: Vec<_> = valid
        .map(|(number, input)| (number, format!("{number:#x}, {} bytes", input.len()), input))
        .collect();
    for (number, name, input) in crate::inputs::dear_precompile_inputs() {
        all.push((number, format!("{number:#x}, {name}"), input));
    }
    all
}
