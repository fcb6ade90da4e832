//! The mempool: transactions that were acknowledged and wait for a block.
//!
//! ```text
//! RPC ── submit: decode, recover, check ──► queues ── take_ready ──► engine
//!              └─► journal (hash returned)     ▲                       │
//!                                              └── on_block, on_unwind ┘
//! ```
//! Submission runs on the caller's thread; the engine only takes what can be executed, in order of
//! tip, arrival and nonce. The state must show a block before [`Mempool::on_block`] tells the pool of it:
//! an account read for a newcomer is then never older than the pool's knowledge.

mod admission;
mod dropped;
mod error;
mod limits;
mod pool;
mod pressure;
mod queue;
mod submission;
#[cfg(test)]
mod tests;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes};
use futures::future::BoxFuture;
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::{Notify, broadcast};
use trestle_protocol::{AccountInfo, ChainConfig, StateDiff};

pub use error::{DropReason, PoolError};
pub use limits::PoolLimits;
pub use pressure::{Backlog, BacklogLimits};
pub use transaction::PooledTransaction;

use pool::Pool;

/// Announcements of new transactions that a slow listener may fall behind.
const ANNOUNCEMENTS: usize = 4_096;

/// A sender's account at the newest block.
#[derive(Debug, Clone, Default)]
pub struct SenderAccount {
    /// Nonce, balance and code hash.
    pub info: AccountInfo,
    /// The code; empty for most senders, an EIP-7702 delegation for some.
    pub code: Bytes,
}

/// Gives accounts at the newest executed block.
pub trait AccountSource: Send + Sync + std::fmt::Debug {
    /// The account of `sender`; the default one if it does not exist.
    ///
    /// # Errors
    /// The store's error, in words.
    fn account(&self, sender: Address) -> Result<SenderAccount, String> {
        let mut all = self.accounts(&[sender])?;
        all.pop().ok_or_else(|| "no account was read".to_owned())
    }

    /// The accounts of several senders, in their order, all at one block.
    ///
    /// # Errors
    /// The store's error, in words.
    fn accounts(&self, senders: &[Address]) -> Result<Vec<SenderAccount>, String>;
}

/// Makes transactions durable before their hash is returned.
pub trait TransactionJournal: Send + Sync + std::fmt::Debug {
    /// Appends encodings, known by their hashes, before it returns; the answer comes when all are on
    /// disk. Called with the pool locked.
    fn admit(&self, transactions: Vec<(B256, Bytes)>) -> BoxFuture<'static, Result<(), String>>;

    /// Notes that transactions will never be included.
    fn forget(&self, hashes: Vec<B256>);
}

/// What the next block asks of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeView {
    /// Base fee of a block sealed now, in wei per gas. Cheaper transactions wait.
    pub base_fee: u128,
    /// Fee cap below which a transaction is refused, in wei per gas: the floor of the base fee, or
    /// the node's own admission price if that is higher.
    pub least_fee: u128,
    /// Gas that a block gives to user transactions at most.
    pub block_gas: u64,
}

/// Where an acknowledged transaction is, as far as the pool knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Nonces before its own are missing.
    Queued,
    /// It waits for its turn, fee or funds.
    Pending,
    /// The engine has it.
    Sequencing,
    /// It left the pool without being included.
    Dropped(DropReason),
}

/// What a new block means for the pool.
#[derive(Debug)]
pub struct BlockUpdate<'a> {
    /// Hashes of its transactions.
    pub included: &'a [B256],
    /// What it changed.
    pub diff: &'a StateDiff,
    /// What the block after it asks.
    pub fees: FeeView,
}

/// The mempool. Shared by the RPC and the engine.
#[derive(Debug)]
pub struct Mempool {
    config: Arc<ChainConfig>,
    pool: Mutex<Pool>,
    /// Rings when something became ready, for the engine's thread.
    ready: Condvar,
    /// The same for asynchronous waiters.
    notify: Notify,
    accounts: Arc<dyn AccountSource>,
    journal: Arc<dyn TransactionJournal>,
    announcements: broadcast::Sender<Arc<PooledTransaction>>,
    paused: Mutex<Option<&'static str>>,
    /// Percent of the least fee that a newcomer must offer; 0 takes none.
    admission: AtomicU32,
}

impl Mempool {
    /// An empty pool.
    pub fn new(
        config: Arc<ChainConfig>,
        limits: PoolLimits,
        fees: FeeView,
        accounts: Arc<dyn AccountSource>,
        journal: Arc<dyn TransactionJournal>,
    ) -> Self {
        Self {
            config,
            pool: Mutex::new(Pool::new(limits, fees)),
            ready: Condvar::new(),
            notify: Notify::new(),
            accounts,
            journal,
            announcements: broadcast::Sender::new(ANNOUNCEMENTS),
            paused: Mutex::new(None),
            admission: AtomicU32::new(100),
        }
    }

    /// Fee cap that a newcomer must offer at least, in wei per gas; `None` while none is taken.
    pub fn admission_price(&self) -> Option<u128> {
        let percent = u128::from(self.admission.load(Ordering::Relaxed));
        let least = self.fees().least_fee;
        (percent > 0).then(|| least.saturating_mul(percent) / 100)
    }

    /// A tip with which a newcomer is soon served, in wei per gas; 0 unless many wait.
    pub fn fair_tip(&self) -> u128 {
        self.pool.lock().fair_tip()
    }

    /// Sets the price of admission, in percent of the least fee; `None` takes no newcomers.
    pub fn set_admission(&self, percent: Option<u32>) {
        self.admission
            .store(percent.unwrap_or(0), Ordering::Relaxed);
    }

    /// Decodes a transaction and recovers its sender.
    ///
    /// # Errors
    /// As [`PooledTransaction::decode`].
    pub fn decode(&self, encoded: Bytes) -> Result<PooledTransaction, PoolError> {
        PooledTransaction::decode(encoded, self.max_bytes())
    }

    fn max_bytes(&self) -> usize {
        usize::try_from(self.config.max_tx_bytes).unwrap_or(usize::MAX)
    }

    /// Decodes transactions and recovers their senders, each with its own answer.
    fn decode_all(&self, encoded: Vec<Bytes>) -> Vec<Result<PooledTransaction, PoolError>> {
        PooledTransaction::decode_all(encoded, self.max_bytes())
    }

    /// Hands over up to `max` transactions for execution, in order of tip, arrival and nonce.
    ///
    /// The pool keeps them until [`Mempool::on_block`] reports their nonces used, or
    /// [`Mempool::hand_back`] or [`Mempool::reject`] names them.
    pub fn take_ready(&self, max: usize) -> Vec<Arc<PooledTransaction>> {
        self.pool.lock().take_ready(max)
    }

    /// Blocks this thread until something is ready or `timeout` is over; tells which.
    pub fn wait_ready(&self, timeout: Duration) -> bool {
        let mut pool = self.pool.lock();
        if !pool.has_ready() {
            self.ready.wait_for(&mut pool, timeout);
        }
        pool.has_ready()
    }

    /// Waits until something is ready.
    pub async fn ready(&self) {
        loop {
            let notified = self.notify.notified();
            if self.pool.lock().has_ready() {
                return;
            }
            notified.await;
        }
    }

    /// The engine has no room for this transaction now: it, and its sender's later ones, are ready
    /// again.
    pub fn hand_back(&self, hash: &B256) {
        self.pool.lock().hand_back(hash);
        self.wake();
    }

    /// The engine found this transaction invalid. The sender's later ones return to the pool and wait
    /// for another with this nonce.
    pub fn reject(&self, hash: &B256, reason: String) {
        let mut pool = self.pool.lock();
        pool.reject(hash, reason);
        let gone = pool.take_gone();
        drop(pool);
        self.forget(gone);
    }

    /// Takes in a block that the state shows already.
    pub fn on_block(&self, update: &BlockUpdate<'_>) {
        let mut pool = self.pool.lock();
        pool.included(update.included.iter());
        for (address, change) in &update.diff.accounts {
            if pool.has_sender(address) {
                pool.settle(*address, change.info.unwrap_or_default());
            }
        }
        pool.set_fees(update.fees);
        self.release(pool);
    }

    /// Takes in that the chain was rewound to the block that the state now shows, or that the node
    /// has just started. `kept` is what the journal holds in no block: it returns to the pool; what
    /// is no longer valid is dropped, and [`Mempool::stage`] says why.
    ///
    /// # Errors
    /// [`PoolError::Storage`] when an account cannot be read.
    pub fn on_unwind(&self, kept: Vec<PooledTransaction>, fees: FeeView) -> Result<(), PoolError> {
        let senders = {
            let mut pool = self.pool.lock();
            pool.included(std::iter::empty());
            pool.set_fees(fees);
            pool.senders()
        };
        for sender in senders {
            let account = self.accounts.account(sender).map_err(PoolError::Storage)?;
            self.pool.lock().rewind(sender, account.info);
        }
        self.readmit(kept)?;
        self.wake();
        Ok(())
    }

    fn readmit(&self, mut kept: Vec<PooledTransaction>) -> Result<(), PoolError> {
        kept.sort_by_key(PooledTransaction::nonce);
        for tx in kept {
            let hash = tx.hash();
            match self.insert(tx) {
                Ok(_) | Err(PoolError::AlreadyKnown) => {}
                Err(error @ PoolError::Storage(_)) => return Err(error),
                Err(error) => {
                    let reason = DropReason::Invalid(error.to_string());
                    self.pool.lock().note_dropped(hash, reason);
                }
            }
        }
        let gone = self.pool.lock().take_gone();
        self.forget(gone);
        Ok(())
    }

    /// Sets what the next block asks, when time or the L1 changed it.
    pub fn set_fees(&self, fees: FeeView) {
        self.pool.lock().set_fees(fees);
        self.wake();
    }

    /// What the next block asks.
    pub fn fees(&self) -> FeeView {
        self.pool.lock().fees
    }

    /// Refuses submissions from now on, for this reason; `None` takes them again.
    pub fn set_paused(&self, reason: Option<&'static str>) {
        *self.paused.lock() = reason;
    }

    /// The nonce that `sender` should use next, if it has transactions here.
    pub fn pending_nonce(&self, sender: &Address) -> Option<u64> {
        self.pool.lock().pending_nonce(sender)
    }

    /// A transaction by hash.
    pub fn get(&self, hash: &B256) -> Option<Arc<PooledTransaction>> {
        self.pool.lock().get(hash)
    }

    /// Where a transaction is; `None` for one that is not known, or is in a block.
    pub fn stage(&self, hash: &B256) -> Option<Stage> {
        self.pool.lock().stage(hash)
    }

    /// Every transaction by sender and nonce, with whether its nonce follows on from the state.
    pub fn content(&self) -> Vec<(bool, Arc<PooledTransaction>)> {
        self.pool.lock().content()
    }

    /// Number of transactions.
    pub fn len(&self) -> usize {
        self.pool.lock().len()
    }

    /// Whether there is no transaction.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all transactions.
    pub fn bytes(&self) -> usize {
        self.pool.lock().bytes()
    }

    /// Announces every admitted transaction.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<PooledTransaction>> {
        self.announcements.subscribe()
    }

    /// Ends a change of the pool: the journal forgets what was dropped, and the engine wakes for what is ready.
    fn release(&self, mut pool: MutexGuard<'_, Pool>) {
        let (has_ready, gone) = (pool.has_ready(), pool.take_gone());
        drop(pool);
        self.forget(gone);
        if has_ready {
            self.wake();
        }
    }

    fn forget(&self, gone: Vec<B256>) {
        if !gone.is_empty() {
            self.journal.forget(gone);
        }
    }

    fn wake(&self) {
        self.ready.notify_all();
        self.notify.notify_waiters();
    }
}
