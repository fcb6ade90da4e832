//! Queue entries as L2 transactions of type 0x7E.
//!
//! Derivation and the deposit tracker build them here. Spec: `SPEC.md`, section 5.3.

use crate::{
    ChainConfig, Deposit, EntryBody, L1Attributes, OperatorParams, QueueEntry, QueuedEntry,
    predeploys::{L1_BLOCK, ROLLUP_STATE, SYSTEM_DEPOSITOR},
};
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use op_alloy_consensus::TxDeposit;

/// `setL1Attributes(uint64,uint64,uint256,uint256,bytes32,bytes32)`.
const SET_L1_ATTRIBUTES: &[u8] = b"setL1Attributes(uint64,uint64,uint256,uint256,bytes32,bytes32)";
/// `setOperatorParams(uint64,uint32,uint8,uint128)`.
const SET_OPERATOR_PARAMS: &[u8] = b"setOperatorParams(uint64,uint32,uint8,uint128)";

/// The transaction that a queue entry becomes.
#[must_use]
pub fn deposit_transaction(config: &ChainConfig, queued: &QueuedEntry) -> TxDeposit {
    let entry = &queued.entry;
    match &entry.body {
        EntryBody::Deposit(deposit) => user_deposit(source_hash(0, queued.acc), deposit),
        EntryBody::Attributes(l1) => {
            let data = attributes_call(entry, l1);
            system_deposit(config, source_hash(1, queued.acc), L1_BLOCK, data)
        }
        EntryBody::Operator(params) => {
            let data = operator_call(params);
            system_deposit(config, source_hash(2, queued.acc), ROLLUP_STATE, data)
        }
    }
}

/// What makes a deposit unique: its kind and the queue's accumulator after it.
#[must_use]
pub fn source_hash(kind: u8, acc: B256) -> B256 {
    let mut w = crate::bytes::Writer::<64>::new();
    w.u256(U256::from(kind));
    w.bytes(acc.as_slice());
    keccak256(w.finish())
}

fn user_deposit(source_hash: B256, deposit: &Deposit) -> TxDeposit {
    TxDeposit {
        source_hash,
        from: deposit.from,
        to: deposit.to.map_or(TxKind::Create, TxKind::Call),
        mint: u128::try_from(deposit.mint).unwrap_or(u128::MAX),
        value: deposit.value,
        gas_limit: deposit.gas_limit,
        is_system_transaction: false,
        input: deposit.data.clone(),
    }
}

fn system_deposit(
    config: &ChainConfig,
    source_hash: B256,
    to: Address,
    data: Vec<u8>,
) -> TxDeposit {
    TxDeposit {
        source_hash,
        from: SYSTEM_DEPOSITOR,
        to: TxKind::Call(to),
        mint: 0,
        value: U256::ZERO,
        gas_limit: config.system_entry_gas,
        is_system_transaction: false,
        input: Bytes::from(data),
    }
}

fn attributes_call(entry: &QueueEntry, l1: &L1Attributes) -> Vec<u8> {
    let words = [
        B256::from(U256::from(entry.l1_number)),
        B256::from(U256::from(entry.l1_time)),
        B256::from(l1.base_fee),
        B256::from(l1.blob_base_fee),
        l1.parent_hash,
        l1.prevrandao,
    ];
    call(SET_L1_ATTRIBUTES, &words)
}

fn operator_call(params: &OperatorParams) -> Vec<u8> {
    let words = [
        U256::from(params.user_gas_limit),
        U256::from(params.data_scalar),
        U256::from(params.data_kinds),
        U256::from(params.min_floor),
    ];
    call(SET_OPERATOR_PARAMS, &words.map(B256::from))
}

fn call(signature: &[u8], words: &[B256]) -> Vec<u8> {
    let selector = keccak256(signature);
    let mut data: Vec<u8> = selector.iter().take(4).copied().collect();
    words
        .iter()
        .for_each(|word| data.extend_from_slice(word.as_slice()));
    data
}
