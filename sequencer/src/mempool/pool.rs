//! All queues and their ranking. No locks, no I/O: [`super::Mempool`] wraps it.
//!
//! A queue stands in at most three rankings, renewed after each change of it: `ready` by tip and
//! arrival (its head can be executed), `waiting` by fee (its head only lacks fee), `tails` by what its
//! last transaction is worth. A full pool evicts the lowest of `tails`, for one that can be executed
//! only: what cannot be executed as things are goes first, what can only for a higher tip. So neither
//! what will never pay nor what pays least keeps others out (`docs/mempool.md`).

mod room;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256};
use trestle_protocol::AccountInfo;

use super::dropped::Dropped;
use super::queue::{Queue, Queued};
use super::{DropReason, FeeView, PoolError, PoolLimits, PooledTransaction, Stage};

/// Place of a queue among those that are ready: the highest tip first, then the first to arrive.
type Turn = (Reverse<u128>, u64);

/// What the last transaction of a queue is worth to the chain, in wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// It cannot be executed as things are; its fee cap.
    Parked(u128),
    /// The tip that it pays if it is executed now, or its queue's head if that pays less.
    Executable(u128),
}

impl Worth {
    /// Whether it goes for one that pays `tip` now: one that does not pay goes for any, another for a
    /// tenth more.
    const fn yields_to(self, tip: u128) -> bool {
        match self {
            Self::Parked(_) => true,
            Self::Executable(own) => tip > own.saturating_add(own / 10),
        }
    }
}

/// Where a queue stands in the rankings.
#[derive(Debug, Default, Clone, Copy)]
struct Rank {
    ready: Option<Turn>,
    waiting: Option<u128>,
    tail: Option<(Worth, Reverse<u64>)>,
}

/// The pool's content.
#[derive(Debug)]
pub(super) struct Pool {
    limits: PoolLimits,
    pub(super) fees: FeeView,
    queues: HashMap<Address, Queue>,
    ranks: HashMap<Address, Rank>,
    by_hash: HashMap<B256, (Address, u64)>,
    ready: BTreeSet<(Turn, Address)>,
    waiting: BTreeSet<(u128, Address)>,
    tails: BTreeSet<(Worth, Reverse<u64>, Address)>,
    /// Accounts that pooled transactions would delegate (EIP-7702), with the number of these.
    authorities: HashMap<Address, usize>,
    dropped: Dropped,
    /// Dropped since the last [`Pool::take_gone`]: the journal may forget them.
    gone: Vec<B256>,
    arrivals: u64,
    bytes: usize,
    /// Gas limits of all transactions.
    gas: u64,
    /// Grows with every block: an account read before is stale.
    pub(super) generation: u64,
}

impl Pool {
    pub(super) fn new(limits: PoolLimits, fees: FeeView) -> Self {
        Self {
            limits,
            fees,
            queues: HashMap::new(),
            ranks: HashMap::new(),
            by_hash: HashMap::new(),
            ready: BTreeSet::new(),
            waiting: BTreeSet::new(),
            tails: BTreeSet::new(),
            authorities: HashMap::new(),
            dropped: Dropped::default(),
            gone: Vec::new(),
            arrivals: 0,
            bytes: 0,
            gas: 0,
            generation: 0,
        }
    }

    pub(super) fn contains(&self, hash: &B256) -> bool {
        self.by_hash.contains_key(hash)
    }

    pub(super) fn has_sender(&self, sender: &Address) -> bool {
        self.queues.contains_key(sender)
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.by_hash.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn pending_nonce(&self, sender: &Address) -> Option<u64> {
        self.queues.get(sender).map(Queue::pending_nonce)
    }

    pub(super) fn get(&self, hash: &B256) -> Option<Arc<PooledTransaction>> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        Some(self.queues.get(sender)?.get(*nonce)?.tx.clone())
    }

    pub(super) fn stage(&self, hash: &B256) -> Option<Stage> {
        let Some((sender, nonce)) = self.by_hash.get(hash) else {
            return self.dropped.get(hash).map(Stage::Dropped);
        };
        let queue = self.queues.get(sender)?;
        Some(if queue.is_taken(*nonce) {
            Stage::Sequencing
        } else if *nonce < queue.pending_nonce() {
            Stage::Pending
        } else {
            Stage::Queued
        })
    }

    /// Every transaction, by sender and nonce, with whether it follows on from the state.
    pub(super) fn content(&self) -> Vec<(bool, Arc<PooledTransaction>)> {
        let mut all: Vec<_> = self
            .queues
            .values()
            .flat_map(|queue| {
                let end = queue.pending_nonce();
                queue
                    .iter()
                    .map(move |(nonce, queued)| (*nonce < end, queued.tx.clone()))
            })
            .collect();
        all.sort_by_key(|(_, tx)| (tx.sender, tx.nonce()));
        all
    }

    /// Remembers why a transaction was dropped.
    pub(super) fn note_dropped(&mut self, hash: B256, reason: DropReason) {
        self.dropped.insert(hash, reason);
        self.gone.push(hash);
    }

    /// Transactions dropped since the last call.
    pub(super) fn take_gone(&mut self) -> Vec<B256> {
        std::mem::take(&mut self.gone)
    }

    /// Adds a transaction whose sender's account is `account`, unless the sender is known already.
    /// `is_delegated`: whether the sender has code that others may run.
    pub(super) fn insert(
        &mut self,
        tx: Arc<PooledTransaction>,
        account: AccountInfo,
        is_delegated: bool,
    ) -> Result<(), PoolError> {
        if self.contains(&tx.hash()) {
            return Err(PoolError::AlreadyKnown);
        }
        self.check_delegations(&tx, is_delegated)?;
        self.check_replacement(&tx)?;
        let (sender, nonce, hash) = (tx.sender, tx.nonce(), tx.hash());
        let arrival = self.arrivals;
        let entering = Arc::clone(&tx);
        let queue = self
            .queues
            .entry(sender)
            .or_insert_with(|| Queue::new(account));
        match queue.insert(tx, arrival, &self.limits) {
            Err(error) => {
                self.rank(sender);
                return Err(error);
            }
            Ok(replaced) => {
                // The arrival number is spent even if a replacement keeps the older one.
                self.arrivals = self.arrivals.saturating_add(1);
                self.by_hash.insert(hash, (sender, nonce));
                self.entered(&entering);
                if let Some(old) = replaced {
                    self.by_hash.remove(&old.hash());
                    self.left(&old);
                    self.note_dropped(old.hash(), DropReason::Replaced);
                }
            }
        }
        self.rank(sender);
        self.make_room(&hash)
    }

    /// Hands over up to `max` transactions that can be executed, in order of tip and arrival and, for
    /// one sender, of nonce.
    pub(super) fn take_ready(&mut self, max: usize) -> Vec<Arc<PooledTransaction>> {
        let mut taken = Vec::new();
        while taken.len() < max {
            let Some(((Reverse(ranked), _), sender)) = self.ready.first().copied() else {
                break;
            };
            let base_fee = self.fees.base_fee;
            let head = self.queues.get_mut(&sender).and_then(|queue| {
                let tip = queue.head().and_then(|head| head.tx.tip_at(base_fee));
                tip.filter(|tip| *tip >= ranked)?;
                queue.take_head()
            });
            taken.extend(head);
            // Also after a head that pays less since the base fee rose: the ranking moves it.
            self.rank(sender);
        }
        taken
    }

    /// The engine could not use this transaction now.
    pub(super) fn hand_back(&mut self, hash: &B256) {
        if let Some(&(sender, nonce)) = self.by_hash.get(hash) {
            if let Some(queue) = self.queues.get_mut(&sender) {
                queue.hand_back(nonce);
            }
            self.rank(sender);
        }
    }

    /// Removes a transaction that the engine found invalid. One that the engine does not have is kept:
    /// it waits for an earlier nonce that went, and may become valid.
    pub(super) fn reject(&mut self, hash: &B256, reason: String) {
        let place = self.by_hash.get(hash);
        let is_taken = place.is_some_and(|(sender, nonce)| {
            self.queues
                .get(sender)
                .is_some_and(|queue| queue.is_taken(*nonce))
        });
        if is_taken {
            self.remove(hash, DropReason::Invalid(reason));
        }
    }

    /// Removes one transaction.
    fn remove(&mut self, hash: &B256, reason: DropReason) {
        if self.take_out(hash) {
            self.note_dropped(*hash, reason);
        }
    }

    fn take_out(&mut self, hash: &B256) -> bool {
        let Some((sender, nonce)) = self.by_hash.remove(hash) else {
            return false;
        };
        if let Some(tx) = self
            .queues
            .get_mut(&sender)
            .and_then(|queue| queue.remove(nonce))
        {
            self.left(&tx);
        }
        self.rank(sender);
        true
    }

    /// Takes in what a block included.
    pub(super) fn included<'a>(&mut self, hashes: impl Iterator<Item = &'a B256>) {
        self.generation = self.generation.wrapping_add(1);
        for hash in hashes {
            self.dropped.remove(hash);
            // The queue forgets it in `settle`, by nonce.
            self.by_hash.remove(hash);
        }
    }

    /// Takes in one account as the newest block left it.
    pub(super) fn settle(&mut self, sender: Address, account: AccountInfo) {
        let Some(queue) = self.queues.get_mut(&sender) else {
            return;
        };
        let used = queue.settle(account);
        self.forget_used(sender, &used);
    }

    /// Takes in one account as an unwind left it.
    pub(super) fn rewind(&mut self, sender: Address, account: AccountInfo) {
        let Some(queue) = self.queues.get_mut(&sender) else {
            return;
        };
        let used = queue.rewind(account);
        self.forget_used(sender, &used);
    }

    pub(super) fn senders(&self) -> Vec<Address> {
        self.queues.keys().copied().collect()
    }

    fn forget_used(&mut self, sender: Address, used: &[Arc<PooledTransaction>]) {
        for tx in used {
            self.left(tx);
            if self.by_hash.remove(&tx.hash()).is_some() {
                self.note_dropped(tx.hash(), DropReason::Replaced);
            }
        }
        self.rank(sender);
    }

    fn entered(&mut self, tx: &PooledTransaction) {
        self.bytes = self.bytes.saturating_add(tx.encoded.len());
        self.gas = self.gas.saturating_add(tx.tx.gas_limit());
        for authority in &tx.authorities {
            let count = self.authorities.entry(*authority).or_default();
            *count = count.saturating_add(1);
        }
    }

    fn left(&mut self, tx: &PooledTransaction) {
        self.bytes = self.bytes.saturating_sub(tx.encoded.len());
        self.gas = self.gas.saturating_sub(tx.tx.gas_limit());
        for authority in &tx.authorities {
            if let Some(count) = self.authorities.get_mut(authority) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.authorities.remove(authority);
                }
            }
        }
    }

    /// Takes in the fees of the next block.
    pub(super) fn set_fees(&mut self, fees: FeeView) {
        let fell = fees.base_fee < self.fees.base_fee;
        self.fees = fees;
        if fell {
            let ripe: Vec<_> = self
                .waiting
                .iter()
                .rev()
                .take_while(|(fee, _)| *fee >= fees.base_fee)
                .map(|(_, sender)| *sender)
                .collect();
            for sender in ripe {
                self.rank(sender);
            }
        }
    }

    /// Renews the standing of one queue, and forgets it when it is empty.
    fn rank(&mut self, sender: Address) {
        let old = self.ranks.remove(&sender).unwrap_or_default();
        if let Some(turn) = old.ready {
            self.ready.remove(&(turn, sender));
        }
        if let Some(fee) = old.waiting {
            self.waiting.remove(&(fee, sender));
        }
        if let Some((worth, arrival)) = old.tail {
            self.tails.remove(&(worth, arrival, sender));
        }
        let Some(queue) = self.queues.get(&sender) else {
            return;
        };
        if queue.is_empty() {
            self.queues.remove(&sender);
            return;
        }
        let new = standing(queue, self.fees.base_fee);
        if let Some(turn) = new.ready {
            self.ready.insert((turn, sender));
        }
        if let Some(fee) = new.waiting {
            self.waiting.insert((fee, sender));
        }
        if let Some((worth, arrival)) = new.tail {
            self.tails.insert((worth, arrival, sender));
        }
        self.ranks.insert(sender, new);
    }
}

fn standing(queue: &Queue, base_fee: u128) -> Rank {
    let parked = |tail: &Queued| (Worth::Parked(tail.tx.max_fee()), Reverse(tail.arrival));
    let Some(head) = queue.head() else {
        return Rank {
            tail: queue.parked_tail().map(parked),
            ..Rank::default()
        };
    };
    let Some(tip) = head.tx.tip_at(base_fee) else {
        return Rank {
            ready: None,
            waiting: Some(head.tx.max_fee()),
            tail: queue.last().map(parked),
        };
    };
    let executable = |tail: &Queued| match tail.tx.tip_at(base_fee) {
        Some(own) => (Worth::Executable(own.min(tip)), Reverse(tail.arrival)),
        None => parked(tail),
    };
    let tail = match queue.parked_tail() {
        Some(tail) => Some(parked(tail)),
        None => queue.last().map(executable),
    };
    Rank {
        ready: Some((Reverse(tip), head.arrival)),
        waiting: None,
        tail,
    }
}
