//! Batches whose transactions go to the edges of the EVM.

use alloy_consensus::{TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use revm::bytecode::opcode as op;
use trestle_guest_tests::{
    Account, CHAIN_ID, World, call,
    code::{self, BURNER, DEPLOYER, DIVER, MORTAL, TOKEN},
    create, deposit, eth,
    inputs::noise,
};

#[test]
fn creation_of_maximal_size_is_proven_as_derived() {
    let mut world = World::new(0..1);
    let account = Account::new(0);
    let mut padded = code::returning_zeros(24_576);
    padded.resize(49_152, 0);
    let txs = vec![
        account.sign(create(0, 16_000_000, padded)),
        account.sign(create(1, 16_000_000, code::returning_zeros(24_577))),
        account.sign(create(2, 5_000_000, code::returning(&noise(1, 20_000)))),
        // EIP-3541: code may not begin with 0xef.
        account.sign(create(3, 500_000, code::returning(&[0xef, 0]))),
        // What was made in this batch is called in it.
        account.call(4, account.address.create(0), 100_000, Bytes::new()),
    ];
    let (record, _) = world.prove_transactions("creations", txs);
    assert_eq!(record.block_number, 1);
    let later = vec![account.call(5, account.address.create(0), 100_000, Bytes::new())];
    world.prove_transactions("a call of the largest code", later);
}

#[test]
fn destruction_of_contracts_is_proven_as_derived() {
    let mut world = World::new(0..2);
    let (one, other) = (Account::new(0), Account::new(1));
    let mortal = [op::CALLER, op::SELFDESTRUCT];
    let txs = vec![
        one.call(0, MORTAL, 100_000, Bytes::new()),
        // Made and destroyed in one transaction, so it is gone (EIP-6780).
        one.call(1, DEPLOYER, 500_000, code::returning(&mortal)),
        // In its own constructor.
        one.sign(create(2, 500_000, mortal.to_vec())),
        other.call(0, MORTAL, 100_000, Bytes::new()),
    ];
    world.prove_transactions("self-destruct", txs);
}

#[test]
fn delegation_by_authorisation_is_proven_as_derived() {
    let mut world = World::new(0..6);
    let accounts: Vec<_> = (0..6).map(Account::new).collect();
    let list = vec![
        accounts[1].authorize(CHAIN_ID, TOKEN, 0),
        accounts[2].authorize(0, DIVER, 0),
        accounts[3].authorize(CHAIN_ID + 1, DIVER, 0),
        accounts[4].authorize(CHAIN_ID, DIVER, 7),
        accounts[5].authorize(CHAIN_ID, accounts[5].address, 0),
        accounts[0].authorize(CHAIN_ID, MORTAL, 1),
    ];
    let tx = TxEip7702 {
        chain_id: CHAIN_ID,
        nonce: 0,
        gas_limit: 1_000_000,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        to: accounts[2].address,
        value: U256::from(3),
        access_list: AccessList::default(),
        authorization_list: list,
        input: Bytes::new(),
    };
    let txs = vec![
        accounts[0].sign_7702(tx),
        accounts[4].call(
            0,
            accounts[1].address,
            200_000,
            code::transfer(Address::ZERO, 0),
        ),
        accounts[4].call(1, accounts[5].address, 200_000, Bytes::new()),
        accounts[1].call(1, accounts[2].address, 200_000, Bytes::new()),
    ];
    world.prove_transactions("delegations", txs);
    let undo = TxEip7702 {
        chain_id: CHAIN_ID,
        nonce: 2,
        gas_limit: 1_000_000,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        to: accounts[2].address,
        value: U256::ZERO,
        access_list: AccessList::default(),
        authorization_list: vec![accounts[2].authorize(CHAIN_ID, Address::ZERO, 1)],
        input: Bytes::new(),
    };
    world.prove_transactions("a delegation taken back", vec![accounts[0].sign_7702(undo)]);
}

#[test]
fn transactions_that_run_out_of_gas_are_proven_as_derived() {
    let mut world = World::new(0..1);
    let account = Account::new(0);
    let txs = vec![
        account.call(0, BURNER, 21_000, Bytes::new()),
        account.call(1, BURNER, 100_000, Bytes::new()),
        account.sign(create(2, 60_000, code::returning_zeros(24_576))),
        account.call(3, TOKEN, 30_000, code::transfer(Address::ZERO, 1)),
        account.call(4, DIVER, 200_000, Bytes::new()),
    ];
    world.prove_transactions("out of gas", txs);
}

#[test]
fn block_that_is_full_of_gas_is_proven_as_derived() {
    let mut world = World::new(0..4);
    let txs = (0..4)
        .map(|seed| {
            let gas = if seed < 2 { 16_777_216 } else { 7_172_784 };
            Account::new(seed).call(0, BURNER, gas, Bytes::new())
        })
        .collect();
    let (record, _) = world.prove_transactions("a full block", txs);
    assert_eq!(record.block_number, 1);
}

#[test]
fn call_as_deep_as_gas_allows_is_proven_as_derived() {
    let mut world = World::new(0..1);
    let account = Account::new(0);
    world.enqueue(deposit(
        Address::ZERO,
        Some(DIVER),
        46_900_000,
        Bytes::new(),
    ));
    let txs = vec![account.call(0, DIVER, 16_777_216, Bytes::new())];
    world.prove_transactions("deep calls", txs);
}

#[test]
fn transactions_of_every_type_are_proven_as_derived() {
    let mut world = World::new(0..1);
    let account = Account::new(0);
    let to = TxKind::Call(Address::repeat_byte(9));
    let list = AccessList(vec![AccessListItem {
        address: TOKEN,
        storage_keys: vec![B256::ZERO, code::balance_slot(account.address).into()],
    }]);
    let legacy = |nonce, chain_id| TxLegacy {
        chain_id,
        nonce,
        gas_price: 1_000_000_000,
        gas_limit: 21_000,
        to,
        value: eth(1),
        input: Bytes::new(),
    };
    let second = TxEip2930 {
        chain_id: CHAIN_ID,
        nonce: 2,
        gas_price: 1_000_000_000,
        gas_limit: 100_000,
        to: TxKind::Call(TOKEN),
        value: U256::ZERO,
        access_list: list.clone(),
        input: code::transfer(Address::repeat_byte(4), 0),
    };
    let third = TxEip1559 {
        access_list: list,
        ..call(
            3,
            TOKEN,
            100_000,
            code::transfer(Address::repeat_byte(4), 0),
        )
    };
    let txs = vec![
        account.sign_legacy(legacy(0, Some(CHAIN_ID))),
        account.sign_legacy(legacy(1, None)),
        account.sign_2930(second),
        account.sign(third),
    ];
    let (record, _) = world.prove_transactions("every type", txs);
    assert_eq!(record.block_number, 1);
}
