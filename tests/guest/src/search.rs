//! Programs that spend their gas on one thing, for the search after the gas that costs the machine most.
//!
//! Each loops until its gas is used up, so gas used is the gas limit whatever the machine makes of it.

mod memory;
mod opcodes;
mod state;

pub use state::{counting, trie_program};

use crate::{Account, World, run_until_halt, typed};
use alloy_primitives::{Address, B256, U256};
use revm::bytecode::opcode as op;
use std::{collections::BTreeMap, sync::Arc};
use trestle_protocol::{ChainConfig, GenesisAccount};
use trestle_vm::Image;

/// Where the searched program stands.
pub const SEARCHED: Address = Address::repeat_byte(0xb1);
/// An account with the largest code, to be loaded.
pub const LARGE: Address = Address::repeat_byte(0xb2);

/// A named program, the input that it is called with, and what it finds on the chain.
#[derive(Debug, Clone, Default)]
pub struct Program {
    pub name: String,
    pub code: Vec<u8>,
    pub input: Vec<u8>,
    /// Slots of its storage that are set, from 0 on.
    pub slots: u64,
    /// Accounts from [`cold_account`] 0 on, each with another code of the largest size, made of this byte.
    pub cold: Option<(u64, u8)>,
    /// Gas without which it does nothing.
    pub least_gas: u64,
}

/// The most gas that transactions and deposits of one batch may use: the last transaction begins while work is left.
pub const fn most_gas(config: &ChainConfig) -> u64 {
    config.batch_work_budget + config.tx_gas_limit + config.batch_deposit_gas
}

/// Account `at` of those that a program touches once each.
pub fn cold_account(at: u64) -> Address {
    let number: U256 = (U256::from(1) << 64) | U256::from(at);
    Address::from_word(B256::from(number))
}

impl Program {
    /// The contracts that a call of the program needs.
    pub fn contracts(&self) -> BTreeMap<Address, GenesisAccount> {
        let contract = |code: Vec<u8>| GenesisAccount {
            nonce: 1,
            code: code.into(),
            ..GenesisAccount::default()
        };
        let one = U256::from(1);
        let searched = GenesisAccount {
            balance: crate::eth(1),
            storage: (0..self.slots)
                .map(|slot| (U256::from(slot), one))
                .collect(),
            ..contract(self.code.clone())
        };
        let (count, filling) = self.cold.unwrap_or_default();
        let cold = (0..count).map(|at| {
            let mut code = vec![filling; 24_576];
            // STOP first, so that a call of it ends, and a number, so that each has a hash of its own.
            code[0] = op::STOP;
            code[1..9].copy_from_slice(&at.to_be_bytes());
            (cold_account(at), contract(code))
        });
        let large = (LARGE, contract(vec![0x5b; 24_576]));
        cold.chain([(SEARCHED, searched), large]).collect()
    }
}

/// `prefix`, then `body` again and again; `body` leaves the stack as it was.
pub fn looped(prefix: &[u8], body: &[u8], longest: usize) -> Vec<u8> {
    let mut code = prefix.to_vec();
    let start = (code.len() as u16).to_be_bytes();
    code.push(op::JUMPDEST);
    while code.len() + body.len() + 4 <= longest {
        code.extend_from_slice(body);
    }
    code.extend_from_slice(&[op::PUSH2, start[0], start[1], op::JUMP]);
    code
}

/// `prefix`, then `body` again while more than `reserve` gas is left; so what it changes stays changed.
pub fn ending(prefix: &[u8], body: &[u8], reserve: u32) -> Vec<u8> {
    let start = (prefix.len() as u16).to_be_bytes();
    let again = [
        op::GAS,
        op::GT,
        op::PUSH2,
        start[0],
        start[1],
        op::JUMPI,
        op::STOP,
    ];
    [prefix, &[op::JUMPDEST], body, &push3(reserve), &again].concat()
}

fn push(value: &U256) -> Vec<u8> {
    [&[op::PUSH32][..], &value.to_be_bytes::<32>()].concat()
}

fn program(name: &str, prefix: &[u8], body: &[u8]) -> Program {
    Program {
        name: name.into(),
        code: looped(prefix, body, 24_000),
        ..Program::default()
    }
}

pub fn push3(value: u32) -> Vec<u8> {
    let [_, a, b, c] = value.to_be_bytes();
    vec![op::PUSH3, a, b, c]
}

/// What a program costs, beyond a batch whose call has no gas to run it.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub steps: u64,
    /// Gas that it used, after refunds: what the batch's work counts.
    pub gas: u64,
}

impl Cost {
    pub const fn per_gas(&self) -> u64 {
        self.steps / self.gas
    }
}

/// Runs a program with `gas` to spend.
pub fn cost(image: &Arc<Image>, program: &Program, gas: u64) -> Cost {
    let call = |gas: u64| {
        let mut world = World::with(0..1, program.contracts());
        let tx = Account::new(0).call(0, SEARCHED, gas, program.input.clone());
        let payload = world.payload(vec![typed(vec![tx])]);
        let (record, inputs) = world.derive(payload);
        let run = run_until_halt(image, inputs.input().hash(), &inputs).unwrap();
        assert_eq!(run.output, record.output_root, "{}: {run:?}", program.name);
        (run.steps, world.gas_used(&record))
    };
    let intrinsic = 21_000 + 40 * program.input.len() as u64;
    let gas = gas.max(program.least_gas);
    let ((steps, gas), (base, least)) = (call(gas + intrinsic), call(intrinsic));
    Cost {
        steps: steps.saturating_sub(base),
        gas: gas.saturating_sub(least).max(1),
    }
}

/// A program that ends well, so that what it changes goes into the tries.
fn lasting(name: &str, prefix: &[u8], body: &[u8]) -> Program {
    Program {
        name: name.into(),
        code: ending(prefix, body, 100_000),
        ..Program::default()
    }
}

/// Every opcode that may be dear.
pub fn opcodes() -> Vec<Program> {
    let mut programs = Vec::new();
    opcodes::arithmetic(&mut programs);
    opcodes::plain(&mut programs);
    memory::memory(&mut programs);
    memory::calls(&mut programs);
    state::state(&mut programs);
    state::cold(&mut programs);
    programs
}

/// Precompiles at valid inputs and at those that cost most for their gas, called again and again.
pub fn precompiles() -> Vec<Program> {
    let valid = crate::inputs::valid_precompile_inputs().into_iter();
    let valid = valid.map(|(number, input)| (number, format!("{} bytes", input.len()), input));
    let dear = crate::inputs::dear_precompile_inputs().into_iter();
    let dear = dear.map(|(number, name, input)| (number, name.to_owned(), input));
    valid.chain(dear).map(precompile).collect()
}

fn precompile((number, name, input): (u64, String, Vec<u8>)) -> Program {
    let copy = [op::CALLDATASIZE, op::PUSH0, op::PUSH0, op::CALLDATACOPY];
    let [high, low] = (number as u16).to_be_bytes();
    let call = [
        &[
            op::PUSH0,
            op::PUSH0,
            op::CALLDATASIZE,
            op::PUSH0,
            op::PUSH2,
            high,
            low,
        ][..],
        &[op::GAS, op::STATICCALL, op::POP],
    ];
    Program {
        name: format!("precompile {number:#x}, {name}"),
        code: looped(&copy, &call.concat(), 24_000),
        // Of many points, or of long numbers, one call is dear.
        least_gas: if input.len() > 500 { 9_000_000 } else { 0 },
        input,
        ..Program::default()
    }
}
