//! Round trips, damage of every kind, and forgeries under a right hash.

use super::{Hashing, SnapshotError, restore_snapshot};
use crate::store::{
    Identity, Store,
    tests::chain::{Chain, append, config},
};
use alloy_eips::eip2718::Encodable2718;
use std::io::{Read, Write};
use tempfile::TempDir;

const BLOCKS: u64 = 8;

/// A snapshot of a short chain, and the chain.
fn snapshot() -> (Chain, Vec<u8>, Identity) {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let settings = config(dir.path(), chain.genesis());
    let identity = settings.identity;
    let store = Store::open(settings).unwrap();
    for seed in 1..=BLOCKS {
        let block = chain.extend(seed);
        append(&store, &block).unwrap();
    }
    let mut file = Vec::new();
    let head = store.write_snapshot(&identity, &mut file).unwrap();
    assert_eq!(head.number, BLOCKS);
    (chain, file, identity)
}

fn restore(file: &[u8], identity: &Identity) -> (TempDir, Result<u64, SnapshotError>) {
    let dir = tempfile::tempdir().unwrap();
    let restored = restore_snapshot(&dir.path().join("data"), identity, file);
    (dir, restored.map(|head| head.number))
}

#[test]
fn restored_store_has_the_same_blocks_and_state_and_goes_on() {
    let (mut chain, file, identity) = snapshot();
    let (dir, restored) = restore(&file, &identity);
    assert_eq!(restored.unwrap(), BLOCKS);
    let store = Store::open(config(&dir.path().join("data"), chain.genesis())).unwrap();
    let snapshot = store.durable().unwrap();
    for number in 0..=BLOCKS {
        let block = chain.block(number);
        assert_eq!(
            snapshot.header(number).unwrap().unwrap().hash,
            block.header.hash
        );
        let body = snapshot.body(number).unwrap().unwrap();
        assert_eq!(body.transactions, block.body.transactions);
        assert_eq!(body.receipts, block.body.receipts);
        assert_eq!(body.senders, block.body.senders);
        for transaction in &block.body.transactions {
            let place = snapshot.transaction(&transaction.tx_hash()).unwrap();
            assert_eq!(place.map(|(number, _)| number), Some(number));
        }
    }
    drop(snapshot);
    // Trie, flat state and history serve: a block on top, and back below the snapshot's head.
    let block = chain.extend(99);
    append(&store, &block).unwrap();
    store.fold().unwrap();
    store.unwind(3).unwrap();
    assert_eq!(store.head().number, 3);
    assert_eq!(store.head().hash, chain.block(3).header.hash);
}

#[test]
fn truncated_snapshot_is_refused_at_every_length() {
    let (_, file, identity) = snapshot();
    for end in (0..file.len()).step_by(file.len() / 40 + 1) {
        let (_dir, restored) = restore(&file[..end], &identity);
        assert!(restored.is_err(), "{end} of {} bytes", file.len());
    }
}

#[test]
fn snapshot_with_a_flipped_bit_is_refused_anywhere() {
    let (_, file, identity) = snapshot();
    for at in (0..file.len()).step_by(file.len() / 60 + 1) {
        let mut changed = file.clone();
        changed[at] ^= 0x10;
        let (_dir, restored) = restore(&changed, &identity);
        assert!(restored.is_err(), "byte {at}");
    }
}

#[test]
fn snapshot_of_another_chain_is_refused() {
    let (_, file, mut identity) = snapshot();
    identity.l2_chain_id += 1;
    let (_dir, restored) = restore(&file, &identity);
    assert!(matches!(restored, Err(SnapshotError::OtherChain { .. })));
}

/// The content, changed by `forge` and under its right hash again.
fn forged(file: &[u8], forge: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut content = Vec::new();
    zstd::Decoder::new(file)
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    content.truncate(content.len() - 32);
    forge(&mut content);
    let mut out = Hashing::new(zstd::Encoder::new(Vec::new(), 1).unwrap());
    out.write_all(&content).unwrap();
    let hash = out.hash();
    out.write_all(hash.as_slice()).unwrap();
    out.inner.finish().unwrap()
}

/// Place of the first entry of a table: of its value's last byte.
fn last_byte_of_first_value(content: &[u8], table: &str) -> usize {
    let head = [
        &[1, u8::try_from(table.len()).unwrap()],
        table.as_bytes(),
        &[2],
    ]
    .concat();
    let at = content
        .windows(head.len())
        .position(|window| window == head)
        .unwrap()
        + head.len();
    let length = |at: usize| {
        let bytes = <[u8; 4]>::try_from(&content[at..at + 4]).unwrap();
        usize::try_from(u32::from_be_bytes(bytes)).unwrap()
    };
    at + 8 + length(at) + length(at + 4) - 1
}

#[test]
fn forgery_under_a_right_hash_is_refused_by_what_the_headers_commit_to() {
    let (_, file, identity) = snapshot();
    let same = forged(&file, |_| ());
    assert_eq!(
        restore(&same, &identity).1.unwrap(),
        BLOCKS,
        "the forger's tools work"
    );
    for (table, words) in [
        ("headers", "contradicts itself"),
        ("receipts", ""),
        ("accounts", "state of block 8"),
        ("storage", "state of block 8"),
        ("codes", "state of block 8"),
    ] {
        let changed = forged(&file, |content| {
            let at = last_byte_of_first_value(content, table);
            content[at] ^= 1;
        });
        let (_dir, restored) = restore(&changed, &identity);
        let refused = restored.unwrap_err().to_string();
        assert!(refused.contains(words), "{table}: {refused}");
    }

    let chain = snapshot().0;
    let transaction = chain
        .block(BLOCKS - 1)
        .body
        .transactions
        .last()
        .unwrap()
        .encoded_2718();
    let changed = forged(&file, |content| {
        let found = content
            .windows(transaction.len())
            .position(|bytes| bytes == transaction);
        content[found.unwrap() + transaction.len() - 1] ^= 1;
    });
    let refused = restore(&changed, &identity).1.unwrap_err().to_string();
    assert!(
        refused.contains("list of transactions of block 7"),
        "{refused}"
    );
}
