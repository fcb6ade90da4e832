//! Many accounts that come and go, so that the trie is deep, then shallow, and its nodes change their kinds.

use super::chain::config;
use crate::store::{
    Snapshot, Store,
    packed::{pack, unpack},
};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, sync::Arc};
use trestle_protocol::{
    AccountChange, AccountInfo, Body, SealedBlock, SealedHeader, StateDiff,
    trie::{EMPTY_ROOT_HASH, HashChecked, StateTrie},
};

/// Accounts that there may be: some share four nibbles of their hashes, so that there are leaves below five.
const CROWD: u64 = 4_000;
const BLOCKS: usize = 60;

type Accounts = BTreeMap<Address, AccountInfo>;

fn address(n: u64) -> Address {
    Address::from_word(keccak256(n.to_be_bytes()))
}

/// What a block changes: few accounts, or most of them, made or removed.
fn changes(rng: &mut StdRng, accounts: &Accounts) -> StateDiff {
    let (from, count) = match rng.random_range(0..4) {
        0 => (0, CROWD),
        1 => (rng.random_range(0..CROWD), 200),
        _ => (rng.random_range(0..CROWD), 3),
    };
    let share = [0, 1, 50, 99, 100][rng.random_range(0..5)];
    let mut diff = StateDiff::default();
    for who in (from..from + count).map(|n| address(n % CROWD)) {
        let is_there = rng.random_ratio(share, 100);
        if !is_there && !accounts.contains_key(&who) {
            continue;
        }
        let info = is_there.then(|| AccountInfo {
            balance: U256::from(rng.random_range(0..3)),
            code_hash: [KECCAK256_EMPTY, B256::repeat_byte(7)][rng.random_range(0..10) / 9],
            ..AccountInfo::default()
        });
        let storage = BTreeMap::default();
        diff.accounts.insert(who, AccountChange { info, storage });
    }
    diff
}

fn apply(accounts: &mut Accounts, diff: &StateDiff) {
    for (who, change) in &diff.accounts {
        match change.info {
            Some(info) => accounts.insert(*who, info),
            None => accounts.remove(who),
        };
    }
}

fn seal(number: u64, parent_hash: B256, state_root: B256, diff: StateDiff) -> Arc<SealedBlock> {
    let header = Header {
        number,
        parent_hash,
        state_root,
        ..Header::default()
    };
    Arc::new(SealedBlock {
        header: SealedHeader::new(header),
        body: Body {
            transactions: Vec::new(),
            senders: Vec::new(),
            receipts: Vec::new(),
            deposits: 0..0,
        },
        diff,
    })
}

/// Puts a block with these changes on top.
fn extend(store: &Store, diff: StateDiff) {
    let snapshot = store.sequenced().unwrap();
    let head = snapshot.head();
    let root = snapshot.header(head.number).unwrap().unwrap();
    let mut trie = StateTrie::new(root.header.state_root);
    trie.apply(&diff, &mut snapshot.state_at(head.number).unwrap())
        .unwrap();
    let block = seal(head.number + 1, head.hash, trie.root(), diff);
    let ticket = store.append(block, trie.take_changes()).unwrap();
    ticket.wait().unwrap();
}

/// Every account after a block, one of a few accounts only where `step` is greater than 1.
fn check(snapshot: &Snapshot, number: usize, accounts: &Accounts, step: usize) {
    let number = number as u64;
    let state = snapshot.state_at(number).unwrap();
    let root = snapshot.header(number).unwrap().unwrap().header.state_root;
    let mut trie = StateTrie::new(root);
    let mut nodes = HashChecked(snapshot.nodes_at(number).unwrap());
    for who in (0..CROWD).step_by(step).map(address) {
        let expected = accounts.get(&who).copied();
        assert_eq!(state.account(&who).unwrap(), expected, "at {number}");
        let leaf = trie.account(who, &mut nodes).unwrap();
        let leaf = leaf.map(|account| (account.balance, account.code_hash));
        let expected = expected.map(|info| (info.balance, info.code_hash));
        assert_eq!(leaf, expected, "at {number}");
    }
}

/// The table keeps nodes as short as it can.
fn check_size(store: &Store) {
    let tx = store.core.db.read().unwrap();
    let mut cursor = tx.cursor(store.core.db.tables.nodes).unwrap();
    let mut next = cursor.first::<Vec<u8>, Vec<u8>>().unwrap();
    while let Some((_, kept)) = next {
        let rlp = unpack((&*kept).into()).unwrap();
        assert_eq!(pack(&rlp), kept);
        next = cursor.next().unwrap();
    }
}

#[test]
fn accounts_are_found_in_the_leaves_however_many_there_are() {
    for seed in 0..2 {
        let mut rng = StdRng::seed_from_u64(seed);
        let dir = tempfile::tempdir().unwrap();
        let genesis = StateDiff::default();
        let genesis = seal(0, B256::ZERO, EMPTY_ROOT_HASH, genesis);
        let store = Store::open(config(dir.path(), &genesis)).unwrap();
        let mut worlds = vec![Accounts::new()];
        for _ in 0..BLOCKS {
            let mut accounts = worlds.last().unwrap().clone();
            let diff = changes(&mut rng, &accounts);
            apply(&mut accounts, &diff);
            extend(&store, diff);
            worlds.push(accounts);
            if rng.random_ratio(1, 3) {
                store.fold().unwrap();
                check(
                    &store.durable().unwrap(),
                    worlds.len() - 1,
                    &worlds[worlds.len() - 1],
                    1,
                );
            }
            if rng.random_ratio(1, 8) {
                let to = worlds.len() - 1 - rng.random_range(0..4.min(worlds.len()));
                store.unwind(to as u64).unwrap();
                worlds.truncate(to + 1);
            }
            let past = rng.random_range(0..worlds.len());
            check(&store.sequenced().unwrap(), past, &worlds[past], 37);
        }
        drop(store);
        let store = Store::open(config(dir.path(), &genesis)).unwrap();
        store.fold().unwrap();
        check_size(&store);
        for (number, accounts) in worlds.iter().enumerate() {
            check(&store.sequenced().unwrap(), number, accounts, 7);
        }
    }
}
