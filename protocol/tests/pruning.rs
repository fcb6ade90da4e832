//! Forgetting what the store holds: memory stays within its bound, and nothing else changes.

#[path = "common/store.rs"]
mod store;

use alloy_primitives::{Address, B256, U256, keccak256};
use store::Store;
use trestle_protocol::{
    AccountChange, AccountInfo, StateDiff,
    trie::{EMPTY_ROOT_HASH, StateTrie, Trie, Turn},
};

#[test]
fn trie_pruned_to_a_bound_keeps_its_root_and_forgets_nodes() {
    let mut store = Store::default();
    let mut trie = Trie::new(None, EMPTY_ROOT_HASH);
    let keys: Vec<B256> = (0_u32..5000).map(|n| keccak256(n.to_be_bytes())).collect();
    for key in &keys {
        trie.insert(*key, key.to_vec(), &mut store).unwrap();
    }
    let root = trie.root();
    let full = trie.node_count();
    trie.prune(100);
    assert_eq!(
        trie.node_count(),
        full,
        "forgot what the store does not hold"
    );
    store.write(None, trie.take_changes());
    trie.prune(1000);
    assert!(trie.node_count() <= 1000);
    assert_eq!(trie.root(), root);
    for key in &keys {
        assert_eq!(trie.get(*key, &mut store).unwrap(), Some(key.as_slice()));
    }
}

/// Payments to accounts at random among many, after each of which a little is forgotten.
#[test]
fn state_pruned_in_turn_forgets_what_is_not_used_and_keeps_its_roots() {
    const ACCOUNTS: u32 = 20_000;
    const BOUND: usize = 6_000;
    let (mut store, mut turn) = (Store::default(), Turn::default());
    let payment = |to: u32, balance: u32| {
        let info = AccountInfo {
            balance: U256::from(balance),
            ..AccountInfo::default()
        };
        let change = AccountChange {
            info: Some(info),
            ..AccountChange::default()
        };
        (Address::from_word(keccak256(to.to_be_bytes())), change)
    };
    let mut all = StateDiff::default();
    all.accounts.extend((0..ACCOUNTS).map(|to| payment(to, 1)));
    let (mut hot, mut whole) = (
        StateTrie::new(EMPTY_ROOT_HASH),
        StateTrie::new(EMPTY_ROOT_HASH),
    );
    for trie in [&mut hot, &mut whole] {
        trie.apply(&all, &mut store).unwrap();
    }
    store.write_state(hot.take_changes());
    let mut most = 0;
    for block in 0..800_u32 {
        let mut diff = StateDiff::default();
        let random = (0..6).map(|n| (block * 6 + n).wrapping_mul(2_654_435_761) % ACCOUNTS);
        diff.accounts
            .extend(random.map(|to| payment(to, block + 2)));
        for trie in [&mut hot, &mut whole] {
            trie.apply(&diff, &mut store).unwrap();
        }
        assert_eq!(hot.root(), whole.root(), "block {block}");
        store.write_state(hot.take_changes());
        hot.prune_in_turn(BOUND, &mut turn);
        if block > 100 {
            most = most.max(hot.node_count());
        }
    }
    assert!(whole.node_count() > 3 * BOUND, "{}", whole.node_count());
    assert!(most > BOUND / 2, "nothing need be forgotten: {most}");
    assert!(most <= BOUND + BOUND / 4, "{most}");
}
