//! Readers beside the writer, the journal and the fold thread.

use super::{
    chain::{ACCOUNTS, Chain, SLOTS, address, append, assert_equal, config, nobody_starts},
    fault::{Crash, Fault},
};
use crate::store::{Point, Snapshot, Store};
use alloy_primitives::U256;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use trestle_protocol::trie::{HashChecked, StateTrie};

/// The flat state equals the trie under the header's root, at the head and some blocks below.
fn assert_consistent(snapshot: &Snapshot) {
    let head = snapshot.head();
    let header = snapshot.header(head.number).unwrap().unwrap();
    assert_eq!(header.hash, head.hash);
    let mut nodes = HashChecked(snapshot.state_at(head.number).unwrap());
    for back in [0, 1, 4] {
        let number = head.number.saturating_sub(back);
        let root = snapshot.header(number).unwrap().unwrap().header.state_root;
        let mut trie = StateTrie::new(header.header.state_root);
        trie.apply(&snapshot.reverse_diff(number).unwrap(), &mut nodes)
            .unwrap();
        assert_eq!(trie.root(), root, "{number} of {}", head.number);
        let state = snapshot.state_at(number).unwrap();
        for who in (0..ACCOUNTS).map(address) {
            let (flat, leaf) = (state.account(&who).unwrap(), trie.account(who, &mut nodes));
            let leaf = leaf.unwrap();
            assert_eq!(
                flat.map(|a| (a.nonce, a.balance)),
                leaf.map(|a| (a.nonce, a.balance))
            );
            for slot in (0..SLOTS).map(U256::from) {
                let leaf = trie.storage(who, slot, &mut nodes).unwrap();
                assert_eq!(state.slot(&who, &slot).unwrap(), leaf);
            }
        }
    }
}

/// Ends the readers when it goes.
struct EndOf<'a>(&'a AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn snapshots_beside_appends_folds_and_unwinds_are_consistent() {
    let _quiet = nobody_starts();
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let mut config = config(dir.path(), chain.genesis());
    config.fold_every = Some(Duration::from_micros(100));
    let store = Store::open(config.clone()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Also when the writer panics: the readers end, and the scope with them.
        let _end = EndOf(&done);
        let read = |take: fn(&Store) -> Snapshot| {
            while !done.load(Ordering::Relaxed) {
                assert_consistent(&take(&store));
            }
        };
        let durable = scope.spawn(move || read(|store| store.durable().unwrap()));
        let sequenced = scope.spawn(move || read(|store| store.sequenced().unwrap()));
        for seed in 1..120 {
            append(&store, &chain.extend(seed)).unwrap();
            if seed.is_multiple_of(9) {
                let to = chain.head().saturating_sub(seed % 8);
                store.unwind(to).unwrap();
                chain.unwind(to);
            }
            if durable.is_finished() || sequenced.is_finished() {
                break;
            }
        }
    });
    assert_equal(&store, &chain);
    drop(store);
    assert_equal(&Store::open(config).unwrap(), &chain);
}

#[test]
fn memory_answers_the_same_after_a_fold_that_failed_and_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let fault = Fault::default();
    let mut chain = Chain::new();
    let mut config = config(dir.path(), chain.genesis());
    config.files = Arc::new(fault.clone());
    let store = Store::open(config).unwrap();
    let mut seeds = 1..;
    let mut grow = |chain: &mut Chain| {
        for seed in seeds.by_ref().take(3) {
            append(&store, &chain.extend(seed)).unwrap();
        }
        assert_equal(&store, chain);
        assert_consistent(&store.sequenced().unwrap());
    };
    grow(&mut chain);
    for _ in 0..2 {
        fault.crash_at(Point::FoldReady, 0);
        store.fold().unwrap_err();
        fault.restart(Crash::Kill);
        assert_equal(&store, &chain);
        grow(&mut chain);
    }
    assert_eq!(store.unfolded_blocks(), 9);
    store.fold().unwrap();
    assert_eq!(store.unfolded_blocks(), 0);
    assert_equal(&store, &chain);
    grow(&mut chain);
}
