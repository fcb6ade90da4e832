//! Deposits, fees and system writes of single blocks.

use crate::world::{Account, L1_TIME, RECORDER, World, attributes, deposit, eth, word};
use alloy_consensus::TxReceipt;
use alloy_primitives::{Address, B256, Bytes, U256};
use op_alloy_consensus::OpReceiptEnvelope;
use trestle_protocol::{HeaderExtra, history_slot, predeploys};

const STRANGER: Address = Address::repeat_byte(0xaa);

fn deposit_receipt(receipt: &OpReceiptEnvelope) -> (bool, u64, Option<u64>) {
    match receipt {
        OpReceiptEnvelope::Deposit(receipt) => {
            let inner = &receipt.receipt;
            (
                receipt.status(),
                inner.inner.cumulative_gas_used,
                inner.deposit_nonce,
            )
        }
        other => panic!("no deposit receipt: {other:?}"),
    }
}

#[test]
fn transfer_pays_value_tip_and_base_fee() {
    let (alice, mut world) = (Account::new(1), World::new(&[1]));
    let block = world.build(L1_TIME, 0, &[alice.call(0, STRANGER, 5, Bytes::new())]);
    let base_fee = block.header.header.base_fee_per_gas.unwrap();
    assert_eq!(base_fee, 1_000);
    assert_eq!(world.state.balance(STRANGER), U256::from(5));
    let fee = U256::from(21_000 * base_fee);
    assert_eq!(world.state.balance(predeploys::BASE_FEE_VAULT), fee);
    let tip = U256::from(21_000);
    assert_eq!(world.state.balance(predeploys::SEQUENCER_FEE_VAULT), tip);
    assert_eq!(
        world.state.balance(alice.address),
        eth(100) - U256::from(5) - fee - tip
    );
    assert_eq!(block.header.header.gas_used, 21_000);
}

#[test]
fn deposit_mints_and_carries_value() {
    let mut world = World::new(&[]);
    world.enqueue(deposit(STRANGER, Some(RECORDER), eth(3), eth(1), word(7)));
    let block = world.build(L1_TIME, 1, &[]);
    assert!(deposit_receipt(&block.body.receipts[0]).0);
    assert_eq!(world.state.balance(STRANGER), eth(2));
    assert_eq!(world.state.balance(RECORDER), eth(1));
    assert_eq!(world.state.slot(RECORDER, 0), U256::from(7));
    assert_eq!(world.state.nonce(STRANGER), 1);
    assert_eq!(world.state.slot(predeploys::ROLLUP_STATE, 0), U256::from(1));
}

#[test]
fn pitfall_a02_failed_deposit_mints_and_bumps_the_nonce() {
    let mut world = World::new(&[]);
    world.enqueue(deposit(STRANGER, Some(RECORDER), eth(3), eth(1), word(0)));
    world.enqueue(deposit(
        STRANGER,
        Some(RECORDER),
        U256::ZERO,
        eth(9),
        word(7),
    ));
    let block = world.build(L1_TIME, 2, &[]);
    let (reverted, first_gas, first_nonce) = deposit_receipt(&block.body.receipts[0]);
    let (started, gas, nonce) = deposit_receipt(&block.body.receipts[1]);
    assert_eq!((reverted, started), (false, false));
    assert_eq!((first_nonce, nonce), (Some(0), Some(1)));
    assert!(first_gas < 200_000);
    assert_eq!(
        gas - first_gas,
        200_000,
        "what cannot start uses its whole limit"
    );
    assert_eq!(world.state.balance(STRANGER), eth(3));
    assert_eq!(world.state.nonce(STRANGER), 2);
    assert_eq!(world.state.slot(RECORDER, 0), U256::ZERO);
}

#[test]
fn deposit_below_intrinsic_gas_fails_and_still_mints() {
    let mut world = World::new(&[]);
    let mut body = deposit(STRANGER, Some(RECORDER), eth(1), U256::ZERO, word(7));
    if let trestle_protocol::EntryBody::Deposit(deposit) = &mut body {
        deposit.gas_limit = 20_000;
    }
    world.enqueue(body);
    let block = world.build(L1_TIME, 1, &[]);
    assert_eq!(
        deposit_receipt(&block.body.receipts[0]),
        (false, 20_000, Some(0))
    );
    assert_eq!(world.state.balance(STRANGER), eth(1));
}

#[test]
fn deposit_from_a_contract_address_is_executed() {
    let mut world = World::new(&[]);
    world.enqueue(deposit(
        RECORDER,
        Some(STRANGER),
        eth(1),
        eth(1),
        Bytes::new(),
    ));
    let block = world.build(L1_TIME, 1, &[]);
    assert!(deposit_receipt(&block.body.receipts[0]).0);
    assert_eq!(world.state.nonce(RECORDER), 2);
}

#[test]
fn rule_28_only_the_newest_attributes_are_executed() {
    let mut world = World::new(&[]);
    world.enqueue(attributes(1_000, 1));
    world.enqueue(deposit(
        STRANGER,
        Some(STRANGER),
        eth(1),
        U256::ZERO,
        Bytes::new(),
    ));
    world.enqueue(attributes(1_000, 2));
    let block = world.build(L1_TIME, 3, &[]);
    assert_eq!(block.body.transactions.len(), 2);
    assert_eq!(block.header.header.mix_hash, B256::repeat_byte(2));
    assert_eq!(world.state.slot(predeploys::ROLLUP_STATE, 0), U256::from(3));
    let extra = HeaderExtra::decode(&block.header.header.extra_data).unwrap();
    assert_eq!(extra.floor, 1_125, "one step towards 40 * 1000 / 16");
    let next = world.build(L1_TIME, 0, &[]);
    assert_eq!(next.header.header.base_fee_per_gas, Some(1_125));
    assert_eq!(
        next.header.header.mix_hash,
        B256::repeat_byte(2),
        "kept without attributes"
    );
}

#[test]
fn rule_31_excess_grows_with_gas_and_drains_with_time() {
    let (alice, mut world) = (Account::new(1), World::new(&[1]));
    let block = world.build(L1_TIME, 0, &[alice.call(0, STRANGER, 5, Bytes::new())]);
    let excess = |block: &trestle_protocol::SealedBlock| {
        HeaderExtra::decode(&block.header.header.extra_data)
            .unwrap()
            .excess
    };
    assert_eq!(excess(&block), 21_000);
    let same_second = world.build(L1_TIME, 0, &[alice.call(1, STRANGER, 5, Bytes::new())]);
    assert_eq!(excess(&same_second), 42_000);
    let later = world.build(L1_TIME + 1, 0, &[alice.call(2, STRANGER, 5, Bytes::new())]);
    assert_eq!(excess(&later), 21_000);
}

#[test]
fn parent_hash_is_in_the_history_contract() {
    let mut world = World::new(&[]);
    let genesis = world.head.hash;
    world.enqueue(attributes(1, 1));
    world.build(L1_TIME, 1, &[]);
    let slot: u64 = history_slot(0).to();
    let stored = world.state.slot(predeploys::HISTORY_STORAGE, slot);
    assert_eq!(B256::from(stored), genesis);
}

#[test]
fn output_root_follows_from_the_header() {
    let world = World::new(&[]);
    let output = world.head.output();
    assert_eq!(output.block_hash, world.head.hash);
    assert_eq!(
        output.message_passer_root,
        trestle_protocol::trie::EMPTY_ROOT_HASH
    );
    assert_eq!(
        trestle_protocol::OutputPreimage::decode(&output.encode()),
        Some(output)
    );
}
