//! Batches whose payload or queue is unusual.

use alloy_primitives::{Address, Bytes};
use trestle_challenger::host::Payload;
use trestle_guest_tests::{
    Account, World, attributes, compress, deposit,
    inputs::{blobs_of, noise, zeros},
    typed,
};
use trestle_protocol::payload::{Payload as Blocks, PayloadBlock, PayloadTx};

fn calldata(bytes: impl Into<Bytes>) -> Payload {
    Payload::Calldata(bytes.into())
}

/// A batch must leave the chain as it was: its payload is empty.
fn assert_empty(world: &mut World, what: &str, content: Payload) {
    let before = *world.follower.newest();
    let (after, _) = world.prove(what, content);
    assert_eq!(after.output_root, before.output_root, "{what}");
}

fn one_transfer() -> Blocks {
    let tx = Account::new(0).call(0, Address::repeat_byte(9), 21_000, Bytes::new());
    Blocks {
        blocks: vec![PayloadBlock {
            timestamp: 0,
            deposit_count: 0,
            transactions: vec![PayloadTx::Typed(tx)],
        }],
    }
}

#[test]
fn payload_of_garbage_is_an_empty_batch_in_the_machine_too() {
    let mut world = World::new(0..1);
    assert_empty(&mut world, "no bytes", calldata(Bytes::new()));
    assert_empty(&mut world, "noise", calldata(noise(1, 5_000)));
    let mut versioned = noise(2, 5_000);
    versioned[0] = 1;
    assert_empty(&mut world, "noise after the version", calldata(versioned));
    let whole = compress(&one_transfer());
    for length in [1, 5, whole.len() / 2, whole.len() - 1] {
        assert_empty(&mut world, "truncated", calldata(whole[..length].to_vec()));
    }
    for at in [3, whole.len() / 2, whole.len() - 3] {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x40;
        world.prove("one bit flipped", calldata(flipped));
    }
    let trailing = [&whole[..], &[0]].concat();
    assert_empty(&mut world, "a byte after the end", calldata(trailing));
}

#[test]
fn payload_that_is_a_bomb_is_an_empty_batch_in_the_machine_too() {
    let mut world = World::new(0..1);
    assert_empty(
        &mut world,
        "at the cap, malformed",
        calldata(zeros(16_777_216)),
    );
    assert_empty(&mut world, "beyond the cap", calldata(zeros(16_777_217)));
}

#[test]
fn payload_of_empty_blocks_is_an_empty_batch_in_the_machine_too() {
    let mut world = World::new(0..1);
    let blocks = (0..4_096).map(|_| PayloadBlock::default()).collect();
    assert_empty(
        &mut world,
        "4,096 blocks",
        calldata(compress(&Blocks { blocks })),
    );
    let blocks = (0..4_097).map(|_| PayloadBlock::default()).collect();
    assert_empty(
        &mut world,
        "4,097 blocks",
        calldata(compress(&Blocks { blocks })),
    );
}

#[test]
fn payload_as_large_as_may_be_is_proven_as_derived() {
    let mut world = World::new(0..1);
    let tx = |nonce, length: usize| {
        let data = noise(nonce, length);
        Account::new(0).call(nonce, Address::repeat_byte(9), 5_000_000, data)
    };
    let payload = world.payload(vec![typed(vec![tx(0, 50_000)]), typed(vec![tx(1, 49_000)])]);
    let Payload::Calldata(bytes) = &payload else {
        panic!("calldata");
    };
    assert!((99_000..=100_000).contains(&bytes.len()), "{}", bytes.len());
    let (record, _) = world.prove("100,000 bytes", payload);
    assert_eq!(record.block_number, 2);
}

#[test]
fn batch_of_deposits_attributes_or_nothing_is_proven_as_derived() {
    let mut world = World::new(0..1);
    world.prove("forced, nothing", Payload::Forced);
    world.enqueue(attributes(1_000_000_000));
    let (record, _) = world.prove("attributes only", Payload::Forced);
    assert_eq!(record.block_number, 1);
    for seed in 0..5 {
        let from = Account::new(seed).address;
        world.enqueue(deposit(
            from,
            Some(Address::repeat_byte(8)),
            100_000,
            Bytes::new(),
        ));
    }
    world.enqueue(attributes(2_000_000_000));
    world.enqueue(attributes(3_000_000_000));
    let (record, _) = world.prove("deposits and two attributes, forced", Payload::Forced);
    assert_eq!(record.block_number, 2);
    world.enqueue(deposit(Address::ZERO, None, 100_000, Bytes::new()));
    let blocks = world.payload(vec![Vec::new()]);
    let (record, _) = world.prove("deposits only, declared", blocks);
    assert_eq!(record.block_number, 3);
}

#[test]
fn deposit_with_as_much_data_as_may_be_is_proven_as_derived() {
    let mut world = World::new(0..1);
    let data = Bytes::from(noise(3, 100_000));
    world.enqueue(deposit(
        Address::ZERO,
        Some(Address::repeat_byte(8)),
        46_900_000,
        data,
    ));
    let init = Bytes::from(noise(4, 49_152));
    world.enqueue(deposit(Address::ZERO, None, 46_900_000, init));
    let (record, _) = world.prove("largest data, largest creation", Payload::Forced);
    assert_eq!(record.block_number, 2, "they do not fit into one block");
}

#[test]
fn payload_in_blobs_is_proven_as_derived() {
    let mut world = World::new(0..1);
    let payload = compress(&one_transfer());
    let (record, _) = world.prove("one blob", Payload::Blobs(blobs_of(&payload)));
    assert_eq!(record.block_number, 1);
    let data = noise(5, 90_000);
    let tx = |nonce| Account::new(0).call(nonce, Address::repeat_byte(9), 5_000_000, data.clone());
    let blocks = vec![PayloadBlock {
        timestamp: 0,
        deposit_count: 0,
        transactions: typed(vec![tx(1), tx(2)]),
    }];
    let mut columns = compress(&Blocks { blocks });
    columns.extend(noise(6, 200_000));
    let blobs = blobs_of(&columns);
    assert!(blobs.len() >= 3, "{}", blobs.len());
    assert_empty(
        &mut world,
        "three blobs, trailing bytes",
        Payload::Blobs(blobs),
    );
    assert_empty(&mut world, "no blob", Payload::Blobs(Vec::new()));
    let mut blob = vec![0; 131_072];
    blob[0] = 1;
    assert_empty(
        &mut world,
        "an element's first byte",
        Payload::Blobs(vec![blob.into()]),
    );
}
