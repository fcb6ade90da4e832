//! Who may enter, and who has to go for it: room in a pool that is full, and what a tip is worth in one that is
//! crowded (`docs/mempool.md`).

use std::cmp::Reverse;

use alloy_primitives::{Address, B256};

use super::Pool;
use crate::mempool::{DropReason, PoolError, PoolLimits, PooledTransaction, queue::Queue};

/// Bytes in the pool, and blocks' worth of gas, beyond which a tip is worth its money: about two blocks.
const CROWD_BYTES: usize = 200_000;
const CROWD_BLOCKS: u64 = 2;

impl Pool {
    /// Others can spend what a delegated account has, and so invalidate all that it has here by one
    /// transaction: it may have little here, and so may one that a pooled transaction would delegate.
    pub(super) fn check_delegations(
        &self,
        tx: &PooledTransaction,
        is_delegated: bool,
    ) -> Result<(), PoolError> {
        let limit = self.limits.delegated_count;
        let held = |account: &Address| self.queues.get(account).map_or(0, Queue::len);
        let is_bounded = is_delegated || self.authorities.contains_key(&tx.sender);
        if is_bounded && !self.replaces(tx) && held(&tx.sender) >= limit {
            return Err(PoolError::DelegatedFull { limit });
        }
        match tx.authorities.iter().find(|account| held(account) > limit) {
            Some(_) => Err(PoolError::AuthorityBusy { limit }),
            None => Ok(()),
        }
    }

    fn replaces(&self, tx: &PooledTransaction) -> bool {
        let queue = self.queues.get(&tx.sender);
        queue.is_some_and(|queue| queue.get(tx.nonce()).is_some())
    }

    /// A replacement for which there is no room must not cost the sender what it would replace.
    pub(super) fn check_replacement(&self, tx: &PooledTransaction) -> Result<(), PoolError> {
        let old = self
            .queues
            .get(&tx.sender)
            .and_then(|queue| queue.get(tx.nonce()));
        let bytes = old.map_or(0, |old| {
            let (old, new) = (old.tx.encoded.len(), tx.encoded.len());
            self.bytes.saturating_sub(old).saturating_add(new)
        });
        if bytes > self.limits.total_bytes {
            return Err(PoolError::Full);
        }
        Ok(())
    }

    /// The tip that a transaction pays if it is executed now, or one before it if that pays less; `None`
    /// if it cannot be.
    fn tip_now(&self, hash: &B256) -> Option<u128> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        let queue = self.queues.get(sender)?;
        let base_fee = self.fees.base_fee;
        let is_next = *nonce < queue.pending_nonce() && queue.head().is_some();
        let mut run = queue.run_to(*nonce).filter(|_| is_next).peekable();
        run.peek()?;
        run.try_fold(u128::MAX, |least, queued| {
            Some(least.min(queued.tx.tip_at(base_fee)?))
        })
    }

    /// A tip with which a newcomer is soon served, in wei per gas: 0 unless many wait, otherwise more than
    /// all but about a block's worth offer, and no more than the base fee, whatever they do.
    pub(in crate::mempool) fn fair_tip(&self) -> u128 {
        if !self.is_crowded() {
            return 0;
        }
        let (mut before, mut beaten) = (0u64, 0);
        for ((Reverse(tip), _), sender) in &self.ready {
            beaten = *tip;
            before = before.saturating_add(self.queues.get(sender).map_or(0, Queue::gas));
            if before > self.fees.block_gas {
                break;
            }
        }
        let raised = beaten.saturating_add(beaten / 10).saturating_add(1);
        raised.min(self.fees.base_fee)
    }

    fn is_crowded(&self) -> bool {
        let (bytes, count) = (self.limits.total_bytes, self.limits.total_count);
        self.gas > self.fees.block_gas.saturating_mul(CROWD_BLOCKS)
            || self.bytes > CROWD_BYTES.min(bytes / 2)
            || self.by_hash.len() > count / 2
    }

    /// Evicts what is worth least until the pool is within its bounds.
    ///
    /// Fails, having removed nothing but the newcomer, if what would have to go is worth as much as it.
    pub(super) fn make_room(&mut self, newcomer: &B256) -> Result<(), PoolError> {
        if self.excess() == (0, 0) {
            return Ok(());
        }
        let tip = self.tip_now(newcomer);
        if !tip.is_some_and(|tip| self.can_make_room(newcomer, tip)) {
            self.take_out(newcomer);
            return Err(PoolError::Full);
        }
        while self.excess() != (0, 0) {
            let victim = self.tails.first().and_then(|(_, _, sender)| {
                let tail = self.queues.get(sender)?.last()?;
                Some(tail.tx.hash())
            });
            match victim {
                Some(hash) if hash != *newcomer => self.remove(&hash, DropReason::Evicted),
                _ => {
                    self.take_out(newcomer);
                    return Err(PoolError::Full);
                }
            }
        }
        Ok(())
    }

    /// Bytes and transactions above the bounds.
    fn excess(&self) -> (usize, usize) {
        let PoolLimits {
            total_bytes,
            total_count,
            ..
        } = self.limits;
        let count = self.by_hash.len();
        (
            self.bytes.saturating_sub(total_bytes),
            count.saturating_sub(total_count),
        )
    }

    /// Whether the last of each queue that yields to `tip` are enough: otherwise a newcomer that is
    /// refused in the end, and never pays, would have evicted some of them.
    fn can_make_room(&self, newcomer: &B256, tip: u128) -> bool {
        let (mut bytes, mut count) = self.excess();
        for (worth, _, sender) in &self.tails {
            if (bytes, count) == (0, 0) || !worth.yields_to(tip) {
                break;
            }
            let tail = self.queues.get(sender).and_then(Queue::last);
            if let Some(tail) = tail.filter(|tail| tail.tx.hash() != *newcomer) {
                bytes = bytes.saturating_sub(tail.tx.encoded.len());
                count = count.saturating_sub(1);
            }
        }
        (bytes, count) == (0, 0)
    }
}
