//! Round trips, damage of every kind, and forgeries under a right hash.

use super::{ENTRY, Hashing, SnapshotError, TABLE, restore_snapshot};
use crate::store::{
    Identity, Store,
    tests::chain::{Chain, append, config},
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::KECCAK256_EMPTY;
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

/// What a file is when it is decompressed, if it can be.
fn content_of(file: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    zstd::Decoder::new(file)
        .and_then(|mut decoder| decoder.read_to_end(&mut content))
        .ok()?;
    Some(content)
}

#[test]
fn snapshot_with_a_flipped_bit_is_refused_anywhere() {
    let (_, file, identity) = snapshot();
    let (content, mut refused) = (content_of(&file), 0);
    for at in (0..file.len()).step_by(file.len() / 60 + 1) {
        let mut changed = file.clone();
        changed[at] ^= 0x10;
        // A repetition may be told by another place where the same bytes are: then nothing is damaged.
        if content_of(&changed) != content {
            let (_dir, restored) = restore(&changed, &identity);
            assert!(restored.is_err(), "byte {at}");
            refused += 1;
        }
    }
    assert!(refused > 50, "{refused}");
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
    let mut content = content_of(file).unwrap();
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

/// A snapshot's content with the accounts' values as the version before had them, and how many were otherwise.
fn as_before(content: &[u8]) -> (Vec<u8>, usize) {
    let mut out = content[..8].to_vec();
    out.extend(1u32.to_be_bytes());
    let (start, mut changed, mut is_account) = (12 + Identity::LEN + 40, 0, false);
    out.extend(&content[12..start]);
    let mut rest = &content[start..];
    while let [tag, after @ ..] = rest {
        out.push(*tag);
        rest = after;
        match *tag {
            TABLE => {
                let (name, after) = rest[1..].split_at(usize::from(rest[0]));
                is_account = name.starts_with(b"account");
                out.push(rest[0]);
                out.extend(name);
                rest = after;
            }
            ENTRY => {
                let length = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap());
                let (key, value) = (length(0) as usize, length(4) as usize);
                let (entry, after) = rest[8..].split_at(key + value);
                let (key, value) = entry.split_at(key);
                let mut value = value.to_vec();
                if is_account && (1..40).contains(&value.len()) {
                    value.splice(8..8, KECCAK256_EMPTY.0);
                    changed += 1;
                }
                for bytes in [key, &value] {
                    out.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
                }
                out.extend([key, &value].concat());
                rest = after;
            }
            _ => {}
        }
    }
    (out, changed)
}

#[test]
fn snapshot_of_the_version_before_is_restored_and_of_no_other() {
    let (mut chain, file, identity) = snapshot();
    let before = forged(&file, |content| {
        let (older, changed) = as_before(content);
        assert!(changed > 10, "{changed}");
        *content = older;
    });
    let (dir, restored) = restore(&before, &identity);
    assert_eq!(restored.unwrap(), BLOCKS);
    let store = Store::open(config(&dir.path().join("data"), chain.genesis())).unwrap();
    let block = chain.extend(99);
    append(&store, &block).unwrap();
    store.fold().unwrap();
    store.unwind(3).unwrap();
    assert_eq!(store.head().hash, chain.block(3).header.hash);
    for version in [0u32, 3] {
        let other = forged(&file, |content| {
            content[8..12].copy_from_slice(&version.to_be_bytes());
        });
        let refused = restore(&other, &identity).1;
        assert!(matches!(refused, Err(SnapshotError::Foreign)), "{version}");
    }
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
