//! The transactions of one sender, by nonce.
//!
//! ```text
//! account.nonce      next            run_end            gap
//!      │  handed to the engine │  follow on  │  …  │  parked
//! ```
//! The queue knows nothing of other senders; [`super::pool`] ranks the queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::Transaction;
use alloy_primitives::U256;
use trestle_protocol::AccountInfo;

use super::{PoolError, PoolLimits, PooledTransaction};

/// A transaction in its sender's queue.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) tx: Arc<PooledTransaction>,
    /// Order of arrival; a replacement keeps the place of what it replaced.
    pub(super) arrival: u64,
}

/// The transactions of one sender.
#[derive(Debug)]
pub(super) struct Queue {
    account: AccountInfo,
    txs: BTreeMap<u64, Queued>,
    /// First nonce that the engine does not have, at least the account's.
    next: u64,
    /// First nonce from `next` on that is missing.
    run_end: u64,
    /// Bytes of all transactions.
    bytes: usize,
    /// Most that all transactions may cost, in wei.
    cost: U256,
    /// Most that the transactions below `next` may cost, in wei.
    taken_cost: U256,
}

impl Queue {
    pub(super) const fn new(account: AccountInfo) -> Self {
        Self {
            next: account.nonce,
            run_end: account.nonce,
            account,
            txs: BTreeMap::new(),
            bytes: 0,
            cost: U256::ZERO,
            taken_cost: U256::ZERO,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.txs.is_empty()
    }

    /// Number of transactions.
    pub(super) fn len(&self) -> usize {
        self.txs.len()
    }

    /// Nonce that a wallet should use next.
    pub(super) const fn pending_nonce(&self) -> u64 {
        self.run_end
    }

    pub(super) fn get(&self, nonce: u64) -> Option<&Queued> {
        self.txs.get(&nonce)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&u64, &Queued)> {
        self.txs.iter()
    }

    /// Whether the engine has the transaction with this nonce.
    pub(super) const fn is_taken(&self, nonce: u64) -> bool {
        nonce < self.next
    }

    /// Adds a transaction; gives the one whose place it takes.
    pub(super) fn insert(
        &mut self,
        tx: Arc<PooledTransaction>,
        arrival: u64,
        limits: &PoolLimits,
    ) -> Result<Option<Arc<PooledTransaction>>, PoolError> {
        let nonce = tx.nonce();
        self.check_nonce(nonce, limits)?;
        let old = self.txs.get(&nonce).cloned();
        if let Some(old) = &old {
            if old.tx.hash() == tx.hash() {
                return Err(PoolError::AlreadyKnown);
            }
            if !tx.outbids(&old.tx, limits.price_bump) {
                return Err(PoolError::ReplacementUnderpriced);
            }
        }
        self.check_room(&tx, old.as_ref(), limits)?;
        if let Some(old) = &old {
            self.forget(nonce, &old.tx);
        }
        self.bytes = self.bytes.saturating_add(tx.encoded.len());
        self.cost = self.cost.saturating_add(tx.cost);
        let arrival = old.as_ref().map_or(arrival, |old| old.arrival);
        self.txs.insert(nonce, Queued { tx, arrival });
        self.extend_run();
        Ok(old.map(|old| old.tx))
    }

    fn check_nonce(&self, nonce: u64, limits: &PoolLimits) -> Result<(), PoolError> {
        if nonce < self.next {
            return Err(PoolError::NonceTooLow {
                next: self.next,
                got: nonce,
            });
        }
        let ahead = limits.future_nonces;
        if nonce.saturating_sub(self.account.nonce) > ahead {
            return Err(PoolError::NonceTooHigh {
                next: self.account.nonce,
                got: nonce,
                ahead,
            });
        }
        Ok(())
    }

    /// The sender must be able to pay for everything that it has queued: otherwise one balance could
    /// fill the pool with transactions of which only the first is ever valid.
    fn check_room(
        &self,
        tx: &PooledTransaction,
        old: Option<&Queued>,
        limits: &PoolLimits,
    ) -> Result<(), PoolError> {
        let (old_cost, old_bytes) =
            old.map_or((U256::ZERO, 0), |old| (old.tx.cost, old.tx.encoded.len()));
        let want = self.cost.saturating_sub(old_cost).saturating_add(tx.cost);
        if want > self.account.balance {
            return Err(PoolError::InsufficientFunds {
                have: self.account.balance,
                want,
            });
        }
        let bytes = self
            .bytes
            .saturating_sub(old_bytes)
            .saturating_add(tx.encoded.len());
        if bytes > limits.sender_bytes {
            return Err(PoolError::SenderFull {
                limit: limits.sender_bytes,
            });
        }
        Ok(())
    }

    /// The transaction that the engine could execute next, if its sender can pay for it.
    pub(super) fn head(&self) -> Option<&Queued> {
        let head = self.txs.get(&self.next)?;
        let cost = self.taken_cost.saturating_add(head.tx.cost);
        (cost <= self.account.balance).then_some(head)
    }

    /// Marks the head as handed to the engine.
    pub(super) fn take_head(&mut self) -> Option<Arc<PooledTransaction>> {
        let head = self.head()?.tx.clone();
        self.next = self.next.saturating_add(1);
        self.taken_cost = self.taken_cost.saturating_add(head.cost);
        self.run_end = self.run_end.max(self.next);
        Some(head)
    }

    /// Takes back `nonce` and everything after it from the engine.
    pub(super) fn hand_back(&mut self, nonce: u64) {
        if nonce < self.next {
            self.next = nonce.max(self.account.nonce);
            self.recount();
        }
    }

    /// Gas limits of what the engine does not have, as if all were like the first.
    pub(super) fn gas(&self) -> u64 {
        let gas = self.head().map_or(0, |head| head.tx.tx.gas_limit());
        let taken = self.next.saturating_sub(self.account.nonce);
        let held = u64::try_from(self.len()).unwrap_or(u64::MAX);
        gas.saturating_mul(held.saturating_sub(taken))
    }

    /// What the engine does not have, up to this nonce.
    pub(super) fn run_to(&self, nonce: u64) -> impl Iterator<Item = &Queued> {
        let nonces = self.next..nonce.saturating_add(1).max(self.next);
        self.txs.range(nonces).map(|(_, queued)| queued)
    }

    /// The transaction with the highest nonce.
    pub(super) fn last(&self) -> Option<&Queued> {
        self.txs.last_key_value().map(|(_, queued)| queued)
    }

    /// The last transaction, if it cannot be executed as things are: it may be evicted.
    pub(super) fn parked_tail(&self) -> Option<&Queued> {
        let (&nonce, tail) = self.txs.last_key_value()?;
        let behind_gap = nonce >= self.run_end;
        let stuck = !self.is_taken(nonce) && self.head().is_none();
        (behind_gap || stuck).then_some(tail)
    }

    /// Removes the transaction with this nonce.
    pub(super) fn remove(&mut self, nonce: u64) -> Option<Arc<PooledTransaction>> {
        let old = self.txs.remove(&nonce)?;
        self.forget(nonce, &old.tx);
        self.next = self.next.min(nonce).max(self.account.nonce);
        self.recount();
        Some(old.tx)
    }

    /// Takes the account as a new block left it; gives the transactions whose nonce is used now.
    pub(super) fn settle(&mut self, account: AccountInfo) -> Vec<Arc<PooledTransaction>> {
        self.account = account;
        let later = self.txs.split_off(&account.nonce);
        let used = std::mem::replace(&mut self.txs, later);
        for queued in used.values() {
            self.subtract(&queued.tx);
        }
        self.next = self.next.max(account.nonce);
        self.recount();
        used.into_values().map(|queued| queued.tx).collect()
    }

    /// Takes the account as an unwind left it: the engine has none of the transactions any more.
    pub(super) fn rewind(&mut self, account: AccountInfo) -> Vec<Arc<PooledTransaction>> {
        self.next = account.nonce;
        self.settle(account)
    }

    fn forget(&mut self, nonce: u64, tx: &PooledTransaction) {
        self.txs.remove(&nonce);
        self.subtract(tx);
    }

    fn subtract(&mut self, tx: &PooledTransaction) {
        self.bytes = self.bytes.saturating_sub(tx.encoded.len());
        self.cost = self.cost.saturating_sub(tx.cost);
    }

    fn extend_run(&mut self) {
        self.run_end = self.run_end.max(self.next);
        while self.txs.contains_key(&self.run_end) {
            self.run_end = self.run_end.saturating_add(1);
        }
    }

    /// Works out afresh what follows from the transactions and `next`.
    fn recount(&mut self) {
        self.run_end = self.next;
        self.extend_run();
        self.taken_cost = self
            .txs
            .range(..self.next)
            .fold(U256::ZERO, |sum, (_, queued)| {
                sum.saturating_add(queued.tx.cost)
            });
    }
}
