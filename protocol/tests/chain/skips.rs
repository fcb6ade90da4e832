//! The skip list: each reason, and that a skipped transaction changes nothing.

use crate::world::{Account, CHAIN_ID, L1_TIME, RECORDER, World, call, word};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, uint};
use op_alloy_consensus::OpTxEnvelope;
use trestle_protocol::{SkipReason, decode_transaction};

const TO: Address = Address::repeat_byte(0xaa);
const ORDER: U256 = uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256);

/// Offers a transaction to a fresh chain.
fn outcome(tx: OpTxEnvelope) -> Result<u64, SkipReason> {
    World::new(&[1]).open(L1_TIME, 0).offer(tx, None).unwrap()
}

fn with(change: impl FnOnce(&mut TxEip1559)) -> OpTxEnvelope {
    let mut tx = call(0, TO, 1, Bytes::new());
    change(&mut tx);
    Account::new(1).sign(tx)
}

fn skip(tx: OpTxEnvelope) -> SkipReason {
    outcome(tx).unwrap_err()
}

#[test]
fn valid_transaction_is_included() {
    assert_eq!(outcome(with(|_| ())), Ok(21_000));
}

#[test]
fn rule_29_bytes_that_do_not_decode_are_skipped() {
    for bytes in [&[][..], &[0x02], &[0x02, 0xc0], &[0xc0], &[0xf8]] {
        assert_eq!(
            decode_transaction(bytes),
            Err(SkipReason::Undecodable),
            "{bytes:?}"
        );
    }
    let mut trailing = with(|_| ()).encoded_2718();
    trailing.push(0);
    assert_eq!(decode_transaction(&trailing), Err(SkipReason::Undecodable));
}

#[test]
fn rule_29_other_types_are_skipped() {
    for first in [0x00, 0x03, 0x05, 0x7d, 0x7e, 0x7f] {
        assert_eq!(
            decode_transaction(&[first, 0xc0]),
            Err(SkipReason::Type),
            "{first:#x}"
        );
    }
}

#[test]
fn rule_29_other_chain_is_skipped_and_unprotected_legacy_is_not() {
    assert_eq!(skip(with(|tx| tx.chain_id = 1)), SkipReason::ChainId);
    let legacy = |chain_id| {
        Account::new(1).sign_legacy(TxLegacy {
            chain_id,
            nonce: 0,
            gas_price: 1_000_000,
            gas_limit: 21_000,
            to: TxKind::Call(TO),
            value: U256::from(1),
            input: Bytes::new(),
        })
    };
    assert_eq!(outcome(legacy(None)), Ok(21_000));
    assert_eq!(outcome(legacy(Some(CHAIN_ID))), Ok(21_000));
    assert_eq!(skip(legacy(Some(1))), SkipReason::ChainId);
}

#[test]
fn rule_29_high_s_is_skipped() {
    let tx = call(0, TO, 1, Bytes::new());
    let low = Account::new(1).sign_hash(tx.signature_hash());
    let high = Signature::new(low.r(), ORDER - low.s(), !low.v());
    let tx = OpTxEnvelope::Eip1559(tx.into_signed(high));
    assert_eq!(skip(tx), SkipReason::HighS);
}

#[test]
fn rule_29_signature_of_nobody_is_skipped() {
    for (r, s) in [
        (U256::ZERO, U256::from(1)),
        (U256::from(1), U256::ZERO),
        (ORDER, U256::from(1)),
    ] {
        let tx = call(0, TO, 1, Bytes::new()).into_signed(Signature::new(r, s, false));
        assert_eq!(skip(OpTxEnvelope::Eip1559(tx)), SkipReason::Signature);
    }
}

#[test]
fn rule_29_gas_limits_are_checked() {
    assert_eq!(
        skip(with(|tx| tx.gas_limit = 16_777_217)),
        SkipReason::TxGasLimit
    );
    assert_eq!(
        skip(with(|tx| tx.gas_limit = 20_999)),
        SkipReason::IntrinsicGas { required: 21_000 }
    );
    let floor = with(|tx| {
        tx.input = vec![1; 1_000].into();
        tx.gas_limit = 21_000 + 40 * 1_000 - 1;
    });
    assert_eq!(skip(floor), SkipReason::IntrinsicGas { required: 61_000 });
}

#[test]
fn rule_29_what_does_not_fit_into_the_block_is_skipped() {
    let world = World::new(&[1]);
    let mut block = world.open(L1_TIME, 0);
    let big = |nonce| {
        let mut tx = call(nonce, RECORDER, 0, word(1));
        tx.gas_limit = 16_777_216;
        Account::new(1).sign(tx)
    };
    let left = block.user_gas_left();
    assert_eq!(left, 47_900_000);
    for nonce in 0..3 {
        block.offer(big(nonce), None).unwrap().unwrap();
    }
    assert!(block.user_gas_left() < left);
    let spender = {
        // An endless loop: JUMPDEST PUSH0 JUMP.
        let mut tx = call(3, TO, 0, vec![0x5b, 0x5f, 0x56]);
        (tx.to, tx.gas_limit) = (TxKind::Create, 16_777_216);
        tx
    };
    let loops = |nonce| {
        Account::new(1).sign(TxEip1559 {
            nonce,
            ..spender.clone()
        })
    };
    assert_eq!(block.offer(loops(3), None).unwrap(), Ok(16_777_216));
    assert_eq!(block.offer(loops(4), None).unwrap(), Ok(16_777_216));
    assert_eq!(
        block.offer(loops(5), None).unwrap(),
        Err(SkipReason::BlockGas)
    );
}

#[test]
fn rule_29_initcode_size_is_checked() {
    let create = |len| {
        with(|tx| {
            tx.to = TxKind::Create;
            tx.value = U256::ZERO;
            tx.input = vec![0; len].into();
            tx.gas_limit = 10_000_000;
        })
    };
    assert!(outcome(create(49_152)).is_ok());
    assert_eq!(skip(create(49_153)), SkipReason::InitcodeSize);
}

#[test]
fn rule_29_empty_authorization_list_is_skipped() {
    let tx = TxEip7702 {
        chain_id: CHAIN_ID,
        gas_limit: 100_000,
        max_fee_per_gas: 1_000_000,
        to: TO,
        ..TxEip7702::default()
    };
    let signature = Account::new(1).sign_hash(tx.signature_hash());
    let tx = OpTxEnvelope::Eip7702(tx.into_signed(signature));
    assert_eq!(skip(tx), SkipReason::EmptyAuthorizationList);
}

#[test]
fn rule_29_fees_are_checked() {
    let low = with(|tx| (tx.max_fee_per_gas, tx.max_priority_fee_per_gas) = (999, 0));
    assert_eq!(skip(low), SkipReason::FeeBelowBase { base_fee: 1_000 });
    let tip = with(|tx| (tx.max_fee_per_gas, tx.max_priority_fee_per_gas) = (2_000, 2_001));
    assert_eq!(skip(tip), SkipReason::TipAboveFee);
}

#[test]
fn rule_29_nonce_and_balance_are_checked() {
    assert_eq!(
        skip(with(|tx| tx.nonce = 1)),
        SkipReason::NonceTooHigh { account: 0 }
    );
    let world = World::new(&[1]);
    let mut block = world.open(L1_TIME, 0);
    block.offer(with(|_| ()), None).unwrap().unwrap();
    assert_eq!(
        block.offer(with(|_| ()), None).unwrap(),
        Err(SkipReason::NonceTooLow { account: 1 })
    );
    let rich = with(|tx| tx.value = crate::world::eth(100));
    assert!(matches!(skip(rich), SkipReason::Balance { .. }));
}

#[test]
fn skipped_transactions_change_nothing() {
    let mut world = World::new(&[1]);
    let mut block = world.open(L1_TIME, 0);
    for tx in [
        with(|tx| tx.nonce = 9),
        with(|tx| tx.gas_limit = 1),
        with(|tx| tx.chain_id = 9),
    ] {
        assert!(block.offer(tx, None).unwrap().is_err());
    }
    assert!(block.is_empty());
    block.offer(with(|_| ()), None).unwrap().unwrap();
    let block = block.finish();
    let clean = {
        let mut clean = world.open(L1_TIME, 0);
        clean.offer(with(|_| ()), None).unwrap().unwrap();
        clean.finish()
    };
    assert_eq!(world.clone().seal(block).header, world.seal(clean).header);
}

#[test]
fn rule_35_recovery_equals_the_signer_for_both_parities() {
    let alice = Account::new(1);
    for seed in 0..32u8 {
        let hash = B256::repeat_byte(seed);
        let signature = alice.sign_hash(hash);
        assert_eq!(
            trestle_protocol::recover_address(hash, &signature),
            Ok(alice.address)
        );
    }
}
