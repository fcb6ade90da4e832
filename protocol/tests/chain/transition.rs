//! The transition over preimages equals derivation over state, and a host that fails gives nothing.

use crate::world::{Account, L1_TIME, RECORDER, World, attributes, deposit, eth, payload_of, word};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use std::{cell::RefCell, collections::BTreeSet};
use trestle_protocol::{
    BatchHeader, CHUNK_BYTES, EntryBody, InputError, Preimages, TransitionError, TransitionInput,
    chunk_hashes, transition, trie::MissingNode,
};

/// Preimages of one batch, and which of them were read.
struct Host {
    known: crate::world::Nodes,
    read: RefCell<BTreeSet<B256>>,
}

impl Preimages for &Host {
    type Error = MissingNode;

    fn keccak(&mut self, hash: B256) -> Result<Bytes, MissingNode> {
        self.read.borrow_mut().insert(hash);
        self.known.0.get(&hash).cloned().ok_or(MissingNode(hash))
    }

    fn blob_element(&mut self, versioned_hash: B256, _: u32) -> Result<B256, MissingNode> {
        Err(MissingNode(versioned_hash))
    }
}

fn chunked(known: &mut crate::world::Nodes, data: &[u8]) {
    known.put(chunk_hashes(data));
    data.chunks(CHUNK_BYTES).for_each(|chunk| {
        known.put(chunk.to_vec());
    });
}

/// Everything that the hashes of a batch on `world` commit to.
fn host(world: &World, header: &BatchHeader, payload: Option<&[u8]>) -> Host {
    let mut known = world.nodes().clone();
    known.put(world.head.output().encode().to_vec());
    known.put(alloy_rlp::encode(&world.head.header));
    known.put([world.batch_acc, header.hash()].concat());
    known.put(header.encode());
    let mut before = B256::ZERO;
    for queued in &world.queue {
        known.put([before, queued.entry.hash()].concat());
        known.put(queued.entry.encode());
        if let EntryBody::Deposit(deposit) = &queued.entry.body {
            chunked(&mut known, &deposit.data);
        }
        before = queued.acc;
    }
    payload
        .into_iter()
        .for_each(|payload| chunked(&mut known, payload));
    Host {
        known,
        read: RefCell::default(),
    }
}

fn input(world: &World, header: &BatchHeader) -> TransitionInput {
    TransitionInput {
        config: world.config.clone(),
        output_before: world.head.output().root(),
        batch_acc_before: world.batch_acc,
        batch_acc_after: header.accumulate(world.batch_acc),
    }
}

/// A chain before a batch with transfers, calls, a creation and deposits, and the batch.
fn busy() -> (World, BatchHeader, Vec<u8>) {
    let alice = Account::new(1);
    let mut world = World::new(&[1, 2]);
    world.enqueue(attributes(1_000, 1));
    let data = Bytes::from(vec![3; 9_000]);
    let mut large = deposit(
        Address::repeat_byte(9),
        Some(RECORDER),
        eth(1),
        U256::ZERO,
        data,
    );
    if let EntryBody::Deposit(deposit) = &mut large {
        deposit.gas_limit = 1_000_000;
    }
    world.enqueue(large);
    let before = world.clone();
    let create = {
        let mut tx = crate::world::call(
            2,
            RECORDER,
            0,
            vec![0x60, 0x01, 0x5f, 0x53, 0x60, 0x01, 0x5f, 0xf3],
        );
        tx.to = alloy_primitives::TxKind::Create;
        alice.sign(tx)
    };
    let txs = [
        alice.call(0, RECORDER, 0, word(9)),
        alice.call(1, RECORDER, 0, word(0)),
        create,
    ];
    let first = world.build(L1_TIME, 2, &txs);
    let second = world.build(
        L1_TIME + 1,
        0,
        &[Account::new(2).call(0, alice.address, 7, Bytes::new())],
    );
    let payload = payload_of(&[first, second]);
    let header = before.header(Some(&payload), 2);
    (before, header, payload)
}

#[test]
fn transition_equals_derivation() {
    let (mut world, header, payload) = busy();
    let host = host(&world, &header, Some(&payload));
    let got = transition(&input(&world, &header), &host).unwrap();
    assert_eq!(world.derive(&header, Some(&payload)).len(), 2);
    assert_eq!(got, world.head.output().root());
}

#[test]
fn transition_of_forced_and_of_garbage_batches_equals_derivation() {
    let (world, ..) = busy();
    for payload in [None, Some(&[][..]), Some(&[7u8; 5_000][..])] {
        let mut world = world.clone();
        let header = world.header(payload, 2);
        let host = host(&world, &header, payload);
        let got = transition(&input(&world, &header), &host).unwrap();
        world.derive(&header, payload);
        assert_eq!(got, world.head.output().root());
    }
}

#[test]
fn transition_of_an_empty_batch_keeps_the_output() {
    let (world, ..) = busy();
    let header = world.header(Some(&[]), 0);
    let host = host(&world, &header, Some(&[]));
    let got = transition(&input(&world, &header), &host).unwrap();
    assert_eq!(got, world.head.output().root());
}

#[test]
fn every_preimage_read_is_needed_and_checked() {
    let (world, header, payload) = busy();
    let host = host(&world, &header, Some(&payload));
    let input = input(&world, &header);
    transition(&input, &host).unwrap();
    let read = host.read.borrow().clone();
    assert!(read.len() > 15, "{}", read.len());
    for hash in read {
        let mut poor = Host {
            known: host.known.clone(),
            read: RefCell::default(),
        };
        let bytes = poor.known.0.remove(&hash).unwrap();
        assert!(transition(&input, &poor).is_err(), "without {hash}");
        let lie = [&bytes[..], &[1]].concat();
        poor.known.0.insert(hash, lie.clone().into());
        let error = transition(&input, &poor).unwrap_err();
        assert!(
            error.to_string().contains(&keccak256(&lie).to_string()),
            "{error}"
        );
    }
}

#[test]
fn accumulators_that_are_not_one_batch_apart_are_refused() {
    let (world, header, payload) = busy();
    let host = host(&world, &header, Some(&payload));
    let mut input = input(&world, &header);
    input.batch_acc_before = B256::repeat_byte(1);
    let error = transition(&input, &host).unwrap_err();
    assert!(
        matches!(error, TransitionError::Accumulator { .. }),
        "{error}"
    );
    input.output_before = B256::repeat_byte(1);
    let error = transition(&input, &host).unwrap_err();
    assert!(
        matches!(error, TransitionError::Input(InputError::Missing(_))),
        "{error}"
    );
}
