//! Opcodes that touch nothing but the stack.

use super::{Program, program, push};
use crate::inputs::noise;
use alloy_primitives::U256;
use revm::bytecode::opcode as op;

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
pub(super) fn arithmetic(programs: &mut Vec<Program>) {
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

/// Opcodes without operands.
pub(super) fn plain(programs: &mut Vec<Program>) {
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
        ..Program::default()
    });
    programs.push(Program {
        name: "jumpi".into(),
        code: vec![op::JUMPDEST, op::PUSH1, 1, op::PUSH0, op::JUMPI],
        ..Program::default()
    });
}
