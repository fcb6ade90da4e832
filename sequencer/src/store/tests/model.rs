//! Random histories, with crashes anywhere, against a chain kept in memory.

use super::{
    chain::{Chain, assert_equal, config, nobody_starts, queue, transaction},
    fault::{Crash, Fault},
};
use crate::store::{Mark, MarkBatch, Point, Store, StoreConfig, StoreError, block::reference};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes};
use parking_lot::RwLockReadGuard;
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Arc};

#[derive(Debug, Clone)]
enum Step {
    /// Blocks are queued, then awaited together.
    Append(u8),
    Fold,
    /// Admits a transaction that the next block may include, and sets a mark.
    Admit,
    /// Unwinds by this many blocks, as far as there are.
    Unwind(u8),
    Reopen,
    /// The process ends while it does this.
    Crash(Box<Self>, Point, u32, Crash),
}

fn step() -> impl Strategy<Value = Step> {
    let calm = prop_oneof![
        4 => (1u8..4).prop_map(Step::Append),
        2 => Just(Step::Fold),
        2 => Just(Step::Admit),
        2 => (0u8..6).prop_map(Step::Unwind),
        1 => Just(Step::Reopen),
    ];
    let point = prop_oneof![
        Just(Point::JournalWritten),
        Just(Point::JournalSynced),
        Just(Point::FoldReady),
        Just(Point::FoldCommitted),
        Just(Point::UnwindJournaled),
    ];
    let crash = prop_oneof![
        Just(Crash::Kill),
        any::<u32>().prop_map(|n| Crash::PowerLoss(n.into()))
    ];
    let crashing = (calm.clone(), point, 0u32..2, crash)
        .prop_map(|(step, point, passes, crash)| Step::Crash(Box::new(step), point, passes, crash));
    prop_oneof![3 => calm, 2 => crashing]
}

/// The store under test and what it must hold.
struct Bed {
    fault: Fault,
    config: StoreConfig,
    store: Option<Store>,
    /// What was acknowledged.
    chain: Chain,
    /// What the store may hold after a crash: the acknowledged chain, or what was under way.
    outcomes: Vec<Chain>,
    seed: u64,
    /// Transactions acknowledged: each is in the pool or in a block for ever.
    admitted: BTreeMap<B256, Bytes>,
    /// The mark as acknowledged, and as it may be.
    mark: (Option<Bytes>, Option<Bytes>),
    _quiet: RwLockReadGuard<'static, ()>,
}

impl Bed {
    fn new(dir: &std::path::Path) -> Self {
        let chain = Chain::new();
        let (fault, mut config) = (Fault::default(), config(dir, chain.genesis()));
        config.files = Arc::new(fault.clone());
        config.segment_bytes = 3_000;
        let store = Some(Store::open(config.clone()).unwrap());
        let (outcomes, admitted) = (vec![chain.clone()], BTreeMap::new());
        Self {
            fault,
            config,
            store,
            outcomes,
            chain,
            seed: 0,
            admitted,
            mark: (None, None),
            _quiet: nobody_starts(),
        }
    }

    /// Runs a step; `false` if the store failed in it.
    fn run(&mut self, step: &Step) -> bool {
        match step {
            Step::Append(count) => self.append(*count),
            Step::Fold => self.store.as_ref().unwrap().fold().is_ok(),
            Step::Admit => self.admit(),
            Step::Unwind(by) => self.unwind(self.chain.head().saturating_sub((*by).into())),
            Step::Reopen => {
                drop(self.store.take());
                self.store = Store::open(self.config.clone()).ok();
                self.store.is_some()
            }
            Step::Crash(step, point, passes, crash) => {
                self.fault.crash_at(*point, *passes);
                self.run(step);
                self.crash(*crash);
                true
            }
        }
    }

    fn append(&mut self, count: u8) -> bool {
        let (store, mut chain) = (self.store.as_ref().unwrap(), self.chain.clone());
        let mut tickets = Vec::new();
        for _ in 0..count {
            self.seed += 1;
            let block = chain.extend(self.seed);
            self.outcomes.push(chain.clone());
            match queue(store, &block) {
                Ok(ticket) => tickets.push((ticket, chain.clone())),
                Err(_) => break,
            }
        }
        for (ticket, chain) in tickets {
            if ticket.wait().is_err() {
                return false;
            }
            self.chain = chain;
        }
        true
    }

    fn admit(&mut self) -> bool {
        let store = self.store.as_ref().unwrap();
        let seed = (self.seed + 1) * 8;
        let tx = transaction(seed + u64::from(seed.is_multiple_of(3)));
        let raw = Bytes::from(tx.encoded_2718());
        let mut marks = MarkBatch::default();
        marks.set(Mark::L1Cursor, raw.clone());
        self.mark.1 = Some(raw.clone());
        let included = self.chain.contains(&tx.tx_hash());
        let admitted = || {
            if !included {
                store.admit([(tx.tx_hash(), raw.clone())])?.wait()?;
                self.admitted.insert(tx.tx_hash(), raw.clone());
            }
            store.write_marks(marks)?.wait()
        };
        let done: Result<(), StoreError> = admitted();
        if done.is_ok() {
            self.mark.0 = self.mark.1.clone();
        }
        done.is_ok()
    }

    fn unwind(&mut self, to: u64) -> bool {
        let mut chain = self.chain.clone();
        chain.unwind(to);
        self.outcomes.push(chain.clone());
        let done = self.store.as_ref().unwrap().unwind(to).is_ok();
        if done {
            self.chain = chain;
        }
        done
    }

    /// Ends the process and starts it again: nothing acknowledged may be missing.
    fn crash(&mut self, crash: Crash) {
        self.fault.die();
        drop(self.store.take());
        self.fault.restart(crash);
        let store = Store::open(self.config.clone()).unwrap();
        let acknowledged = self
            .outcomes
            .iter()
            .position(|c| same_head(c, &self.chain))
            .unwrap();
        let possible = &self.outcomes[acknowledged..];
        let found = possible
            .iter()
            .find(|c| reference(c.block(c.head())) == store.head());
        self.chain = found.expect("an acknowledged change is lost").clone();
        self.store = Some(store);
    }

    fn check(&mut self) {
        self.outcomes = vec![self.chain.clone()];
        let store = self.store.as_ref().unwrap();
        assert_equal(store, &self.chain);
        let pool = store.pool();
        for (hash, raw) in &self.admitted {
            assert_ne!(
                pool.contains(raw),
                self.chain.contains(hash),
                "{hash} lost or twice"
            );
        }
        let mark = store.mark(Mark::L1Cursor).unwrap();
        assert!(mark == self.mark.0 || mark == self.mark.1);
        self.mark = (mark.clone(), mark);
    }
}

fn same_head(a: &Chain, b: &Chain) -> bool {
    reference(a.block(a.head())) == reference(b.block(b.head()))
}

/// A few, or as many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn store_equals_the_model_through_any_history_of_crashes(
        steps in prop::collection::vec(step(), 1..30),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut bed = Bed::new(dir.path());
        for step in &steps {
            prop_assert!(bed.run(step), "{step:?} failed");
            bed.check();
        }
    }
}
