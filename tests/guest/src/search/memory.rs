//! Opcodes over memory: copies, hashes, logs, creations, calls with long inputs.

use super::{LARGE, Program, ending, lasting, program, push3};
use revm::bytecode::opcode as op;

/// Memory, copies, hashes and logs at several lengths.
pub(super) fn memory(programs: &mut Vec<Program>) {
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
            let make = match name {
                "log0" | "create" | "create2" => lasting,
                _ => program,
            };
            programs.push(make(&format!("{name} {length}"), &prefix, body));
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

/// The opcode of a call to `target` with `length` bytes of input and no gas of its own.
fn starved(target: u8, length: u32) -> Vec<u8> {
    [
        &[op::PUSH0, op::PUSH0][..],
        &push3(length),
        &[
            op::PUSH0,
            op::PUSH1,
            target,
            op::PUSH0,
            op::STATICCALL,
            op::POP,
        ],
    ]
    .concat()
}

/// Calls that have no gas to do anything, with long inputs, and creations of code full of jump targets.
pub(super) fn calls(programs: &mut Vec<Program>) {
    let length = 300_000;
    let prefix = [push3(length + 32), vec![op::MLOAD, op::POP]].concat();
    for target in (1..=0x11).chain([0xee]) {
        programs.push(program(
            &format!("starved call of {target:#x} with {length}"),
            &prefix,
            &starved(target, length),
        ));
    }
    let large = [&[op::PUSH20][..], LARGE.as_slice()].concat();
    let copy = |to: &[u8]| {
        [
            &[op::PUSH2, 0x60, 0, op::PUSH0][..],
            to,
            &large,
            &[op::EXTCODECOPY],
        ]
        .concat()
    };
    let targets = [copy(&[op::PUSH0]), copy(&[op::PUSH2, 0x60, 0])].concat();
    for (name, opcode) in [("create", op::CREATE), ("create2", op::CREATE2)] {
        for (how, first) in [("stops", op::STOP), ("halts", op::INVALID)] {
            let first = [op::PUSH1, first, op::PUSH0, op::MSTORE8];
            let mut body = if opcode == op::CREATE2 {
                vec![op::GAS]
            } else {
                Vec::new()
            };
            body.extend([op::PUSH2, 0xc0, 0, op::PUSH0, op::PUSH0, opcode, op::POP]);
            programs.push(lasting(
                &format!("{name} of 49,152 jump targets that {how}"),
                &[&targets[..], &first].concat(),
                &body,
            ));
        }
    }
    // Made, destroyed and forgotten: CALLER SELFDESTRUCT as initcode.
    let doomed = [
        op::PUSH2,
        op::CALLER,
        op::SELFDESTRUCT,
        op::PUSH0,
        op::MSTORE,
    ];
    let create = [op::PUSH1, 2, op::PUSH1, 30, op::PUSH0, op::CREATE, op::POP];
    programs.push(lasting("create and destroy", &doomed, &create));
    // Code of 24,576 bytes, returned.
    let returning = [op::PUSH2, 0x60, 0, op::PUSH0, op::RETURN];
    let returned: Vec<u8> = [
        &[op::PUSH5][..],
        &returning,
        &[op::PUSH0, op::MSTORE],
        &[op::PUSH1, 5, op::PUSH1, 27, op::PUSH0, op::CREATE, op::POP],
    ]
    .concat();
    programs.push(Program {
        name: "create of 24,576 bytes".into(),
        code: ending(&[], &returned, 5_200_000),
        least_gas: 11_000_000,
        ..Program::default()
    });
    let topics = [
        op::PUSH0,
        op::PUSH1,
        1,
        op::PUSH1,
        2,
        op::PUSH1,
        3,
        op::PUSH0,
        op::PUSH0,
        op::LOG4,
    ];
    programs.push(lasting("log4", &[], &topics));
}
