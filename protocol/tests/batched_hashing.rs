//! Hashing level by level and all tries together, against hashing node by node: the same roots,
//! the same changes, over random histories.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "common/keys.rs"]
mod keys;
#[path = "common/store.rs"]
mod store;

use alloy_primitives::{Address, B256, U256, keccak256};
use keys::key;
use proptest::prelude::*;
use std::{cell::Cell, collections::BTreeMap};
use store::Store;
use trestle_protocol::{
    AccountChange, AccountInfo, StateDiff, predeploys,
    trie::{EMPTY_ROOT_HASH, StateTrie, Trie},
};

fn one_by_one(inputs: &[&[u8]]) -> Vec<B256> {
    inputs.iter().map(keccak256).collect()
}

/// An empty value removes the key.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => Just(Vec::new()),
        3 => prop::collection::vec(any::<u8>(), 1..4),
        2 => prop::collection::vec(any::<u8>(), 1..120),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn tries_after_random_operations_have_the_same_root_and_changes(
        blocks in prop::collection::vec(prop::collection::vec((key(), value()), 1..40), 1..8),
        max_nodes in 0_usize..60,
    ) {
        let mut store = Store::default();
        let mut single = Trie::new(None, EMPTY_ROOT_HASH);
        let mut batched = Trie::new(None, EMPTY_ROOT_HASH);
        let mut blind = Trie::untracked(None, EMPTY_ROOT_HASH);
        let mut keys = Vec::new();
        let clear = |keys: &[B256]| keys.iter().map(|key| (*key, Vec::new())).collect();
        for (index, block) in blocks.iter().enumerate() {
            // At last every key is removed.
            let block = if index + 1 == blocks.len() { clear(&keys) } else { block.clone() };
            for (key, value) in block {
                single.insert(key, value.clone(), &mut store).unwrap();
                batched.insert(key, value.clone(), &mut store).unwrap();
                blind.insert(key, value, &mut store).unwrap();
                keys.push(key);
            }
            prop_assert_eq!(batched.root_with(&one_by_one), single.root());
            prop_assert_eq!(blind.root_with(&one_by_one), single.root());
            prop_assert_eq!(batched.node_count(), single.node_count());
            if index % 3 == 1 {
                continue;
            }
            let changes = single.take_changes();
            prop_assert_eq!(&batched.take_changes(), &changes);
            store.write(None, changes);
            single.prune(max_nodes);
            batched.prune(max_nodes);
            prop_assert_eq!(batched.node_count(), single.node_count());
        }
        prop_assert_eq!(batched.root(), EMPTY_ROOT_HASH);
    }
}

/// Numbers that look random and are the same in every run of one seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

/// The slots of each account there is that are not zero.
type Model = BTreeMap<Address, BTreeMap<U256, U256>>;

/// Accounts of 0 to 39, mostly few slots each, often deleted; what EIP-6780 rules out is left out.
fn block(dice: &mut Dice, model: &mut Model) -> StateDiff {
    let mut accounts = BTreeMap::new();
    for _ in 0..=dice.below(25) {
        let address = match dice.below(40) {
            0 => predeploys::MESSAGE_PASSER,
            n => Address::repeat_byte(n.to_be_bytes()[7]),
        };
        let change = change(dice, model.get(&address));
        match &change.info {
            None => drop(model.remove(&address)),
            Some(_) => {
                let slots = model.entry(address).or_default();
                slots.extend(change.storage.clone());
                slots.retain(|_, value| !value.is_zero());
            }
        }
        // A second change of an account replaces the first, of which slots must not be lost.
        let storage = accounts
            .remove(&address)
            .map_or_else(BTreeMap::new, |before: AccountChange| before.storage);
        let mut change = change;
        let newer = core::mem::replace(&mut change.storage, storage);
        change.storage.extend(newer);
        accounts.insert(address, change);
    }
    StateDiff {
        accounts,
        ..Default::default()
    }
}

fn change(dice: &mut Dice, slots: Option<&BTreeMap<U256, U256>>) -> AccountChange {
    let is_empty = slots.is_none_or(BTreeMap::is_empty);
    if is_empty && dice.below(4) == 0 {
        return AccountChange::default();
    }
    let mut storage = BTreeMap::new();
    if dice.below(6) == 0 {
        let all = slots.into_iter().flatten();
        storage.extend(all.map(|(slot, _)| (*slot, U256::ZERO)));
    } else {
        for _ in 0..dice.below(12) {
            let value = match dice.below(4) {
                0 => U256::ZERO,
                1 => U256::MAX,
                _ => U256::from(dice.below(300)),
            };
            storage.insert(U256::from(dice.below(60)), value);
        }
    }
    let info = AccountInfo {
        nonce: dice.below(1000),
        balance: U256::from(dice.below(1 << 30)),
        ..Default::default()
    };
    AccountChange {
        info: Some(info),
        storage,
    }
}

#[test]
fn states_over_thousands_of_blocks_have_the_same_roots_and_changes() {
    for seed in 0..8 {
        let (mut dice, mut model) = (Dice(seed), Model::new());
        let mut store = Store::default();
        let mut single = StateTrie::new(EMPTY_ROOT_HASH);
        let mut batched = StateTrie::new(EMPTY_ROOT_HASH);
        let mut deleted = 0;
        for number in 0..500 {
            let diff = block(&mut dice, &mut model);
            deleted += diff
                .accounts
                .values()
                .filter(|one| one.info.is_none())
                .count();
            single.apply(&diff, &mut store).unwrap();
            batched.apply_with(&diff, &mut store, &one_by_one).unwrap();
            let roots = single.roots(&mut store).unwrap();
            let others = batched.roots_with(&mut store, &one_by_one).unwrap();
            assert_eq!(others, roots, "seed {seed}, block {number}");
            let changes = single.take_changes();
            assert_eq!(
                batched.take_changes(),
                changes,
                "seed {seed}, block {number}"
            );
            store.write_state(changes);
            let bound = [usize::MAX, 300, 0][number % 3];
            single.prune(bound);
            batched.prune(bound);
            assert_eq!(batched.node_count(), single.node_count());
        }
        assert!(deleted > 100, "{deleted} accounts deleted");
    }
}

/// More nodes in a level, and more accounts in a block, than are hashed at a time.
#[test]
fn states_after_blocks_of_a_thousand_accounts_have_the_same_roots_and_changes() {
    let (mut dice, mut store) = (Dice(10), Store::default());
    let mut single = StateTrie::new(EMPTY_ROOT_HASH);
    let mut batched = StateTrie::new(EMPTY_ROOT_HASH);
    for number in 0..8 {
        let mut diff = StateDiff::default();
        for _ in 0..1500 {
            let account = dice.below(3000);
            let change = match account % 3 {
                0 => change(&mut dice, Some(&BTreeMap::new())),
                _ => AccountChange::default(),
            };
            // A third has storage and stays; of the others half are deleted, and made again.
            let info = (account % 3 == 0 || dice.below(2) == 0).then(|| AccountInfo {
                nonce: dice.below(1000),
                ..Default::default()
            });
            let address = Address::left_padding_from(&account.to_be_bytes());
            diff.accounts
                .insert(address, AccountChange { info, ..change });
        }
        single.apply(&diff, &mut store).unwrap();
        batched.apply_with(&diff, &mut store, &one_by_one).unwrap();
        let roots = single.roots(&mut store).unwrap();
        let others = batched.roots_with(&mut store, &one_by_one).unwrap();
        assert_eq!(others, roots, "block {number}");
        let changes = single.take_changes();
        assert!(changes.accounts.nodes.len() > 1000);
        assert_eq!(batched.take_changes(), changes, "block {number}");
        store.write_state(changes);
    }
}

#[test]
fn nodes_of_many_tries_are_hashed_together() {
    let accounts = (1..=200_u8).map(|n| {
        let storage = BTreeMap::from([(U256::from(1), U256::from(n))]);
        let info = Some(AccountInfo::default());
        (Address::repeat_byte(n), AccountChange { info, storage })
    });
    let diff = StateDiff {
        accounts: accounts.collect(),
        ..Default::default()
    };
    let calls = Cell::new(0);
    let hash = |inputs: &[&[u8]]| {
        calls.set(calls.get() + 1);
        one_by_one(inputs)
    };
    let mut store = Store::default();
    let mut trie = StateTrie::new(EMPTY_ROOT_HASH);
    trie.apply_with(&diff, &mut store, &hash).unwrap();
    assert!(calls.take() <= 2, "200 storage tries of one node each");
    let roots = trie.roots_with(&mut store, &hash).unwrap();
    assert!(
        calls.take() <= 7,
        "a call or two for each level of accounts"
    );
    let mut single = StateTrie::new(EMPTY_ROOT_HASH);
    single.apply(&diff, &mut store).unwrap();
    assert_eq!(single.roots(&mut store).unwrap(), roots);
}

#[test]
fn hasher_that_answers_too_little_is_made_good() {
    let mut none = Store::default();
    let mut trie = Trie::new(None, EMPTY_ROOT_HASH);
    let mut single = Trie::new(None, EMPTY_ROOT_HASH);
    for n in 0..100_u64 {
        let key = keccak256(n.to_be_bytes());
        trie.insert(key, key.to_vec(), &mut none).unwrap();
        single.insert(key, key.to_vec(), &mut none).unwrap();
    }
    let lazy = |inputs: &[&[u8]]| inputs.iter().take(3).map(keccak256).collect();
    assert_eq!(trie.root_with(&lazy), single.root());
}

#[test]
fn state_diff_applied_again_after_a_failed_read_gives_the_same_root() {
    let (mut dice, mut model) = (Dice(9), Model::new());
    let mut store = Store::default();
    let mut trie = StateTrie::new(EMPTY_ROOT_HASH);
    for _ in 0..20 {
        let diff = block(&mut dice, &mut model);
        trie.apply(&diff, &mut store).unwrap();
    }
    let root = trie.root();
    store.write_state(trie.take_changes());
    let next = block(&mut dice, &mut model);
    trie.apply(&next, &mut store).unwrap();
    let expected = (trie.root(), trie.take_changes());
    for reads in 0..10_000 {
        let mut trie = StateTrie::new(root);
        store.reads_left = Some(reads);
        let result = trie.apply_with(&next, &mut store, &one_by_one);
        store.reads_left = None;
        if result.is_ok() {
            assert!(reads > 20, "the source was asked only {reads} times");
            return;
        }
        trie.apply_with(&next, &mut store, &one_by_one).unwrap();
        let roots = trie.roots_with(&mut store, &one_by_one).unwrap();
        assert_eq!(roots.state, expected.0);
        assert_eq!(trie.take_changes(), expected.1);
    }
    panic!("it never succeeded");
}
