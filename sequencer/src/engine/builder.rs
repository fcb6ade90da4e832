//! The sequencer's side of the engine: transactions into blocks.
//!
//! A block begins when there is something to include and is sealed when nothing more is ready, when
//! it is full, or after [`BuilderConfig::longest_block`]. Under load it stays open for what still
//! comes, until [`BuilderConfig::pace`] after the one before: what a block costs however little is in
//! it (upper nodes of the tries, a header, a record to sync) is then shared by many transactions. Every
//! transaction is executed once, in the block that it is sealed in.

use super::{Chain, EngineError, L1Ledger, chain::next_deposit, clock::ChainClock};
use crate::{
    mempool::{BlockUpdate, FeeView, Mempool, PooledTransaction},
    store::{StateView, Store},
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, U256};
use revm::database_interface::WrapDatabaseRef;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use trestle_protocol::{
    BlockInput, ChainConfig, HeaderExtra, OpenBlock, QueuedEntry, SealedBlock, SkipReason,
    entries_that_fit, fees, predeploys::ROLLUP_STATE, unpack_params,
};

/// Transactions asked of the pool at a time.
const GULP: usize = 256;

/// Transactions of two blocks from which on the chain counts as loaded: one client that waits for each
/// of its receipts is none.
const LOADED: usize = 32;
/// How long an open block sleeps before it looks for more, so that not every arrival wakes the engine.
const NAP: Duration = Duration::from_millis(1);

/// How long the engine rests before it looks again whether the disk has caught up.
const MOMENT: Duration = Duration::from_millis(5);

/// How blocks are built.
#[derive(Debug, Clone, Copy)]
pub struct BuilderConfig {
    /// Longest time that a block stays open under load.
    pub longest_block: Duration,
    /// Least time between the seals of two blocks under load.
    pub pace: Duration,
    /// Pause between blocks that only take in what L1 said.
    pub heartbeat: Duration,
    /// L1 blocks on top of the one that enqueued an entry before it is consumed. An L1 reorg no
    /// deeper than this changes no block.
    pub deposit_depth: u64,
    /// Most bytes of user transactions in a block, EIP-2718 encoded, so that one payload holds it.
    pub max_block_bytes: usize,
}

impl Default for BuilderConfig {
    fn default() -> Self {
        Self {
            longest_block: Duration::from_millis(20),
            pace: Duration::from_millis(10),
            heartbeat: Duration::from_secs(1),
            deposit_depth: 6,
            max_block_bytes: 97_000,
        }
    }
}

/// Builds blocks on the chain.
#[derive(Debug)]
pub(super) struct Builder {
    config: BuilderConfig,
    mempool: Arc<Mempool>,
    last_heartbeat: Instant,
    /// When the last block was sealed, and with how many transactions.
    sealed: (Instant, usize),
    /// Queue entries that are deep enough to be consumed.
    consumable: u64,
    clock: ChainClock,
}

/// A block as it is filled.
struct Filling {
    block: OpenBlock<WrapDatabaseRef<StateView>>,
    bytes: usize,
    taken: Vec<Arc<PooledTransaction>>,
}

impl Builder {
    /// `max_time_drift`: seconds that a block may be ahead of L1.
    pub(super) fn new(config: BuilderConfig, mempool: Arc<Mempool>, max_time_drift: u64) -> Self {
        Self {
            clock: ChainClock::new(max_time_drift),
            config,
            mempool,
            last_heartbeat: Instant::now(),
            sealed: (Instant::now(), 0),
            consumable: 0,
        }
    }

    /// Notes what time it is on L1, and how much of the queue lies deep enough in it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn see_l1(&mut self, ledger: &L1Ledger) -> Result<(), EngineError> {
        self.clock.see_l1(ledger.newest().time);
        self.consumable = ledger.deposits_below(self.config.deposit_depth)?;
        Ok(())
    }

    /// Waits for a transaction, for at most `timeout`.
    pub(super) fn wait(&self, timeout: Duration) {
        self.mempool.wait_ready(timeout);
    }

    /// Builds and seals one block if there is anything to include.
    ///
    /// # Errors
    /// When state cannot be read or the store refuses; transactions taken go back to the pool.
    pub(super) fn build(
        &mut self,
        chain: &mut Chain,
        ledger: &L1Ledger,
    ) -> Result<Option<Arc<SealedBlock>>, EngineError> {
        // First, and also where no block may come: it reads the store, and a database that cannot be read ends the engine.
        let fees = fee_view(chain.config(), chain.store(), self.clock.now())?;
        self.mempool.set_fees(fees);
        if self.holds_back(chain.store()) {
            return Ok(None);
        }
        let entries = self.entries(chain, ledger)?;
        if entries.is_empty() && !self.mempool.wait_ready(Duration::ZERO) {
            return Ok(None);
        }
        let mut taken = Vec::new();
        let begun = Instant::now();
        let outcome = self.fill_and_append(chain, &entries, &mut taken);
        match &outcome {
            Ok(Some(block)) => {
                count_sealed(block, begun);
                self.sealed = (Instant::now(), block.body.transactions.len());
                self.report(chain, block)?;
            }
            Ok(None) | Err(_) => taken.iter().for_each(|tx: &Arc<PooledTransaction>| {
                self.mempool.hand_back(&tx.hash());
            }),
        }
        outcome
    }

    /// Whether no block may come yet because the disk is behind; then some time has passed.
    fn holds_back(&self, store: &Store) -> bool {
        let rest = match store.lag().pause() {
            Some(pause) => pause.saturating_sub(self.sealed.0.elapsed()),
            None => MOMENT,
        };
        if !rest.is_zero() {
            std::thread::sleep(rest.min(MOMENT));
        }
        !rest.is_zero()
    }

    /// Entries for the next block: all that are deep enough and fit, but no more often than the
    /// heartbeat.
    fn entries(
        &mut self,
        chain: &Chain,
        ledger: &L1Ledger,
    ) -> Result<Vec<QueuedEntry>, EngineError> {
        if self.last_heartbeat.elapsed() < self.config.heartbeat {
            return Ok(Vec::new());
        }
        let next = next_deposit(&chain.state()?.0)?;
        if next >= self.consumable {
            return Ok(Vec::new());
        }
        self.last_heartbeat = Instant::now();
        let mut entries = ledger.entries(next..self.consumable.min(next.saturating_add(512)))?;
        entries.truncate(entries_that_fit(chain.config(), entries.iter()));
        Ok(entries)
    }

    fn fill_and_append(
        &mut self,
        chain: &mut Chain,
        entries: &[QueuedEntry],
        taken: &mut Vec<Arc<PooledTransaction>>,
    ) -> Result<Option<Arc<SealedBlock>>, EngineError> {
        let newest = entries
            .iter()
            .map(|queued| queued.entry.l1_time)
            .max()
            .unwrap_or(0);
        self.clock.report();
        let timestamp = self
            .clock
            .now()
            .max(newest)
            .max(chain.head().header.timestamp);
        let config = Arc::clone(chain.config());
        let input = BlockInput {
            config: &config,
            parent: chain.head(),
            timestamp,
            entries,
        };
        let block = OpenBlock::begin(input, chain.state()?)?;
        let mut filling = Filling {
            block,
            bytes: 0,
            taken: Vec::new(),
        };
        let filled = self.fill(&mut filling);
        taken.append(&mut filling.taken);
        filled?;
        if filling.block.is_empty() {
            return Ok(None);
        }
        let (block, _ticket) = chain.append(filling.block.finish())?;
        Ok(Some(block))
    }

    /// Offers what the pool has until it has no more, the block is full, or time is up.
    fn fill(&self, filling: &mut Filling) -> Result<(), EngineError> {
        let begun = Instant::now();
        loop {
            let ready = self.mempool.take_ready(GULP);
            if ready.is_empty() {
                let Some(rest) = self.rest(filling.taken.len()) else {
                    return Ok(());
                };
                std::thread::sleep(rest.min(NAP));
                continue;
            }
            let mut ready = ready.into_iter();
            while let Some(tx) = ready.next() {
                let is_late = begun.elapsed() >= self.config.longest_block;
                if is_late || !self.offer(filling, &tx)? {
                    self.mempool.hand_back(&tx.hash());
                    ready.for_each(|tx| self.mempool.hand_back(&tx.hash()));
                    return Ok(());
                }
            }
        }
    }

    /// Time for which a block with `filled` transactions waits for more; `None` if it is to be sealed.
    fn rest(&self, filled: usize) -> Option<Duration> {
        let (sealed, before) = self.sealed;
        rest(self.config.pace, sealed.elapsed(), filled, before)
    }

    /// Offers one transaction; `false` if the block has no room for it.
    fn offer(
        &self,
        filling: &mut Filling,
        tx: &Arc<PooledTransaction>,
    ) -> Result<bool, EngineError> {
        let bytes = filling.bytes.saturating_add(tx.tx.encode_2718_len());
        if filling.bytes > 0 && bytes > self.config.max_block_bytes {
            return Ok(false);
        }
        filling.taken.push(Arc::clone(tx));
        match filling.block.offer(tx.tx.clone(), Some(tx.sender))? {
            Ok(_) => filling.bytes = bytes,
            Err(SkipReason::BlockGas) => {
                filling.taken.pop();
                return Ok(false);
            }
            Err(SkipReason::NonceTooHigh { .. }) => {
                // Its turn may come: an earlier one was rejected.
                filling.taken.pop();
                self.mempool.hand_back(&tx.hash());
            }
            Err(SkipReason::FeeBelowBase { .. }) => {
                // The fee rose since the pool was told, and asked again it would give this one again.
                filling.taken.pop();
                return Ok(false);
            }
            Err(reason) => {
                filling.taken.pop();
                self.mempool.reject(&tx.hash(), reason.to_string());
            }
        }
        Ok(true)
    }

    /// Tells the pool of a block that was sealed.
    fn report(&self, chain: &Chain, block: &SealedBlock) -> Result<(), EngineError> {
        report_block(&self.mempool, chain, block, self.clock.now())
    }

    /// Tells the pool that blocks were taken back, and gives it their transactions again.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn on_unwind(&self, chain: &Chain) -> Result<(), EngineError> {
        let decode = |encoded| self.mempool.decode(encoded).ok();
        let removed = chain
            .store()
            .pool()
            .into_iter()
            .filter_map(decode)
            .collect();
        let fees = fee_view(chain.config(), chain.store(), self.clock.now())?;
        self.mempool
            .on_unwind(removed, fees)
            .map_err(|_| EngineError::Internal("mempool cannot read accounts"))
    }
}

/// Time for which a block with `filled` transactions waits for more, `elapsed` after the last one, of `before`
/// transactions, was sealed; `None` if it is to be sealed.
fn rest(pace: Duration, elapsed: Duration, filled: usize, before: usize) -> Option<Duration> {
    let is_loaded = filled.saturating_add(before) >= LOADED;
    let rest = pace.checked_sub(elapsed)?;
    (is_loaded && filled > 0).then_some(rest)
}

/// Tells a monitor of a block that was begun at `begun`.
fn count_sealed(block: &SealedBlock, begun: Instant) {
    metrics::histogram!("trestle_seal_seconds").record(begun.elapsed());
    metrics::counter!("trestle_sealed_blocks_total").increment(1);
    metrics::counter!("trestle_sealed_transactions_total")
        .increment(block.body.transactions.len() as u64);
    metrics::counter!("trestle_sealed_gas_total").increment(block.header.header.gas_used);
}

/// Tells the pool of a block on top of the chain; it is `now` for the chain, in seconds.
pub(super) fn report_block(
    mempool: &Mempool,
    chain: &Chain,
    block: &SealedBlock,
    now: u64,
) -> Result<(), EngineError> {
    let user = block.body.transactions.iter().filter(|tx| !tx.is_deposit());
    let included: Vec<B256> = user.map(|tx| tx.tx_hash()).collect();
    let fees = fee_view(chain.config(), chain.store(), now)?;
    mempool.on_block(&BlockUpdate {
        included: &included,
        diff: &block.diff,
        fees,
    });
    Ok(())
}

/// What a block built on the store's newest at `now`, in seconds by the chain's clock, asks of transactions.
///
/// # Errors
/// When the store cannot be read.
pub fn fee_view(config: &ChainConfig, store: &Store, now: u64) -> Result<FeeView, EngineError> {
    let snapshot = store.sequenced()?;
    let number = snapshot.head().number;
    let head = snapshot
        .header(number)?
        .ok_or(EngineError::Internal("store has no block at its head"))?
        .header;
    let extra = HeaderExtra::decode(&head.extra_data)
        .map_err(|_| EngineError::Internal("head carries no fee state"))?;
    let seconds = now.saturating_sub(head.timestamp);
    let word = snapshot
        .state_at(number)?
        .slot(&ROLLUP_STATE, &U256::from(1))?;
    let limit = unpack_params(word).user_gas_limit;
    let drained = fees::drained_excess(config, extra, seconds);
    Ok(FeeView {
        base_fee: u128::from(fees::base_fee(config, extra, seconds)),
        least_fee: extra.floor,
        block_gas: fees::user_gas(config, limit, drained, 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Duration = Duration::from_millis(10);

    #[test]
    fn lone_transactions_are_sealed_at_once_and_many_wait_for_company() {
        let after = |millis, filled, before| {
            rest(PACE, Duration::from_millis(millis), filled, before).map(|rest| rest.as_millis())
        };
        assert_eq!(after(1, 1, 1), None);
        assert_eq!(after(1, LOADED, 0), Some(9));
        assert_eq!(after(4, 1, LOADED), Some(6));
        assert_eq!(after(11, LOADED, LOADED), None);
        // Nothing but what L1 said: nobody waits for it, and nothing is gained.
        assert_eq!(after(1, 0, 10 * LOADED), None);
    }
}
