//! Derivation: a replica's blocks are the sequencer's, and every byte string has one result.

use crate::world::{
    Account, L1_TIME, RECORDER, World, attributes, compress, deposit, eth, payload_of, word,
};
use alloy_primitives::{Address, Bytes, U256};
use proptest::prelude::*;
use trestle_protocol::{
    Derivation, KnownBlock, SealedBlock,
    payload::{Payload, PayloadBlock, PayloadTx},
};

const STRANGER: Address = Address::repeat_byte(0xaa);

/// A chain with two blocks and a deposit, and what its batcher posts.
fn sequenced() -> (World, World, Vec<SealedBlock>, Vec<u8>) {
    let alice = Account::new(1);
    let mut world = World::new(&[1]);
    world.enqueue(attributes(1_000, 1));
    world.enqueue(deposit(
        STRANGER,
        Some(RECORDER),
        eth(1),
        U256::ZERO,
        word(5),
    ));
    let replica = world.clone();
    let first = world.build(L1_TIME, 0, &[alice.call(0, STRANGER, 1, Bytes::new())]);
    let txs = [
        alice.call(1, RECORDER, 0, word(9)),
        alice.call(2, RECORDER, 0, word(0)),
    ];
    let second = world.build(L1_TIME + 3, 2, &txs);
    let blocks = vec![first, second];
    let payload = payload_of(&blocks);
    (world, replica, blocks, payload)
}

fn hashes(blocks: &[SealedBlock]) -> Vec<alloy_primitives::B256> {
    blocks.iter().map(|block| block.header.hash).collect()
}

#[test]
fn replica_derives_the_sequencers_blocks() {
    let (world, mut replica, blocks, payload) = sequenced();
    let header = replica.header(Some(&payload), 2);
    let derived = replica.derive(&header, Some(&payload));
    assert_eq!(hashes(&derived), hashes(&blocks));
    assert_eq!(replica.head, world.head);
    assert_eq!(derived[1].body.receipts, blocks[1].body.receipts);
}

#[test]
fn rule_18_late_batch_yields_the_same_blocks() {
    let (_, mut replica, blocks, payload) = sequenced();
    let mut header = replica.header(Some(&payload), 2);
    header.l1_time += 20_000;
    header.l1_number += 1_000;
    assert_eq!(
        hashes(&replica.derive(&header, Some(&payload))),
        hashes(&blocks)
    );
}

#[test]
fn rule_18_time_out_of_bounds_is_clamped_and_transactions_survive() {
    let (world, replica, blocks, payload) = sequenced();
    for l1_time in [L1_TIME - 1_000, L1_TIME + 100_000] {
        let mut replica = replica.clone();
        let mut header = replica.header(Some(&payload), 2);
        header.l1_time = l1_time;
        let derived = replica.derive(&header, Some(&payload));
        assert_ne!(hashes(&derived), hashes(&blocks));
        let (low, high) = (l1_time.saturating_sub(86_400), l1_time + 300);
        for block in &derived {
            let time = block.header.header.timestamp;
            assert!(time >= low && time <= high.max(L1_TIME), "{time}");
        }
        assert_eq!(
            replica.state.slot(RECORDER, 0),
            world.state.slot(RECORDER, 0)
        );
    }
}

#[test]
fn rule_23_forced_batch_takes_the_time_of_its_entries() {
    let (_, mut replica, ..) = sequenced();
    let header = replica.header(None, 2);
    let derived = replica.derive(&header, None);
    assert_eq!(derived.len(), 1);
    assert_eq!(derived[0].header.header.timestamp, L1_TIME);
    assert_eq!(derived[0].body.deposits, 0..2);
    assert_eq!(replica.state.balance(STRANGER), eth(1));
}

#[test]
fn garbage_payload_still_consumes_the_queue() {
    let (_, replica, ..) = sequenced();
    for payload in [&[][..], &[0], &[1], &[1, 2, 3], &[9; 100]] {
        let mut replica = replica.clone();
        let header = replica.header(Some(payload), 2);
        let derived = replica.derive(&header, Some(payload));
        assert_eq!(derived.len(), 1);
        assert_eq!(replica.state.slot(RECORDER, 0), U256::from(5));
    }
}

#[test]
fn leftover_entries_close_the_batch() {
    let (_, mut replica, _, _) = sequenced();
    let alice = Account::new(1);
    let declared = PayloadBlock {
        timestamp: L1_TIME + 1,
        deposit_count: 1,
        transactions: vec![PayloadTx::Typed(alice.call(0, STRANGER, 1, Bytes::new()))],
    };
    let payload = compress(&Payload {
        blocks: vec![declared],
    });
    let header = replica.header(Some(&payload), 2);
    let derived = replica.derive(&header, Some(&payload));
    let ranges: Vec<_> = derived
        .iter()
        .map(|block| block.body.deposits.clone())
        .collect();
    assert_eq!(ranges, [0..1, 1..2]);
    assert_eq!(derived[1].header.header.timestamp, L1_TIME + 1);
}

#[test]
fn entries_beyond_the_block_gas_limit_go_into_further_blocks() {
    let mut world = World::new(&[]);
    for _ in 0..5 {
        let mut body = deposit(STRANGER, Some(RECORDER), U256::ZERO, U256::ZERO, word(1));
        if let trestle_protocol::EntryBody::Deposit(deposit) = &mut body {
            deposit.gas_limit = 20_000_000;
        }
        world.enqueue(body);
    }
    let header = world.header(None, 5);
    let derived = world.derive(&header, None);
    let ranges: Vec<_> = derived
        .iter()
        .map(|block| block.body.deposits.clone())
        .collect();
    assert_eq!(ranges, [0..2, 2..4, 4..5]);
}

#[test]
fn rule_19_block_without_anything_is_not_created() {
    let mut world = World::new(&[1]);
    let stale = PayloadTx::Raw(Bytes::from_static(&[0xc0]));
    let empty = PayloadBlock {
        timestamp: L1_TIME,
        deposit_count: 3,
        transactions: Vec::new(),
    };
    let skipped = PayloadBlock {
        transactions: vec![stale],
        ..empty
    };
    let payload = compress(&Payload {
        blocks: vec![empty, skipped],
    });
    let before = world.head.clone();
    let header = world.header(Some(&payload), 0);
    assert!(world.derive(&header, Some(&payload)).is_empty());
    assert_eq!(world.head, before);
}

#[test]
fn rule_19_work_beyond_the_budget_is_dropped() {
    let alice = Account::new(1);
    let mut world = World::new(&[1]);
    let transactions: Vec<_> = (0..18)
        .map(|nonce| PayloadTx::Typed(alice.call(nonce, STRANGER, 1, Bytes::new())))
        .collect();
    let block = |transactions| PayloadBlock {
        timestamp: L1_TIME,
        deposit_count: 0,
        transactions,
    };
    let payload = Payload {
        blocks: vec![
            block(transactions[..9].to_vec()),
            block(transactions[9..].to_vec()),
        ],
    };
    let columns = trestle_protocol::payload::encode_columns(&payload, world.config.l2_chain_id);
    // Room for the bytes, two blocks, and fifteen transactions and a bit.
    world.config.batch_work_budget = columns.len() as u64 + 100_000 + 15 * 21_000 - 5_000;
    let payload = compress(&payload);
    let header = world.header(Some(&payload), 0);
    let derived = world.derive(&header, Some(&payload));
    assert_eq!(world.state.nonce(alice.address), 15);
    assert_eq!(derived.len(), 2);
}

#[test]
fn known_blocks_are_confirmed_and_others_are_not() {
    let (_, replica, blocks, payload) = sequenced();
    let header = replica.header(Some(&payload), 2);
    let derivation = |payload| {
        Derivation::new(
            &replica.config,
            &header,
            replica.queue.clone(),
            Some(payload),
        )
    };
    let known = |block: &SealedBlock| {
        let mut before = 0;
        let gas = block.body.receipts.iter().map(|receipt| {
            let used = receipt.cumulative_gas_used() - before;
            before += used;
            used
        });
        gas.collect::<Vec<u64>>()
    };
    let confirm = |derivation: &mut Derivation, parent, block: &SealedBlock| {
        let gas_used = known(block);
        derivation.confirm(
            parent,
            KnownBlock {
                header: &block.header.header,
                transactions: &block.body.transactions,
                gas_used: &gas_used,
                deposits: &block.body.deposits,
            },
        )
    };
    let mut whole = derivation(&payload);
    assert!(confirm(&mut whole, &replica.head, &blocks[0]));
    assert!(!whole.is_used_up());
    assert!(confirm(&mut whole, &blocks[0].header, &blocks[1]));
    assert!(whole.is_used_up());
    assert!(!confirm(&mut derivation(&[1]), &replica.head, &blocks[0]));
    assert!(!confirm(
        &mut derivation(&payload),
        &blocks[0].header,
        &blocks[1]
    ));
    let mut other = blocks[0].clone();
    other.header.header.timestamp += 1;
    assert!(!confirm(&mut derivation(&payload), &replica.head, &other));
    let mut shorter = blocks[0].clone();
    shorter.body.transactions.clear();
    assert!(!confirm(&mut derivation(&payload), &replica.head, &shorter));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_have_one_result(bytes in proptest::collection::vec(any::<u8>(), 0..400), flip in any::<u16>()) {
        let (_, replica, _, payload) = sequenced();
        let mut mutated = payload;
        let at = usize::from(flip) % mutated.len();
        mutated[at] ^= (flip >> 8) as u8 | 1;
        for payload in [bytes, mutated] {
            let run = || {
                let mut replica = replica.clone();
                let header = replica.header(Some(&payload), 2);
                hashes(&replica.derive(&header, Some(&payload)))
            };
            prop_assert_eq!(run(), run());
        }
    }
}
