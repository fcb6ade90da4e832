//! Transactions that derivation skips, one for each reason of the skip list. Spec: section 5.5.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702, TxLegacy};
use alloy_eips::{eip2718::Encodable2718, eip2930::AccessList};
use alloy_primitives::{Address, Bytes, Signature, U256, uint};
use op_alloy_consensus::OpTxEnvelope;
use trestle_guest_tests::{
    Account, CHAIN_ID, World, call,
    code::{self, TOKEN},
    create, typed,
};
use trestle_protocol::payload::PayloadTx;

const ORDER: U256 = uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256);

fn transfer(nonce: u64) -> TxEip1559 {
    call(nonce, Address::repeat_byte(9), 21_000, Bytes::new())
}

/// The same transaction with the other solution of the signature: `n − s`, and the other parity.
fn with_high_s(account: &Account) -> OpTxEnvelope {
    let tx = transfer(0);
    let signed = account.sign_hash(tx.signature_hash());
    let high = Signature::new(signed.r(), ORDER - signed.s(), !signed.v());
    OpTxEnvelope::Eip1559(tx.into_signed(high))
}

fn with_no_signer() -> OpTxEnvelope {
    // 5 is no x-coordinate of a point of the curve.
    let signature = Signature::new(U256::from(5), U256::from(1), false);
    OpTxEnvelope::Eip1559(transfer(0).into_signed(signature))
}

fn without_authorisations(account: &Account) -> OpTxEnvelope {
    account.sign_7702(TxEip7702 {
        chain_id: CHAIN_ID,
        nonce: 0,
        gas_limit: 100_000,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TOKEN,
        value: U256::ZERO,
        access_list: AccessList::default(),
        authorization_list: Vec::new(),
        input: Bytes::new(),
    })
}

/// One transaction for each reason, in the order of the list; 13 has a test of its own.
fn of_each_kind(account: &Account) -> Vec<(&'static str, PayloadTx)> {
    let sign = |tx: TxEip1559| PayloadTx::Typed(account.sign(tx));
    let raw = |bytes: Vec<u8>| PayloadTx::Raw(bytes.into());
    let good = account.sign(transfer(0)).encoded_2718();
    let chain = TxEip1559 {
        chain_id: CHAIN_ID + 1,
        ..transfer(0)
    };
    let legacy = TxLegacy {
        chain_id: Some(1),
        nonce: 0,
        gas_price: 1_000_000_000,
        gas_limit: 21_000,
        ..TxLegacy::default()
    };
    let limit = |gas_limit| TxEip1559 {
        gas_limit,
        ..transfer(0)
    };
    let fees = |max_fee_per_gas, max_priority_fee_per_gas| TxEip1559 {
        max_fee_per_gas,
        max_priority_fee_per_gas,
        ..transfer(0)
    };
    vec![
        ("1 no bytes", raw(Vec::new())),
        ("1 noise", raw(trestle_guest_tests::inputs::noise(9, 300))),
        ("1 cut", raw(good[..good.len() - 1].to_vec())),
        ("1 trailing", raw([&good[..], &[0]].concat())),
        ("2 deposit", raw(vec![0x7e, 0xc0])),
        ("2 blob", raw(vec![0x03, 0xc0])),
        ("3 chain", raw(account.sign(chain).encoded_2718())),
        (
            "3 legacy chain",
            raw(account.sign_legacy(legacy).encoded_2718()),
        ),
        ("4 high s", PayloadTx::Typed(with_high_s(account))),
        ("5 no signer", PayloadTx::Typed(with_no_signer())),
        ("6 gas limit", sign(limit(16_777_217))),
        ("8 intrinsic gas", sign(limit(20_999))),
        ("8 floor", sign(call(0, TOKEN, 25_000, vec![1; 500]))),
        ("9 initcode", sign(create(0, 16_000_000, vec![0; 49_153]))),
        (
            "10 no authorisation",
            PayloadTx::Typed(without_authorisations(account)),
        ),
        ("11 base fee", sign(fees(1, 0))),
        ("12 tip", sign(fees(1_000_000_000, 1_000_000_001))),
        ("14 nonce", sign(transfer(1))),
        ("14 nonce at the end", sign(transfer(u64::MAX))),
        (
            "15 balance",
            sign(TxEip1559 {
                value: U256::MAX >> 1,
                ..transfer(0)
            }),
        ),
    ]
}

#[test]
fn transaction_of_each_kind_that_is_skipped_leaves_no_block_in_the_machine_too() {
    let account = Account::new(0);
    let mut world = World::new(0..1);
    let before = *world.follower.newest();
    for (what, tx) in of_each_kind(&account) {
        let payload = world.payload(vec![vec![tx]]);
        let (record, _) = world.prove(what, payload);
        assert_eq!(record.output_root, before.output_root, "{what}");
    }
    // All of them between two good ones.
    let mut txs: Vec<_> = of_each_kind(&account)
        .into_iter()
        .map(|(_, tx)| tx)
        .collect();
    txs.insert(10, PayloadTx::Typed(account.sign(transfer(0))));
    let payload = world.payload(vec![txs]);
    let (record, _) = world.prove("all kinds", payload);
    assert_eq!(record.block_number, before.block_number + 1);
}

#[test]
fn transaction_beyond_the_blocks_gas_is_skipped_in_the_machine_too() {
    let mut world = World::new(0..4);
    let burn = |seed, gas| Account::new(seed).call(0, code::BURNER, gas, Bytes::new());
    let txs = vec![
        burn(0, 16_777_216),
        burn(1, 16_777_216),
        burn(2, 14_345_569),
        burn(3, 14_345_568),
    ];
    let payload = world.payload(vec![typed(txs)]);
    let (record, _) = world.prove("7 block gas", payload);
    assert_eq!(record.block_number, 1);
    // The third was skipped: its sender can send the same nonce again.
    let again = world.payload(vec![typed(vec![burn(2, 100_000)])]);
    let (record, _) = world.prove("7 again", again);
    assert_eq!(record.block_number, 2);
}

#[test]
fn sender_with_code_is_skipped_in_the_machine_too() {
    let account = Account::new(0);
    let contract = trestle_protocol::GenesisAccount {
        balance: trestle_guest_tests::eth(10),
        code: vec![0].into(),
        ..trestle_protocol::GenesisAccount::default()
    };
    let mut world = World::with(1..2, [(account.address, contract)].into());
    let before = *world.follower.newest();
    let payload = world.payload(vec![typed(vec![account.sign(transfer(0))])]);
    let (record, _) = world.prove("13 sender with code", payload);
    assert_eq!(record.output_root, before.output_root);
}

#[test]
fn batch_whose_work_budget_is_spent_is_cut_in_the_machine_too() {
    let mut world = World::new(0..1);
    // 22,857 entries of 21,000 are the whole budget; here five less, which with their block and their bytes are as much.
    let noise = trestle_guest_tests::inputs::noise(7, 40);
    let txs: Vec<_> = (0..22_857)
        .map(|_| PayloadTx::Raw(noise.clone().into()))
        .collect();
    let last = typed(vec![Account::new(0).sign(transfer(0))]);
    let before = *world.follower.newest();
    let payload = world.payload(vec![txs[..22_852].to_vec(), last]);
    let (record, _) = world.prove("work budget", payload);
    assert_eq!(
        record.output_root, before.output_root,
        "the last block is beyond the budget"
    );
}
