//! Contracts of the test chain, by hand.

use alloy_primitives::{Address, Bytes, U256};
use revm::bytecode::opcode as op;
use std::collections::BTreeMap;
use trestle_protocol::GenesisAccount;

/// Calls the address in word 0 of its input with the rest of it, and stores the gas left under a slot that
/// names success and the hash of what came back.
pub const PROBER: Address = Address::repeat_byte(0xa1);
/// Runs its input as code, by `CREATE` and a call of what came out.
pub const DEPLOYER: Address = Address::repeat_byte(0xa2);
/// Calls itself with all gas until nothing is left, counting in storage how deep it came.
pub const DIVER: Address = Address::repeat_byte(0xa3);
/// Destroys itself in favour of its caller.
pub const MORTAL: Address = Address::repeat_byte(0xa4);
/// Loops until the gas is used up.
pub const BURNER: Address = Address::repeat_byte(0xa5);
/// A plain ERC-20: `transfer(address,uint256)` over a mapping in slot 0, with the event.
pub const TOKEN: Address = Address::repeat_byte(0xa6);

/// All of them.
pub fn contracts() -> BTreeMap<Address, GenesisAccount> {
    let contract = |(address, code): (Address, Vec<u8>)| {
        (
            address,
            GenesisAccount {
                nonce: 1,
                balance: U256::from(7),
                code: code.into(),
                ..GenesisAccount::default()
            },
        )
    };
    [
        (PROBER, prober()),
        (DEPLOYER, deployer()),
        (DIVER, diver()),
        (MORTAL, vec![op::CALLER, op::SELFDESTRUCT]),
        (BURNER, vec![op::JUMPDEST, op::PUSH0, op::JUMP]),
        (TOKEN, token()),
    ]
    .into_iter()
    .map(contract)
    .collect()
}

fn prober() -> Vec<u8> {
    vec![
        op::PUSH1,
        32,
        op::CALLDATASIZE,
        op::SUB,
        op::DUP1,
        op::PUSH1,
        32,
        op::PUSH0,
        op::CALLDATACOPY,
        op::PUSH0,
        op::PUSH0,
        op::DUP3,
        op::PUSH0,
        op::PUSH0,
        op::CALLDATALOAD,
        op::GAS,
        op::STATICCALL,
        op::RETURNDATASIZE,
        op::PUSH0,
        op::PUSH0,
        op::RETURNDATACOPY,
        op::RETURNDATASIZE,
        op::PUSH0,
        op::KECCAK256,
        op::ADD,
        op::GAS,
        op::SWAP1,
        op::SSTORE,
        op::STOP,
    ]
}

/// `CREATE(0, input)`, then a call of the result with no input; the gas left is stored under the address.
fn deployer() -> Vec<u8> {
    vec![
        op::CALLDATASIZE,
        op::PUSH0,
        op::PUSH0,
        op::CALLDATACOPY,
        op::CALLDATASIZE,
        op::PUSH0,
        op::PUSH0,
        op::CREATE,
        op::PUSH0,
        op::PUSH0,
        op::PUSH0,
        op::PUSH0,
        op::PUSH0,
        op::DUP6,
        op::GAS,
        op::CALL,
        op::ADD,
        op::GAS,
        op::SWAP1,
        op::SSTORE,
        op::STOP,
    ]
}

/// Slot 0 counts frames.
fn diver() -> Vec<u8> {
    vec![
        op::PUSH0,
        op::SLOAD,
        op::PUSH1,
        1,
        op::ADD,
        op::PUSH0,
        op::SSTORE,
        op::PUSH0,
        op::PUSH0,
        op::PUSH0,
        op::PUSH0,
        op::PUSH0,
        op::ADDRESS,
        op::GAS,
        op::CALL,
        op::STOP,
    ]
}

/// Balances in slots `keccak(owner ‖ 0)`; reverts when the caller has too little.
fn token() -> Vec<u8> {
    let mut code = vec![
        // slot of the caller
        op::CALLER,
        op::PUSH0,
        op::MSTORE,
        op::PUSH1,
        64,
        op::PUSH0,
        op::KECCAK256,
        // [slot] balance, amount
        op::DUP1,
        op::SLOAD,
        op::PUSH1,
        36,
        op::CALLDATALOAD,
        // [slot, balance, amount] amount > balance ?
        op::DUP2,
        op::DUP2,
        op::GT,
        op::PUSH1,
        0xff,
        op::JUMPI,
        // balance - amount -> slot
        op::SWAP1,
        op::SUB,
        op::SWAP1,
        op::SSTORE,
        // slot of the recipient += amount
        op::PUSH1,
        4,
        op::CALLDATALOAD,
        op::PUSH0,
        op::MSTORE,
        op::PUSH1,
        64,
        op::PUSH0,
        op::KECCAK256,
        op::DUP1,
        op::SLOAD,
        op::PUSH1,
        36,
        op::CALLDATALOAD,
        op::ADD,
        op::SWAP1,
        op::SSTORE,
        // Transfer(caller, recipient, amount)
        op::PUSH1,
        36,
        op::CALLDATALOAD,
        op::PUSH0,
        op::MSTORE,
        op::PUSH1,
        4,
        op::CALLDATALOAD,
        op::CALLER,
        op::PUSH32,
    ];
    code.extend_from_slice(
        alloy_primitives::keccak256("Transfer(address,address,uint256)").as_slice(),
    );
    code.extend_from_slice(&[
        op::PUSH1,
        32,
        op::PUSH0,
        op::LOG3,
        op::PUSH1,
        1,
        op::PUSH0,
        op::MSTORE,
        op::PUSH1,
        32,
        op::PUSH0,
        op::RETURN,
        op::JUMPDEST,
        op::PUSH0,
        op::PUSH0,
        op::REVERT,
    ]);
    let refuse = code.len() - 4;
    let at = code.iter().position(|byte| *byte == 0xff).unwrap();
    code[at] = refuse as u8;
    code
}

/// Slot of an owner's balance in [`TOKEN`].
pub fn balance_slot(owner: Address) -> U256 {
    let mut bytes = [0; 64];
    bytes[12..32].copy_from_slice(owner.as_slice());
    U256::from_be_bytes(alloy_primitives::keccak256(bytes).0)
}

/// Input of `transfer(to, amount)`.
pub fn transfer(to: Address, amount: u64) -> Bytes {
    let selector = &alloy_primitives::keccak256("transfer(address,uint256)")[..4];
    [
        selector,
        to.into_word().as_slice(),
        &U256::from(amount).to_be_bytes::<32>(),
    ]
    .concat()
    .into()
}

/// Code that returns `runtime` when it is run by a creation.
pub fn returning(runtime: &[u8]) -> Vec<u8> {
    let length = (runtime.len() as u16).to_be_bytes();
    let mut code = vec![
        op::PUSH2,
        length[0],
        length[1],
        op::PUSH1,
        13,
        op::PUSH0,
        op::CODECOPY,
        op::PUSH2,
        length[0],
        length[1],
        op::PUSH0,
        op::RETURN,
        op::INVALID,
    ];
    code.extend_from_slice(runtime);
    code
}

/// Code that makes `length` zero bytes of runtime code, whatever `length` is.
pub fn returning_zeros(length: u32) -> Vec<u8> {
    let [_, a, b, c] = length.to_be_bytes();
    vec![op::PUSH3, a, b, c, op::PUSH0, op::RETURN]
}

/// Input of [`PROBER`].
pub fn probe(address: Address, data: &[u8]) -> Bytes {
    [address.into_word().as_slice(), data].concat().into()
}
