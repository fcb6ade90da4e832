//! From a batch on L1 to its blocks. Total: every byte string has one result, and no error halts.
//!
//! The node derives with it what it did not sequence itself, the prover all of it. The caller seals
//! each block with the state root that it computes, and asks for the next. Spec: `SPEC.md`, 5.6.

use crate::{
    BatchHeader, BlockInput, ChainConfig, ExecutionError, OpenBlock, PendingBlock, QueuedEntry,
    SealedHeader,
    block::{deposit_range, executed_deposits},
    decode_transaction,
    payload::{Payload, PayloadBlock, PayloadLimits, PayloadTx, decode_columns, decompress},
    work::{BLOCK_ENTRY_WORK, transaction_work},
};
use alloc::{collections::VecDeque, vec::Vec};
use alloy_consensus::Header;
use core::ops::Range;
use op_alloy_consensus::OpTxEnvelope;
use revm::Database;

/// The blocks of one batch, one after another.
#[derive(Debug)]
pub struct Derivation {
    config: ChainConfig,
    l1_time: u64,
    entries: VecDeque<QueuedEntry>,
    declared: VecDeque<PayloadBlock>,
    work: u64,
}

impl Derivation {
    /// Takes the batch apart. `payload` is `None` for a forced batch and wherever L1 content has no
    /// payload bytes; `entries` are those of the header's range, in order.
    #[must_use]
    pub fn new(
        config: &ChainConfig,
        header: &BatchHeader,
        entries: Vec<QueuedEntry>,
        payload: Option<&[u8]>,
    ) -> Self {
        let limits = PayloadLimits::from(config);
        let decoded = payload.and_then(|bytes| {
            let columns = decompress(bytes, &limits).ok()?;
            Some((decode_columns(&columns, &limits).ok()?, columns.len()))
        });
        let (Payload { blocks }, size) = decoded.unwrap_or_default();
        let work = u64::try_from(size).unwrap_or(u64::MAX);
        Self {
            config: config.clone(),
            l1_time: header.l1_time,
            entries: entries.into(),
            declared: blocks.into(),
            work,
        }
    }

    /// The next block on `parent`, whose state `db` reads; `None` when the batch is used up.
    ///
    /// # Errors
    /// [`ExecutionError`]: the state cannot be read. Nothing in the batch causes one.
    pub fn next_block<DB: Database>(
        &mut self,
        parent: &SealedHeader,
        db: &mut DB,
    ) -> Result<Option<PendingBlock>, ExecutionError<DB::Error>> {
        while let Some(declared) = self.next_declared() {
            let block = self.execute(parent, declared, db)?;
            if !block.is_empty() {
                return Ok(Some(block));
            }
        }
        self.closing_block(parent, db)
    }

    /// The next declared block, while the work budget lasts; beyond it the payload is dropped.
    fn next_declared(&mut self) -> Option<PayloadBlock> {
        if !self.has_work_left() {
            self.declared.clear();
        }
        let declared = self.declared.pop_front()?;
        self.work = self.work.saturating_add(self.config.block_work);
        Some(declared)
    }

    const fn has_work_left(&self) -> bool {
        self.work < self.config.batch_work_budget
    }

    fn execute<DB: Database>(
        &mut self,
        parent: &SealedHeader,
        declared: PayloadBlock,
        db: &mut DB,
    ) -> Result<PendingBlock, ExecutionError<DB::Error>> {
        let entries = self.take_entries(declared.deposit_count);
        let timestamp = self.clamp_time(parent, &entries, declared.timestamp);
        let input = BlockInput {
            config: &self.config,
            parent,
            timestamp,
            entries: &entries,
        };
        let mut block = OpenBlock::begin(input, db)?;
        for entry in declared.transactions {
            if !self.has_work_left() {
                break;
            }
            self.offer(&mut block, entry)?;
        }
        Ok(block.finish())
    }

    /// Offers one entry of the payload and charges its work, included or not.
    fn offer<DB: Database>(
        &mut self,
        block: &mut OpenBlock<&mut DB>,
        entry: PayloadTx,
    ) -> Result<(), ExecutionError<DB::Error>> {
        let work = match decoded(entry) {
            Some(tx) => {
                let least = transaction_work(&tx);
                block
                    .offer(tx, None)?
                    .map_or(least, |gas_used| least.max(gas_used))
            }
            None => BLOCK_ENTRY_WORK,
        };
        self.work = self.work.saturating_add(work);
        Ok(())
    }

    /// Takes at most `count` entries from the front, as many as fit into one block.
    fn take_entries(&mut self, count: u64) -> Vec<QueuedEntry> {
        let fit = entries_that_fit(&self.config, self.entries.iter());
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(fit);
        self.entries.drain(..count).collect()
    }

    /// The declared time, within the bounds of parent, deposits and L1.
    fn clamp_time(&self, parent: &SealedHeader, entries: &[QueuedEntry], declared: u64) -> u64 {
        let deposits = entries
            .iter()
            .map(|queued| queued.entry.l1_time)
            .max()
            .unwrap_or(0);
        let oldest = self.l1_time.saturating_sub(self.config.max_time_lag);
        let low = parent.header.timestamp.max(deposits).max(oldest);
        let high = self.l1_time.saturating_add(self.config.max_time_drift);
        declared.min(high).max(low)
    }

    /// A block of what the payload left of the header's range.
    fn closing_block<DB: Database>(
        &mut self,
        parent: &SealedHeader,
        db: &mut DB,
    ) -> Result<Option<PendingBlock>, ExecutionError<DB::Error>> {
        if self.entries.is_empty() {
            return Ok(None);
        }
        self.execute(parent, PayloadBlock::closing(), db).map(Some)
    }
}

/// A block that exists already, to be held against a batch.
#[derive(Debug, Clone, Copy)]
pub struct KnownBlock<'a> {
    /// Its header.
    pub header: &'a Header,
    /// Its transactions, deposits first.
    pub transactions: &'a [OpTxEnvelope],
    /// Gas that each of them used.
    pub gas_used: &'a [u64],
    /// Queue entries that it consumed.
    pub deposits: &'a Range<u64>,
}

impl Derivation {
    /// Whether `known`, a valid block on `parent`, is what [`Self::next_block`] would give there.
    ///
    /// Compares what goes into the block; the same inputs on the same parent give the same block,
    /// so nothing is executed. After `false` this derivation is of no further use.
    pub fn confirm(&mut self, parent: &SealedHeader, known: KnownBlock<'_>) -> bool {
        let declared = match self.next_declared() {
            Some(declared) => declared,
            None if self.entries.is_empty() => return false,
            None => PayloadBlock::closing(),
        };
        let entries = self.take_entries(declared.deposit_count);
        if known.header.parent_hash != parent.hash
            || known.header.timestamp != self.clamp_time(parent, &entries, declared.timestamp)
            || *known.deposits != deposit_range(&entries)
        {
            return false;
        }
        let deposits = executed_deposits(&self.config, &entries);
        let (system, user) = known
            .transactions
            .split_at(deposits.len().min(known.transactions.len()));
        let same_deposits = system.len() == deposits.len()
            && system.iter().zip(&deposits).all(|(tx, deposit)| {
                tx.as_deposit()
                    .is_some_and(|tx| tx.source_hash == deposit.source_hash)
            });
        let gas = known.gas_used.get(deposits.len()..).unwrap_or_default();
        same_deposits && self.confirm_user(declared.transactions, user, gas)
    }

    fn confirm_user(
        &mut self,
        declared: Vec<PayloadTx>,
        user: &[OpTxEnvelope],
        gas: &[u64],
    ) -> bool {
        if declared.is_empty() && user.is_empty() {
            return true;
        }
        if declared.len() != user.len() || gas.len() != user.len() {
            return false;
        }
        declared
            .into_iter()
            .zip(user.iter().zip(gas))
            .all(|(declared, (tx, gas_used))| {
                let has_work_left = self.has_work_left();
                self.work = self
                    .work
                    .saturating_add(transaction_work(tx).max(*gas_used));
                has_work_left
                    && decoded(declared).is_some_and(|declared| declared.tx_hash() == tx.tx_hash())
            })
    }

    /// Whether nothing is left: no declared block and no queue entry.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.entries.is_empty() && (self.declared.is_empty() || !self.has_work_left())
    }
}

fn decoded(entry: PayloadTx) -> Option<OpTxEnvelope> {
    match entry {
        PayloadTx::Typed(tx) => Some(tx),
        PayloadTx::Raw(bytes) => decode_transaction(&bytes).ok(),
    }
}

impl PayloadBlock {
    /// A block that takes what the payload left of the queue, as early as it may.
    const fn closing() -> Self {
        Self {
            timestamp: 0,
            deposit_count: u64::MAX,
            transactions: Vec::new(),
        }
    }
}

/// How many of `entries`, from the front, one block can consume by their gas; at least one, if
/// there is any.
pub fn entries_that_fit<'a>(
    config: &ChainConfig,
    entries: impl Iterator<Item = &'a QueuedEntry>,
) -> usize {
    let mut gas = 0u64;
    let mut fit = 0usize;
    for queued in entries {
        gas = gas.saturating_add(queued.entry.gas(config.system_entry_gas));
        if fit > 0 && gas > config.block_gas_limit {
            break;
        }
        fit = fit.saturating_add(1);
    }
    fit
}
