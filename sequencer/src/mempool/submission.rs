//! The way into the pool. Transactions that come together share one look at the accounts, one lock of the pool
//! and one record of the journal to wait for; each has its own answer.

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use futures::future::BoxFuture;

use super::{
    Mempool, PoolError, PooledTransaction, SenderAccount,
    admission::{check_sender, check_transaction},
    pool::Pool,
};

/// What became of transactions that came together, in their order.
type Entered = Vec<Result<Arc<PooledTransaction>, PoolError>>;

impl Mempool {
    /// Admits an encoded transaction; returns its hash once it is on disk.
    ///
    /// # Errors
    /// Why it is refused. After [`PoolError::Storage`] it may still be included.
    pub async fn submit(&self, encoded: Bytes) -> Result<B256, PoolError> {
        let mut answers = self.submit_all(vec![encoded]).await;
        let none = || PoolError::Storage("no answer".to_owned());
        answers.pop().ok_or_else(none)?
    }

    /// The same for several, in their order: one that is refused keeps no other out.
    pub async fn submit_all(&self, encoded: Vec<Bytes>) -> Vec<Result<B256, PoolError>> {
        if let Some(reason) = *self.paused.lock() {
            let refuse = |_| Err(PoolError::Paused(reason));
            return encoded.into_iter().map(refuse).collect();
        }
        let priced = |tx: Result<PooledTransaction, PoolError>| {
            let tx = tx?;
            self.check_price(&tx).map(|()| tx)
        };
        let decoded = self.decode_all(encoded).into_iter().map(priced).collect();
        let (entered, durable) = self.enter(decoded, |admitted| {
            let record = |tx: &Arc<PooledTransaction>| (tx.hash(), tx.encoded.clone());
            self.journal.admit(admitted.iter().map(record).collect())
        });
        let on_disk = wait(durable).await;
        let answer = |tx: Result<Arc<PooledTransaction>, PoolError>| {
            let tx = tx?;
            on_disk.clone().map_err(PoolError::Storage)?;
            Ok(tx.hash())
        };
        entered.into_iter().map(answer).collect()
    }

    /// Admits a decoded transaction without journaling it: one that was read from the journal.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn insert(&self, tx: PooledTransaction) -> Result<Arc<PooledTransaction>, PoolError> {
        let (mut entered, _) = self.enter(vec![Ok(tx)], |_| ());
        let none = || PoolError::Storage("no answer".to_owned());
        entered.pop().ok_or_else(none)?
    }

    /// Newcomers pay for what waits for L1, and wait while that or the database is too far behind; what was admitted once
    /// is not asked again.
    fn check_price(&self, tx: &PooledTransaction) -> Result<(), PoolError> {
        let want = self.admission_price().ok_or(PoolError::Backlogged)?;
        let have = tx.max_fee();
        if have < want {
            return Err(PoolError::Underpriced { have, want });
        }
        Ok(())
    }

    /// Admits transactions and calls `journal` with those admitted, if any, before the engine can see them: the
    /// records of their admission then precede that of their block.
    fn enter<T>(
        &self,
        txs: Vec<Result<PooledTransaction, PoolError>>,
        journal: impl FnOnce(&[Arc<PooledTransaction>]) -> T,
    ) -> (Entered, Option<T>) {
        let fees = self.fees();
        let check = |tx: Result<PooledTransaction, PoolError>| {
            let tx = tx?;
            check_transaction(&self.config, &tx, &fees).map(|()| Arc::new(tx))
        };
        let checked: Vec<_> = txs.into_iter().map(check).collect();
        let senders: Vec<_> = checked.iter().flatten().map(|tx| tx.sender).collect();
        loop {
            let generation = self.pool.lock().generation;
            let accounts = match self.accounts.accounts(&senders) {
                Ok(accounts) => accounts,
                Err(error) => return (all_failed(checked, &error), None),
            };
            let mut pool = self.pool.lock();
            let is_new = |sender| !pool.has_sender(sender);
            if pool.generation != generation && senders.iter().any(is_new) {
                // A block came between; the accounts may be stale.
                continue;
            }
            let entered = insert_all(&mut pool, checked, accounts);
            let admitted: Vec<_> = entered.iter().flatten().cloned().collect();
            let journaled = (!admitted.is_empty()).then(|| journal(&admitted));
            self.release(pool);
            for tx in admitted {
                let _ = self.announcements.send(tx);
            }
            return (entered, journaled);
        }
    }
}

/// Inserts what is valid; `accounts` are those of the senders of what is no error yet.
fn insert_all(pool: &mut Pool, checked: Entered, accounts: Vec<SenderAccount>) -> Entered {
    let mut accounts = accounts.into_iter();
    let mut insert = |tx: Arc<PooledTransaction>| {
        let none = || PoolError::Storage("an account was not read".to_owned());
        let account = accounts.next().ok_or_else(none)?;
        if pool.contains(&tx.hash()) {
            return Err(PoolError::AlreadyKnown);
        }
        check_sender(&tx, &account)?;
        // Whoever passed with code has a delegation.
        let is_delegated = !account.code.is_empty();
        pool.insert(Arc::clone(&tx), account.info, is_delegated)?;
        Ok(tx)
    };
    checked.into_iter().map(|tx| insert(tx?)).collect()
}

fn all_failed(checked: Entered, error: &str) -> Entered {
    let fail = |tx: Result<_, _>| tx.and(Err(PoolError::Storage(error.to_owned())));
    checked.into_iter().map(fail).collect()
}

async fn wait(durable: Option<BoxFuture<'static, Result<(), String>>>) -> Result<(), String> {
    match durable {
        Some(durable) => durable.await,
        None => Ok(()),
    }
}
