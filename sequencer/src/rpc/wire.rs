//! Blocks, transactions and receipts in the shape that clients read.
//!
//! Fields follow Ethereum's execution-apis; deposits carry the OP Stack's extra ones, and a zero
//! signature with `v`, without which ethers and foundry cannot read them.

use alloy::rpc::types::{Block, BlockTransactions, Header, Log};
use alloy_consensus::{Sealed, Transaction, TxReceipt, Typed2718};
use alloy_eips::{eip2930::AccessList, eip4895::Withdrawals, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, Bloom, Bytes, Signature, U64, U256};
use alloy_rlp::Encodable;
use op_alloy_consensus::{OpReceiptEnvelope, OpTxEnvelope};
use serde::Serialize;

use trestle_protocol::SealedBlock;

use crate::mempool::PooledTransaction;

/// Lists of a block that are always empty: ommers and withdrawals, one byte each.
const EMPTY_LISTS: usize = 2;

/// Where a transaction is in a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) block_hash: B256,
    pub(super) block_number: u64,
    pub(super) timestamp: u64,
    pub(super) base_fee: u64,
    pub(super) index: usize,
}

/// A transaction, in a block or waiting.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RpcTransaction {
    block_hash: Option<B256>,
    block_number: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_timestamp: Option<U64>,
    transaction_index: Option<U64>,
    hash: B256,
    from: Address,
    to: Option<Address>,
    #[serde(rename = "type")]
    kind: U64,
    nonce: U64,
    gas: U64,
    gas_price: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fee_per_gas: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_priority_fee_per_gas: Option<U256>,
    value: U256,
    input: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_list: Option<AccessList>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_list: Option<Vec<SignedAuthorization>>,
    v: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    y_parity: Option<U64>,
    r: U256,
    s: U256,
    #[serde(flatten)]
    deposit: Option<DepositFields>,
}

/// What only deposits have.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct DepositFields {
    source_hash: B256,
    mint: U256,
    is_system_tx: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_receipt_version: Option<U64>,
}

impl RpcTransaction {
    /// The transaction at `index` of a block; `None` beyond its end.
    pub(super) fn in_block(block: &SealedBlock, index: usize) -> Option<Self> {
        let tx = block.body.transactions.get(index)?;
        let from = *block.body.senders.get(index)?;
        let mut shown = Self::new(tx, from, Some(place(block, index)));
        if let Some(OpReceiptEnvelope::Deposit(receipt)) = block.body.receipts.get(index) {
            shown.nonce = U64::from(receipt.receipt.deposit_nonce.unwrap_or_default());
            if let Some(fields) = &mut shown.deposit {
                fields.deposit_receipt_version =
                    receipt.receipt.deposit_receipt_version.map(U64::from);
            }
        }
        Some(shown)
    }

    /// A transaction of the mempool.
    pub(super) fn waiting(pooled: &PooledTransaction) -> Self {
        Self::new(&pooled.tx, pooled.sender, None)
    }

    fn new(tx: &OpTxEnvelope, from: Address, place: Option<Place>) -> Self {
        let (v, y_parity, signature) = signature(tx);
        let dynamic = tx.is_dynamic_fee() && !tx.is_deposit();
        let base_fee = place.map(|place| place.base_fee);
        Self {
            block_hash: place.map(|place| place.block_hash),
            block_number: place.map(|place| U64::from(place.block_number)),
            block_timestamp: place.map(|place| U64::from(place.timestamp)),
            transaction_index: place.map(|place| U64::from(place.index)),
            hash: tx.tx_hash(),
            from,
            to: tx.to(),
            kind: U64::from(tx.ty()),
            nonce: U64::from(tx.nonce()),
            gas: U64::from(tx.gas_limit()),
            gas_price: U256::from(effective_price(tx, base_fee)),
            max_fee_per_gas: dynamic.then(|| U256::from(tx.max_fee_per_gas())),
            max_priority_fee_per_gas: tx
                .max_priority_fee_per_gas()
                .filter(|_| dynamic)
                .map(U256::from),
            value: tx.value(),
            input: tx.input().clone(),
            chain_id: tx.chain_id().map(U64::from),
            access_list: tx.access_list().cloned(),
            authorization_list: tx.authorization_list().map(<[_]>::to_vec),
            v,
            y_parity,
            r: signature.r(),
            s: signature.s(),
            deposit: tx.as_deposit().map(|deposit| DepositFields {
                source_hash: deposit.source_hash,
                mint: U256::from(deposit.mint),
                is_system_tx: deposit.is_system_transaction,
                deposit_receipt_version: None,
            }),
        }
    }
}

/// The nonce that a transaction of a block used; a deposit's is in its receipt.
pub(super) fn nonce(block: &SealedBlock, index: usize) -> Option<u64> {
    match block.body.receipts.get(index)? {
        OpReceiptEnvelope::Deposit(receipt) => receipt.receipt.deposit_nonce,
        _ => Some(block.body.transactions.get(index)?.nonce()),
    }
}

/// Price paid per gas, in wei; outside a block the most that may be paid. Deposits pay nothing.
pub(super) fn effective_price(tx: &OpTxEnvelope, base_fee: Option<u64>) -> u128 {
    if tx.is_deposit() {
        0
    } else {
        tx.effective_gas_price(base_fee)
    }
}

/// `v`, `yParity` where the type has one, and the signature.
fn signature(tx: &OpTxEnvelope) -> (U64, Option<U64>, Signature) {
    let typed = |signature: &Signature| {
        let parity = U64::from(signature.v());
        (parity, Some(parity), *signature)
    };
    match tx {
        OpTxEnvelope::Legacy(tx) => {
            let signature = *tx.signature();
            let parity = u64::from(signature.v());
            let v = match tx.tx().chain_id {
                Some(id) => id
                    .saturating_mul(2)
                    .saturating_add(35)
                    .saturating_add(parity),
                None => 27 + parity,
            };
            (U64::from(v), None, signature)
        }
        OpTxEnvelope::Eip2930(tx) => typed(tx.signature()),
        OpTxEnvelope::Eip1559(tx) => typed(tx.signature()),
        OpTxEnvelope::Eip7702(tx) => typed(tx.signature()),
        _ => (
            U64::ZERO,
            None,
            Signature::new(U256::ZERO, U256::ZERO, false),
        ),
    }
}

fn place(block: &SealedBlock, index: usize) -> Place {
    Place {
        block_hash: block.header.hash,
        block_number: block.header.header.number,
        timestamp: block.header.header.timestamp,
        base_fee: block.header.header.base_fee_per_gas.unwrap_or_default(),
        index,
    }
}

/// The receipt of a transaction.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RpcReceipt {
    transaction_hash: B256,
    transaction_index: U64,
    block_hash: B256,
    block_number: U64,
    from: Address,
    to: Option<Address>,
    contract_address: Option<Address>,
    cumulative_gas_used: U64,
    gas_used: U64,
    effective_gas_price: U256,
    status: U64,
    #[serde(rename = "type")]
    kind: U64,
    logs_bloom: Bloom,
    logs: Vec<Log>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_nonce: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_receipt_version: Option<U64>,
}

impl RpcReceipt {
    /// What the transaction cost its sender beside its value, in wei.
    pub(super) fn fee(&self) -> U256 {
        self.effective_gas_price.saturating_mul(self.gas_used.to())
    }

    /// Its logs alone.
    pub(super) fn into_logs(self) -> Vec<Log> {
        self.logs
    }
}

/// The receipt at `index` of a block; `None` beyond its end.
pub(super) fn receipt(block: &SealedBlock, index: usize) -> Option<RpcReceipt> {
    let before = block.body.receipts.get(..index)?;
    let first_log = before.iter().map(|receipt| receipt.logs().len()).sum();
    let gas_before = before.last().map_or(0, TxReceipt::cumulative_gas_used);
    one_receipt(block, index, first_log, gas_before)
}

/// All receipts of a block.
pub(super) fn receipts(block: &SealedBlock) -> Vec<RpcReceipt> {
    let (mut first_log, mut gas_before) = (0, 0);
    let each = block
        .body
        .receipts
        .iter()
        .enumerate()
        .filter_map(|(index, receipt)| {
            let shown = one_receipt(block, index, first_log, gas_before);
            first_log += receipt.logs().len();
            gas_before = receipt.cumulative_gas_used();
            shown
        });
    each.collect()
}

fn one_receipt(
    block: &SealedBlock,
    index: usize,
    first_log: usize,
    gas_before: u64,
) -> Option<RpcReceipt> {
    let tx = block.body.transactions.get(index)?;
    let receipt = block.body.receipts.get(index)?;
    let from = *block.body.senders.get(index)?;
    let (deposit_nonce, version) = match receipt {
        OpReceiptEnvelope::Deposit(inner) => (
            inner.receipt.deposit_nonce,
            inner.receipt.deposit_receipt_version,
        ),
        _ => (None, None),
    };
    let nonce = deposit_nonce.unwrap_or_else(|| tx.nonce());
    let place = place(block, index);
    let cumulative = receipt.cumulative_gas_used();
    Some(RpcReceipt {
        transaction_hash: tx.tx_hash(),
        transaction_index: U64::from(index),
        block_hash: block.header.hash,
        block_number: U64::from(block.header.header.number),
        from,
        to: tx.to(),
        contract_address: tx.is_create().then(|| from.create(nonce)),
        cumulative_gas_used: U64::from(cumulative),
        gas_used: U64::from(cumulative.saturating_sub(gas_before)),
        effective_gas_price: U256::from(effective_price(tx, Some(place.base_fee))),
        status: U64::from(receipt.status()),
        kind: U64::from(tx.ty()),
        logs_bloom: *receipt.logs_bloom(),
        logs: receipt
            .logs()
            .iter()
            .enumerate()
            .map(|(at, log)| rpc_log(log, tx.tx_hash(), place, first_log + at, false))
            .collect(),
        deposit_nonce: deposit_nonce.map(U64::from),
        deposit_receipt_version: version.map(U64::from),
    })
}

/// A log with its place; `index` counts through the block.
pub(super) fn rpc_log(
    log: &alloy_primitives::Log,
    transaction: B256,
    place: Place,
    index: usize,
    removed: bool,
) -> Log {
    Log {
        inner: log.clone(),
        block_hash: Some(place.block_hash),
        block_number: Some(place.block_number),
        block_timestamp: Some(place.timestamp),
        transaction_hash: Some(transaction),
        transaction_index: u64::try_from(place.index).ok(),
        log_index: u64::try_from(index).ok(),
        removed,
    }
}

/// The logs of a block that `keep` wants, in order.
pub(super) fn logs(
    block: &SealedBlock,
    removed: bool,
    keep: impl Fn(&alloy_primitives::Log) -> bool,
) -> Vec<Log> {
    let mut kept = Vec::new();
    let mut index = 0;
    for (at, (tx, receipt)) in block
        .body
        .transactions
        .iter()
        .zip(&block.body.receipts)
        .enumerate()
    {
        for log in receipt.logs() {
            if keep(log) {
                kept.push(rpc_log(log, tx.tx_hash(), place(block, at), index, removed));
            }
            index += 1;
        }
    }
    kept
}

/// A block with whole transactions or their hashes.
pub(super) type RpcBlock = Block<RpcTransaction, Header>;

/// A block; `full` gives whole transactions instead of hashes.
pub(super) fn block(block: &SealedBlock, full: bool) -> RpcBlock {
    let transactions = if full {
        let each = 0..block.body.transactions.len();
        let all = each.filter_map(|index| RpcTransaction::in_block(block, index));
        BlockTransactions::Full(all.collect())
    } else {
        BlockTransactions::Hashes(
            block
                .body
                .transactions
                .iter()
                .map(OpTxEnvelope::tx_hash)
                .collect(),
        )
    };
    let header = header_with_size(block, Some(size(block)));
    Block {
        header,
        uncles: Vec::new(),
        transactions,
        withdrawals: Some(Withdrawals::default()),
    }
}

/// A block's header, as subscribers to heads get it.
pub(super) fn header(block: &SealedBlock) -> Header {
    header_with_size(block, None)
}

fn header_with_size(block: &SealedBlock, size: Option<U256>) -> Header {
    let sealed = Sealed::new_unchecked(block.header.header.clone(), block.header.hash);
    Header::from_consensus(sealed, None, size)
}

/// Length of the block's RLP, in bytes.
fn size(block: &SealedBlock) -> U256 {
    let payload = rlp_payload(block).0;
    U256::from(payload + alloy_rlp::length_of_length(payload))
}

/// Length of the block's RLP without its own header, and of its list of transactions without its.
fn rlp_payload(block: &SealedBlock) -> (usize, usize) {
    let each = block.body.transactions.iter();
    let transactions: usize = each.map(Encodable::length).sum();
    let list = transactions + alloy_rlp::length_of_length(transactions);
    let header = block.header.header.length();
    (header + list + EMPTY_LISTS, transactions)
}

/// The block's RLP: header, transactions, no ommers, no withdrawals.
pub(super) fn block_rlp(block: &SealedBlock) -> Vec<u8> {
    let (payload, transactions) = rlp_payload(block);
    let list = |payload_length| alloy_rlp::Header {
        list: true,
        payload_length,
    };
    let mut out = Vec::with_capacity(payload + 4);
    list(payload).encode(&mut out);
    block.header.header.encode(&mut out);
    list(transactions).encode(&mut out);
    for tx in &block.body.transactions {
        tx.encode(&mut out);
    }
    out.extend([alloy_rlp::EMPTY_LIST_CODE; EMPTY_LISTS]);
    out
}
