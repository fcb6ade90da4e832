//! An L2 block as a batch carries it, with what it costs of the batch's limits.

use alloy_consensus::Transaction;
use alloy_primitives::B256;
use op_alloy_consensus::OpTxEnvelope;
use std::time::Instant;
use trestle_protocol::{
    BLOCK_ENTRY_WORK, ChainConfig, EntryBody, QueuedEntry, SealedHeader,
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
    /// Takes a sealed block apart: its transactions, the gas that each used, and the queue `entries` that it consumes.
    #[must_use]
    pub fn new(
        config: &ChainConfig,
        header: &SealedHeader,
        transactions: &[OpTxEnvelope],
        gas_used: &[u64],
        entries: &[QueuedEntry],
    ) -> Self {
        let user: Vec<&OpTxEnvelope> = transactions.iter().filter(|tx| !tx.is_deposit()).collect();
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
            work: config
                .block_work
                .saturating_add(user_work(transactions, gas_used)),
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
fn user_work(transactions: &[OpTxEnvelope], gas_used: &[u64]) -> u64 {
    transactions
        .iter()
        .zip(gas_used)
        .filter(|(tx, _)| !tx.is_deposit())
        .map(|(tx, used)| transaction_work(tx).max(*used).max(BLOCK_ENTRY_WORK))
        .fold(0, u64::saturating_add)
}
