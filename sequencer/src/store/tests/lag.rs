//! Folds that are slower than blocks: what waits for them is bounded, and nothing is lost.

use super::{
    chain::{Chain, append, assert_equal, config},
    fault::{Crash, Fault},
};
use crate::store::{Point, Store, StoreError};
use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

/// Bytes: some blocks of the test's.
const BOUND: usize = 200_000;
/// Time in which something that is not held up happens.
const SOON: Duration = Duration::from_secs(60);
/// Time for which it must not happen.
const MEANWHILE: Duration = Duration::from_millis(300);

fn slow_store(chain: &Chain, dir: &std::path::Path) -> (Store, Fault) {
    let fault = Fault::default();
    let mut config = config(dir, chain.genesis());
    config.files = Arc::new(fault.clone());
    config.fold_every = Some(Duration::from_millis(1));
    config.unfolded_bound = BOUND;
    (Store::open(config).unwrap(), fault)
}

/// Lets folds go on, whatever becomes of the test: a store that is dropped waits for the one under way.
struct Held<'a>(&'a Fault);

impl<'a> Held<'a> {
    fn at(fault: &'a Fault, point: Point) -> Self {
        fault.hold_at(Some(point));
        Self(fault)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.hold_at(None);
    }
}

#[test]
fn blocks_wait_at_the_bound_until_a_fold_has_made_room() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let (store, fault) = slow_store(&chain, dir.path());
    let held = Held::at(&fault, Point::FoldReady);
    let mut heaviest = 0;
    let mut seeds = 1..;
    while store.lag().pause().is_some() {
        store.wait_for_room().unwrap();
        let before = store.lag().bytes;
        append(&store, &chain.extend(seeds.next().unwrap())).unwrap();
        heaviest = heaviest.max(store.lag().bytes - before);
    }
    assert!(store.lag().bytes < BOUND + heaviest);
    assert!(chain.head() > 2, "the bound holds some blocks");

    std::thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        scope.spawn(|| {
            let tell = tell;
            tell.send(store.wait_for_room()).unwrap();
        });
        let early = told.recv_timeout(MEANWHILE);
        drop(held);
        assert!(early.is_err(), "{early:?} while nothing is folded");
        told.recv_timeout(SOON).unwrap().unwrap();
    });
    for seed in seeds.take(10) {
        store.wait_for_room().unwrap();
        append(&store, &chain.extend(seed)).unwrap();
    }
    assert_equal(&store, &chain);
}

/// Whoever waits while the tables cannot be written is told so.
#[test]
fn waiting_for_room_ends_when_folds_fail() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let (store, fault) = slow_store(&chain, dir.path());
    let held = Held::at(&fault, Point::FoldReady);
    for seed in 1.. {
        if store.lag().pause().is_none() {
            break;
        }
        append(&store, &chain.extend(seed)).unwrap();
    }
    fault.die();
    drop(held);
    let ended = store.wait_for_room();
    assert!(
        matches!(ended, Err(StoreError::Stalled { .. })),
        "{ended:?}"
    );
    fault.restart(Crash::Kill);
    let limit = Instant::now() + SOON;
    while let Err(error) = store.wait_for_room() {
        assert!(Instant::now() < limit, "{error}");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_equal(&store, &chain);
}

/// What waits for a fold after a start is counted as it was before.
#[test]
fn lag_is_the_same_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new();
    let config = config(dir.path(), chain.genesis());
    let store = Store::open(config.clone()).unwrap();
    for seed in 1..9 {
        append(&store, &chain.extend(seed)).unwrap();
    }
    let before = store.lag();
    assert!(before.bytes > 0);
    drop(store);
    let store = Store::open(config).unwrap();
    assert_eq!(store.lag(), before);
    store.fold().unwrap();
    assert_eq!(store.lag().bytes, 0);
}
