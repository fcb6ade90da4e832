//! An L2 block as a batch carries it, with what it costs of the batch's limits.

use alloy_consensus::Transaction;
use alloy_primitives::B256;
use op_alloy_consensus::OpTxEnvelope;
use std::time::Instant;
use trestle_protocol::{
    BLOCK_ENTRY_WORK, Body, ChainConfig, EntryBody, QueuedEntry, SealedHeader,
    payload::{PayloadBlock, PayloadTx},
    transaction_work,
};

/// Bytes of a signature in a payload.
const SIGNATURE_BYTES: usize = 64;

/// A sealed block, ready for a batch.
#[derive(Debug, Clone)]
pub struct BatchBlock {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Hash of the block before.
    pub parent: B256,
    /// What the payload says of it.
    pub declared: PayloadBlock,
    /// Number of queue entries consumed with this block, and the queue's accumulator after them;
    /// `None` when it consumes none.
    pub deposits: Option<(u64, B256)>,
    /// Gas charge of the queue entries that it consumes.
    pub deposit_gas: u64,
    /// Work that derivation charges for it, apart from its bytes.
    pub work: u64,
    /// Bytes that no compression takes away: the signatures.
    pub least_bytes: usize,
    /// Signatures and inputs, in bytes: a guess at what it may come to.
    pub guessed_bytes: usize,
    /// Whether it holds nothing but L1 attributes: no reason to hurry.
    pub is_idle: bool,
    /// When the batcher first saw it.
    pub seen: Instant,
}

impl BatchBlock {
    /// Takes a sealed block apart; `entries` are those that it consumes.
    #[must_use]
    pub fn new(
        config: &ChainConfig,
        header: &SealedHeader,
        body: &Body,
        entries: &[QueuedEntry],
    ) -> Self {
        let user: Vec<&OpTxEnvelope> = body
            .transactions
            .iter()
            .filter(|tx| !tx.is_deposit())
            .collect();
        let least_bytes = user.len().saturating_mul(SIGNATURE_BYTES);
        let inputs: usize = user.iter().map(|tx| Transaction::input(*tx).len()).sum();
        let only_attributes = entries
            .iter()
            .all(|entry| matches!(entry.entry.body, EntryBody::Attributes(_)));
        let deposits = entries
            .last()
            .map(|entry| (entry.index.saturating_add(1), entry.acc));
        let deposit_gas = entries
            .iter()
            .map(|entry| entry.entry.gas(config.system_entry_gas))
            .fold(0, u64::saturating_add);
        Self {
            number: header.header.number,
            hash: header.hash,
            parent: header.header.parent_hash,
            deposits,
            deposit_gas,
            work: config.block_work.saturating_add(user_work(body)),
            least_bytes,
            guessed_bytes: least_bytes.saturating_add(inputs),
            is_idle: user.is_empty() && only_attributes,
            declared: PayloadBlock {
                timestamp: header.header.timestamp,
                deposit_count: u64::try_from(entries.len()).unwrap_or(u64::MAX),
                transactions: user.into_iter().cloned().map(PayloadTx::Typed).collect(),
            },
            seen: Instant::now(),
        }
    }
}

/// Work of the user transactions: the gas that each used, or the least it is charged.
fn user_work(body: &Body) -> u64 {
    let mut before = 0u64;
    let mut work = 0u64;
    for (tx, receipt) in body.transactions.iter().zip(&body.receipts) {
        let after = receipt.cumulative_gas_used();
        if !tx.is_deposit() {
            let used = after.saturating_sub(before);
            work = work.saturating_add(used.max(transaction_work(tx)).max(BLOCK_ENTRY_WORK));
        }
        before = after;
    }
    work
}
