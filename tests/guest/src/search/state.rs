//! Storage, accounts and calls, warm and cold, in shallow and in deep tries.

use super::{LARGE, Program, SEARCHED, ending, lasting, looped, program};
use crate::code::PROBER;
use revm::bytecode::opcode as op;

/// Storage, accounts and calls, warm and cold.
pub(super) fn state(programs: &mut Vec<Program>) {
    let mut add =
        |name: &str, prefix: &[u8], body: &[u8]| programs.push(program(name, prefix, body));
    add("sload warm", &[], &[op::PUSH0, op::SLOAD, op::POP]);
    add("sload cold", &[], &[op::GAS, op::SLOAD, op::POP]);
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
    for (name, body) in [
        ("sstore same", &[op::PUSH0, op::PUSH0, op::SSTORE][..]),
        ("sstore new", &[op::PUSH1, 1, op::GAS, op::SSTORE]),
        ("sstore flip", &[op::GAS, op::PUSH0, op::SSTORE]),
    ] {
        programs.push(lasting(name, &[], body));
    }
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

/// Slots of the trie that programs walk.
const DEEP: u64 = 65_536;
/// Accounts with large code that programs load, as many as 400,000 gas pay for.
const COLD: u64 = 170;

/// `op` on 0, 1, 2 and so on.
pub fn counting(first: &[u8], body: &[u8]) -> Vec<u8> {
    looped(first, &next(body), 24_000)
}

/// `body` on the number on the stack, and then one more.
fn next(body: &[u8]) -> Vec<u8> {
    [&[op::DUP1][..], body, &[op::PUSH1, 1, op::ADD]].concat()
}

/// Reads and writes of the slots of a trie with `slots` of them, from the number in its input on.
pub fn trie_program(name: &str, slots: u64) -> Program {
    let body: &[u8] = match name {
        "sload" => &[op::SLOAD, op::POP],
        "sstore" => &[op::NUMBER, op::NOT, op::SWAP1, op::SSTORE],
        "clear" => &[op::PUSH0, op::SWAP1, op::SSTORE],
        // Slots that are not there, far from those that are.
        _ => &[op::NOT, op::SLOAD, op::POP],
    };
    Program {
        name: format!("{name} in a trie of {slots}"),
        code: ending(&[op::PUSH0, op::CALLDATALOAD], &next(body), 30_000),
        slots,
        ..Program::default()
    }
}

/// What is read for the first time.
pub(super) fn cold(programs: &mut Vec<Program>) {
    for name in ["sload", "sstore", "clear", "sload of none"] {
        programs.push(trie_program(name, DEEP));
    }
    let first = [op::PUSH9, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let call = |opcode: u8, has_value: bool| {
        let mut body = vec![op::PUSH0; if has_value { 5 } else { 4 }];
        body.extend([
            op::DUP1 + body.len() as u8,
            op::GAS,
            opcode,
            op::POP,
            op::POP,
        ]);
        body
    };
    let bodies: [(&str, Vec<u8>); 6] = [
        ("balance", vec![op::BALANCE, op::POP]),
        ("extcodesize", vec![op::EXTCODESIZE, op::POP]),
        ("extcodehash", vec![op::EXTCODEHASH, op::POP]),
        (
            "extcodecopy",
            vec![
                op::PUSH0,
                op::PUSH0,
                op::PUSH0,
                op::DUP1 + 3,
                op::EXTCODECOPY,
                op::POP,
            ],
        ),
        ("call", call(op::CALL, true)),
        ("delegatecall", call(op::DELEGATECALL, false)),
    ];
    for filling in [0, 0x5b, 0x60, 0x7f] {
        for (name, body) in &bodies {
            programs.push(Program {
                name: format!("{name} of cold code of {filling:#04x}"),
                code: counting(&first, body),
                cold: Some((COLD, filling)),
                ..Program::default()
            });
        }
    }
    let value = [
        &[op::PUSH0; 4][..],
        &[
            op::PUSH1,
            1,
            op::DUP1 + 5,
            op::GAS,
            op::CALL,
            op::POP,
            op::POP,
        ],
    ]
    .concat();
    programs.push(lasting(
        "call of a new account with value",
        &first,
        &next(&value),
    ));
    let existing = Program {
        cold: Some((COLD, 0)),
        ..lasting("call of a cold account with value", &first, &next(&value))
    };
    programs.push(existing);
    // Itself, as deep as it goes and again.
    let recursive = [
        &[op::PUSH0; 5][..],
        &[op::PUSH20],
        SEARCHED.as_slice(),
        &[op::GAS, op::CALL, op::POP],
    ]
    .concat();
    programs.push(program("recursive call", &[], &recursive));
    // 256 blocks back there is little; the slots of the ring are asked for all the same.
    let block = [
        op::DUP1,
        op::NUMBER,
        op::SUB,
        op::BLOCKHASH,
        op::POP,
        op::PUSH1,
        1,
        op::ADD,
    ];
    programs.push(program("blockhash of many", &[op::PUSH0], &block));
}
