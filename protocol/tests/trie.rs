//! The trie against an independent judge: alloy's hash builder and proof verifier, and a map.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "common/keys.rs"]
mod keys;
#[path = "common/store.rs"]
mod store;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256, map::HashMap};
use alloy_trie::{HashBuilder, Nibbles, TrieAccount, proof::verify_proof as judge_proof};
use keys::key;
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{Store, Unavailable};
use trestle_protocol::{
    AccountChange, AccountInfo, StateDiff,
    trie::{
        EMPTY_ROOT_HASH, HashChecked, HashCheckedError, NodeSource, NodesByHash, StateTrie,
        StateTrieChanges, Trie, TrieError, Turn, hash_address, hash_slot, verify_account_proof,
        verify_proof, verify_storage_proof,
    },
};

type Model = BTreeMap<B256, Vec<u8>>;

fn judge_root(model: &Model) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in model {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root()
}

/// The nodes of `model` as a trie that never held anything else stores them.
fn store_from_scratch(model: &Model) -> Store {
    let mut store = Store::default();
    let mut trie = Trie::new(None, EMPTY_ROOT_HASH);
    for (key, value) in model {
        trie.insert(*key, value.clone(), &mut store).unwrap();
    }
    store.write(None, trie.take_changes());
    store
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 1..4),
        prop::collection::vec(any::<u8>(), 1..120),
    ]
}

#[derive(Debug, Clone)]
enum Op {
    Insert(B256, Vec<u8>),
    Remove(B256),
    RemoveNth(usize),
    Commit,
    Root,
    Prune(usize),
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => (key(), value()).prop_map(|(key, value)| Op::Insert(key, value)),
        2 => key().prop_map(Op::Remove),
        7 => any::<prop::sample::Index>().prop_map(|index| Op::RemoveNth(index.index(1000))),
        2 => Just(Op::Commit),
        1 => Just(Op::Root),
        1 => (0_usize..60).prop_map(Op::Prune),
        1 => Just(Op::Reopen),
    ]
}

/// A trie, its store and the map that they must equal.
struct Bench {
    trie: Trie,
    store: Store,
    model: Model,
}

impl Bench {
    fn new() -> Self {
        let trie = Trie::new(None, EMPTY_ROOT_HASH);
        Self {
            trie,
            store: Store::default(),
            model: Model::new(),
        }
    }

    fn commit(&mut self) {
        assert_eq!(self.trie.root(), judge_root(&self.model));
        self.store.write(None, self.trie.take_changes());
        assert_eq!(
            self.store,
            store_from_scratch(&self.model),
            "stale or missing nodes"
        );
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Insert(key, value) => {
                self.trie
                    .insert(key, value.clone(), &mut self.store)
                    .unwrap();
                self.model.insert(key, value);
            }
            Op::Remove(key) => {
                let was_there = self.trie.remove(key, &mut self.store).unwrap();
                assert_eq!(was_there, self.model.remove(&key).is_some());
            }
            Op::RemoveNth(n) => {
                let nth = self.model.keys().nth(n % self.model.len().max(1)).copied();
                if let Some(key) = nth {
                    self.run(Op::Remove(key));
                }
            }
            Op::Root => assert_eq!(self.trie.root(), judge_root(&self.model)),
            Op::Commit => self.commit(),
            Op::Prune(max) => {
                self.trie.prune(max);
                self.commit();
                self.trie.prune(max);
            }
            Op::Reopen => {
                self.commit();
                self.trie = Trie::new(None, self.trie.root());
            }
        }
    }

    fn check_reads(&mut self, keys: &[B256]) {
        for key in keys
            .iter()
            .chain(&self.model.keys().copied().collect::<Vec<_>>())
        {
            let got = self.trie.get(*key, &mut self.store).unwrap();
            assert_eq!(got, self.model.get(key).map(Vec::as_slice));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn trie_after_random_operations_equals_judge_map_and_store(
        ops in prop::collection::vec(op(), 1..120),
        others in prop::collection::vec(key(), 5),
    ) {
        let mut bench = Bench::new();
        for op in ops {
            bench.run(op);
        }
        bench.check_reads(&others);
        bench.run(Op::Reopen);
        bench.check_reads(&others);
        let keys: Vec<_> = bench.model.keys().copied().collect();
        for key in keys {
            bench.run(Op::Remove(key));
        }
        bench.commit();
        prop_assert_eq!(bench.trie.root(), EMPTY_ROOT_HASH);
        prop_assert!(bench.store.nodes.is_empty());
    }

    #[test]
    fn proofs_of_present_and_absent_keys_satisfy_the_judge(
        entries in prop::collection::btree_map(key(), value(), 0..40),
        others in prop::collection::vec(key(), 10),
        flip in any::<prop::sample::Index>(),
    ) {
        let mut store = store_from_scratch(&entries);
        let root = judge_root(&entries);
        let mut trie = Trie::new(None, root);
        for key in entries.keys().chain(&others) {
            let proof = trie.proof(*key, &mut store).unwrap();
            let expected = entries.get(key).cloned();
            judge_proof(root, Nibbles::unpack(key), expected.clone(), &proof).unwrap();
            prop_assert_eq!(verify_proof(root, *key, &proof).unwrap(), expected);
            if let Some(last) = proof.last() {
                let mut forged = proof.clone();
                let mut bytes = last.to_vec();
                let at = flip.index(bytes.len());
                bytes[at] ^= 1;
                *forged.last_mut().unwrap() = bytes.into();
                prop_assert!(verify_proof(root, *key, &forged).is_err());
                prop_assert!(verify_proof(root, *key, &proof[1..]).is_err());
            }
        }
    }

    #[test]
    fn source_that_fails_leaves_the_trie_as_it_was(
        entries in prop::collection::btree_map(key(), value(), 2..40),
        ops in prop::collection::vec(op(), 1..20),
        reads in 0_usize..6,
    ) {
        let store = store_from_scratch(&entries);
        let trie = Trie::new(None, judge_root(&entries));
        let mut bench = Bench { trie, store, model: entries };
        for op in ops {
            bench.store.reads_left = Some(reads);
            let key = match &op {
                Op::Insert(key, value) => {
                    let _ = bench.trie.insert(*key, value.clone(), &mut bench.store)
                        .map(|()| bench.model.insert(*key, value.clone()));
                    *key
                }
                Op::Remove(key) => {
                    let _ = bench.trie.remove(*key, &mut bench.store)
                        .map(|_| bench.model.remove(key));
                    *key
                }
                Op::RemoveNth(n) => {
                    let Some(key) = bench.model.keys().nth(n % bench.model.len().max(1)).copied()
                    else { continue };
                    let _ = bench.trie.remove(key, &mut bench.store)
                        .map(|_| bench.model.remove(&key));
                    key
                }
                _ => continue,
            };
            bench.store.reads_left = None;
            bench.check_reads(&[key]);
        }
        bench.store.reads_left = None;
        bench.commit();
    }

    #[test]
    fn node_that_was_tampered_with_is_refused_without_panic(
        entries in prop::collection::btree_map(key(), value(), 1..30),
        target in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut store = store_from_scratch(&entries);
        let path = *store.nodes.keys().nth(target.index(store.nodes.len())).unwrap();
        let node = store.nodes.get_mut(&path).unwrap();
        let before = node.clone();
        for (at, byte) in edits {
            let at = at.index(node.len());
            node[at] = byte;
        }
        if let Some(cut) = cut {
            let length = cut.index(node.len());
            node.truncate(length);
        }
        prop_assume!(*node != before);
        let root = judge_root(&entries);
        // Unchecked: whatever comes of it, no panic. Checked: every read is right or refused.
        let mut blind = Trie::new(None, root);
        let mut checked = Trie::new(None, root);
        for (key, value) in &entries {
            let _ = blind.get(*key, &mut Blind(&store));
            let _ = blind.proof(*key, &mut Blind(&store));
            match checked.get(*key, &mut HashChecked(Blind(&store))) {
                Ok(got) => prop_assert_eq!(got, Some(value.as_slice())),
                Err(error) => {
                    let refused = TrieError::Source(HashCheckedError::Mismatch {
                        expected: keccak256(&before),
                        got: keccak256(&store.nodes[&path]),
                    });
                    prop_assert_eq!(error, refused);
                }
            }
        }
        for key in entries.keys() {
            let _ = blind.insert(B256::repeat_byte(key[0]), vec![1], &mut Blind(&store));
            let _ = blind.remove(*key, &mut Blind(&store));
            blind.root();
        }
    }

    #[test]
    fn state_after_random_diffs_equals_the_judge(
        diffs in prop::collection::vec(diff(), 1..8),
        max_nodes in 0_usize..200,
    ) {
        let mut store = Store::default();
        let mut trie = StateTrie::new(EMPTY_ROOT_HASH);
        let mut blind = StateTrie::untracked(EMPTY_ROOT_HASH);
        let mut model = BTreeMap::new();
        let mut turn = Turn::default();
        for diff in diffs {
            let diff = lawful(&model, diff);
            trie.apply(&diff, &mut store).unwrap();
            blind.apply(&diff, &mut store).unwrap();
            apply_to_model(&mut model, &diff);
            let root = judge_state_root(&model);
            prop_assert_eq!(trie.root(), root);
            prop_assert_eq!(blind.root(), root);
            prop_assert_eq!(blind.take_changes(), StateTrieChanges::default());
            store.write_state(trie.take_changes());
            trie.prune(max_nodes);
            check_state(&mut trie, &mut store, &model);
            trie.prune_in_turn(max_nodes, &mut turn);
            check_state(&mut trie, &mut store, &model);
            let mut reopened = StateTrie::new(root);
            check_state(&mut reopened, &mut store, &model);
        }
    }
}

/// Reads without the store's own check, as a store on a broken disk would.
struct Blind<'a>(&'a Store);

impl NodeSource for Blind<'_> {
    type Error = Unavailable;

    fn node(&mut self, owner: Option<B256>, path: &Nibbles, _: B256) -> Result<Bytes, Unavailable> {
        self.0
            .nodes
            .get(&(owner, *path))
            .cloned()
            .map(Into::into)
            .ok_or(Unavailable)
    }
}

type StateModel = BTreeMap<Address, (AccountInfo, BTreeMap<U256, U256>)>;

fn diff() -> impl Strategy<Value = StateDiff> {
    let info = (any::<u64>(), any::<u128>(), any::<[u8; 32]>()).prop_map(|(nonce, wei, code)| {
        AccountInfo {
            nonce,
            balance: U256::from(wei),
            code_hash: code.into(),
        }
    });
    let slot = (0_u64..20).prop_map(U256::from);
    let value = prop_oneof![
        2 => Just(U256::ZERO),
        2 => (1_u64..300).prop_map(U256::from),
        1 => any::<[u8; 32]>().prop_map(|bytes| U256::from_be_bytes(bytes)),
    ];
    let change = (
        prop::option::weighted(0.8, info),
        prop::collection::btree_map(slot, value, 0..8),
    )
        .prop_map(|(info, storage)| AccountChange { info, storage });
    let address = (0_u8..12).prop_map(Address::repeat_byte);
    prop::collection::btree_map(address, change, 0..8).prop_map(|accounts| StateDiff {
        accounts,
        ..Default::default()
    })
}

/// Leaves out what EIP-6780 rules out: an account that has storage does not vanish.
fn lawful(model: &StateModel, mut diff: StateDiff) -> StateDiff {
    diff.accounts.retain(|address, change| {
        let has_storage = model
            .get(address)
            .is_some_and(|(_, storage)| !storage.is_empty());
        change.info.is_some() || !has_storage
    });
    diff
}

fn apply_to_model(model: &mut StateModel, diff: &StateDiff) {
    for (address, change) in &diff.accounts {
        let Some(info) = change.info else {
            model.remove(address);
            continue;
        };
        let account = model.entry(*address).or_default();
        account.0 = info;
        account.1.extend(change.storage.clone());
        account.1.retain(|_, value| !value.is_zero());
    }
}

fn judge_storage_root(storage: &BTreeMap<U256, U256>) -> B256 {
    let leaf = |(slot, value): (&U256, &U256)| (hash_slot(*slot), alloy_rlp::encode(value));
    judge_root(&storage.iter().map(leaf).collect())
}

fn judge_state_root(model: &StateModel) -> B256 {
    let leaf = |(address, (info, storage)): (&Address, &(AccountInfo, BTreeMap<U256, U256>))| {
        let storage_root = judge_storage_root(storage);
        let (nonce, balance, code_hash) = (info.nonce, info.balance, info.code_hash);
        let account = TrieAccount {
            nonce,
            balance,
            storage_root,
            code_hash,
        };
        (keccak256(address), alloy_rlp::encode(account))
    };
    judge_root(&model.iter().map(leaf).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// As the prover runs: a source that stays as it was, and every node that came from it forgotten after each block.
    #[test]
    fn untracked_state_that_forgets_what_did_not_change_keeps_its_roots(
        before in prop::collection::vec(diff(), 0..4),
        blocks in prop::collection::vec(diff(), 1..6),
    ) {
        let (mut store, mut model) = (Store::default(), StateModel::new());
        let mut tracked = StateTrie::new(EMPTY_ROOT_HASH);
        for diff in before {
            let diff = lawful(&model, diff);
            apply_to_model(&mut model, &diff);
            tracked.apply(&diff, &mut store).unwrap();
        }
        let root = tracked.root();
        store.write_state(tracked.take_changes());
        let mut trie = StateTrie::untracked(root);
        check_state(&mut trie, &mut store, &model);
        trie.forget_unchanged();
        prop_assert!(trie.node_count() <= 1, "{} nodes of nothing changed", trie.node_count());
        for diff in blocks {
            let diff = lawful(&model, diff);
            apply_to_model(&mut model, &diff);
            trie.apply(&diff, &mut store).unwrap();
            prop_assert_eq!(trie.roots(&mut store).unwrap().state, judge_state_root(&model));
            let nodes = trie.node_count();
            trie.forget_unchanged();
            prop_assert!(trie.node_count() <= nodes);
            prop_assert_eq!(trie.root(), judge_state_root(&model));
            check_state(&mut trie, &mut store, &model);
        }
    }
}

fn check_state(trie: &mut StateTrie, store: &mut Store, model: &StateModel) {
    let root = trie.root();
    for address in (0_u8..13).map(Address::repeat_byte) {
        let expected = model.get(&address);
        let account = trie.account(address, store).unwrap();
        assert_eq!(
            account.map(|account| account.nonce),
            expected.map(|(info, _)| info.nonce)
        );
        let proof = trie.account_proof(address, store).unwrap();
        assert_eq!(
            verify_account_proof(root, address, &proof).unwrap(),
            account
        );
        let storage_root = trie.storage_root(address, store).unwrap();
        for slot in (0..21).map(U256::from) {
            let value = expected
                .and_then(|(_, storage)| storage.get(&slot))
                .copied();
            let value = value.unwrap_or_default();
            assert_eq!(trie.storage(address, slot, store).unwrap(), value);
            let proof = trie.storage_proof(address, slot, store).unwrap();
            assert_eq!(
                verify_storage_proof(storage_root, slot, &proof).unwrap(),
                value
            );
        }
    }
}

#[test]
fn state_diff_applied_again_after_a_failed_read_gives_the_same_root() {
    let (a, b) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let change = |nonce, slots: &[(u64, u64)]| AccountChange {
        info: Some(AccountInfo {
            nonce,
            ..Default::default()
        }),
        storage: slots
            .iter()
            .map(|(k, v)| (U256::from(*k), U256::from(*v)))
            .collect(),
    };
    let diff = |accounts: &[(Address, AccountChange)]| StateDiff {
        accounts: accounts.iter().cloned().collect(),
        ..Default::default()
    };
    let genesis = diff(&[
        (a, change(1, &[(1, 1), (2, 2), (3, 3)])),
        (b, change(1, &[(1, 1)])),
    ]);
    let next = diff(&[
        (a, change(2, &[(1, 0), (2, 0)])),
        (b, change(2, &[(1, 0), (9, 9)])),
    ]);
    let mut store = Store::default();
    let mut trie = StateTrie::new(EMPTY_ROOT_HASH);
    trie.apply(&genesis, &mut store).unwrap();
    let root = trie.root();
    store.write_state(trie.take_changes());
    trie.apply(&next, &mut store).unwrap();
    let expected = trie.root();

    let mut failures = 0;
    for reads in 0.. {
        let mut trie = StateTrie::new(root);
        store.reads_left = Some(reads);
        let result = trie.apply(&next, &mut store);
        store.reads_left = None;
        if result.is_ok() {
            break;
        }
        failures += 1;
        trie.apply(&next, &mut store).unwrap();
        assert_eq!(trie.root(), expected);
    }
    assert!(failures > 3, "the source was asked only {failures} times");
}

#[test]
fn witness_of_nodes_read_suffices_for_the_same_change() {
    let entries: Model = (0_u32..200)
        .map(|n| (keccak256(n.to_be_bytes()), vec![1; 40]))
        .collect();
    let mut store = store_from_scratch(&entries);
    let root = judge_root(&entries);
    let mut recorded = HashMap::<B256, Bytes>::default();
    let mut full = Trie::new(None, root);
    let mut recorder = Recorder {
        store: &mut store,
        seen: &mut recorded,
    };
    for key in entries.keys().step_by(3) {
        full.remove(*key, &mut recorder).unwrap();
    }
    let mut stateless = Trie::untracked(None, root);
    let mut witness = NodesByHash::new(recorded.into_values());
    for key in entries.keys().step_by(3) {
        assert!(stateless.remove(*key, &mut witness).unwrap());
    }
    assert_eq!(stateless.root(), full.root());
    assert_ne!(stateless.root(), root);
}

struct Recorder<'a> {
    store: &'a mut Store,
    seen: &'a mut HashMap<B256, Bytes>,
}

impl NodeSource for Recorder<'_> {
    type Error = Unavailable;

    fn node(
        &mut self,
        owner: Option<B256>,
        path: &Nibbles,
        hash: B256,
    ) -> Result<Bytes, Unavailable> {
        let node = self.store.node(owner, path, hash)?;
        self.seen.insert(hash, node.clone());
        Ok(node)
    }
}

#[test]
fn value_that_is_no_account_is_refused() {
    let mut none = NodesByHash::default();
    let address = Address::repeat_byte(7);
    let mut trie = Trie::new(None, EMPTY_ROOT_HASH);
    trie.insert(hash_address(address), vec![0xc0], &mut none)
        .unwrap();
    let root = trie.root();
    let nodes = trie
        .take_changes()
        .nodes
        .into_values()
        .flatten()
        .map(Bytes::from);
    let error = StateTrie::new(root)
        .account(address, &mut NodesByHash::new(nodes))
        .unwrap_err();
    assert_eq!(
        error,
        TrieError::Value {
            owner: None,
            key: hash_address(address)
        }
    );
}
