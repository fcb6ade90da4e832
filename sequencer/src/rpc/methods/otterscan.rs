//! `ots_*`: what the Otterscan explorer asks for (API level 8), and the two Erigon methods that it
//! probes.
//!
//! Deviation: transactions are searched by sender, recipient and created contract, block by block;
//! there is no index of internal calls.

use alloy::rpc::types::{
    Header,
    trace::{
        otterscan::{
            BlockDetails, ContractCreator, InternalIssuance, InternalOperation, OtsBlock,
            TraceEntry,
        },
        parity::TraceOutput,
    },
};
use alloy_consensus::Transaction;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY};
use revm::context::result::ExecutionResult;
use revm_inspectors::otterscan::InternalOperationsInspector;
use serde::Serialize;
use serde_json::{Value, json};
use trestle_protocol::SealedBlock;

use super::traces::calls_of;
use crate::{
    rpc::{
        RpcError,
        args::Args,
        context::Context,
        heavy::Deadline,
        replay::Replay,
        wire::{self, RpcTransaction},
    },
    store::Snapshot,
};

/// Transactions on one page, at most.
const LONGEST_PAGE: usize = 200;

pub(super) fn api_level(_: &Context, args: Args) -> Result<u64, RpcError> {
    args.end()?;
    Ok(8)
}

pub(super) fn has_code(context: &Context, mut args: Args) -> Result<bool, RpcError> {
    let address: Address = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    let account = context.state(id)?.view.account(&address)?;
    Ok(account.is_some_and(|account| account.code_hash != KECCAK256_EMPTY))
}

/// Runs a transaction under `inspector`; gives its result, or `None` if there is no such one.
fn watch<I>(
    context: &Context,
    hash: &B256,
    inspector: I,
    deadline: Deadline,
) -> Result<Option<ExecutionResult>, RpcError>
where
    I: for<'db> revm::Inspector<crate::rpc::replay::Watched<'db>>,
{
    let Some((block, index)) = context.transaction(hash)? else {
        return Ok(None);
    };
    let snapshot = context.snapshot()?;
    let mut replay = Replay::begin(context, &snapshot, &block, deadline)?;
    replay.skip_to(index)?;
    Ok(Some(replay.watch(inspector)?.outcome.result))
}

pub(super) fn internal_operations(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Vec<InternalOperation>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    let mut inspector = InternalOperationsInspector::default();
    watch(context, &hash, &mut inspector, deadline)?;
    Ok(inspector.into_operations())
}

/// What a transaction reverted with; empty if it did not.
pub(super) fn transaction_error(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Bytes, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    let result = watch(context, &hash, revm::inspector::NoOpInspector, deadline)?;
    Ok(match result {
        Some(ExecutionResult::Revert { output, .. }) => output,
        _ => Bytes::new(),
    })
}

pub(super) fn trace_transaction(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Option<Vec<TraceEntry>>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    let Some((block, index)) = context.transaction(&hash)? else {
        return Ok(None);
    };
    let traces = calls_of(context, &block, (index, index), deadline)?;
    Ok(Some(
        traces
            .iter()
            .filter_map(|one| TraceEntry::from_transaction_trace(&one.trace))
            .collect(),
    ))
}

pub(super) fn block_details(
    context: &Context,
    mut args: Args,
) -> Result<Option<BlockDetails<Header>>, RpcError> {
    let number: BlockNumberOrTag = args.required()?;
    args.end()?;
    Ok(context
        .block_by_id(number.into())?
        .map(|block| details(&block)))
}

pub(super) fn block_details_by_hash(
    context: &Context,
    mut args: Args,
) -> Result<Option<BlockDetails<Header>>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    Ok(context
        .block_by_id(hash.into())?
        .map(|block| details(&block)))
}

/// Nothing is issued by blocks; ether comes from L1 by deposits.
fn details(block: &SealedBlock) -> BlockDetails<Header> {
    let fees = wire::receipts(block)
        .iter()
        .map(wire::RpcReceipt::fee)
        .sum();
    BlockDetails::new(wire::block(block, false), InternalIssuance::default(), fees)
}

/// One page of a block's transactions with their receipts.
#[derive(Debug, Serialize)]
pub(super) struct BlockPage {
    fullblock: OtsBlock<RpcTransaction, Header>,
    receipts: Vec<Value>,
}

pub(super) fn block_transactions(
    context: &Context,
    mut args: Args,
) -> Result<Option<BlockPage>, RpcError> {
    let number: BlockNumberOrTag = args.required()?;
    let page: usize = args.required()?;
    let size: usize = args.required()?;
    args.end()?;
    let size = size.min(LONGEST_PAGE);
    let Some(block) = context.block_by_id(number.into())? else {
        return Ok(None);
    };
    let all = block.body.transactions.len();
    // Page 0 holds the newest transactions, in the block's order.
    let end = all.saturating_sub(page.saturating_mul(size));
    let places = end.saturating_sub(size)..end;
    let mut shown = wire::block(&block, true);
    if let alloy::rpc::types::BlockTransactions::Full(list) = &mut shown.transactions {
        list.truncate(places.end);
        list.drain(..places.start);
    }
    let mut fullblock = OtsBlock::from(shown);
    fullblock.transaction_count = all;
    let receipts = places
        .filter_map(|index| slim_receipt(&block, index))
        .collect();
    Ok(Some(BlockPage {
        fullblock,
        receipts,
    }))
}

/// A receipt without logs, with its block's time.
fn slim_receipt(block: &SealedBlock, index: usize) -> Option<Value> {
    let mut shown = serde_json::to_value(wire::receipt(block, index)?).ok()?;
    let fields = shown.as_object_mut()?;
    fields.insert("logs".to_owned(), Value::Null);
    fields.insert("logsBloom".to_owned(), Value::Null);
    fields.insert("timestamp".to_owned(), json!(block.header.header.timestamp));
    Some(shown)
}

/// Transactions of one address, newest first.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddressPage {
    txs: Vec<RpcTransaction>,
    receipts: Vec<Value>,
    first_page: bool,
    last_page: bool,
}

/// What a search looks for.
struct Search {
    address: Address,
    /// Block that the search excludes; 0 searches from the end.
    number: u64,
    size: usize,
}

impl Search {
    fn read(args: &mut Args) -> Result<Self, RpcError> {
        let address = args.required()?;
        let number: u64 = args.required()?;
        let size: usize = args.required()?;
        Ok(Self {
            address,
            number,
            size: size.min(LONGEST_PAGE),
        })
    }

    /// Appends the block's transactions of the address, newest first or oldest first.
    fn collect(&self, block: &SealedBlock, found: &mut Vec<(RpcTransaction, Value)>, newest: bool) {
        let all = 0..block.body.transactions.len();
        let order: Vec<usize> = if newest {
            all.rev().collect()
        } else {
            all.collect()
        };
        for index in order.into_iter().filter(|index| self.is_in(block, *index)) {
            let shown = RpcTransaction::in_block(block, index).zip(slim_receipt(block, index));
            found.extend(shown);
        }
    }

    fn is_in(&self, block: &SealedBlock, index: usize) -> bool {
        let body = &block.body;
        let place = body.transactions.get(index).zip(body.senders.get(index));
        place.is_some_and(|(tx, sender)| {
            *sender == self.address
                || tx.to() == Some(self.address)
                || (tx.is_create() && sender.create(tx.nonce()) == self.address)
        })
    }
}

pub(super) fn search_before(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<AddressPage, RpcError> {
    let search = Search::read(&mut args)?;
    args.end()?;
    let snapshot = context.snapshot()?;
    let head = snapshot.head().number;
    let is_first = search.number == 0;
    let from = if is_first {
        head
    } else {
        search.number.saturating_sub(1).min(head)
    };
    let mut found = Vec::new();
    let mut next = Some(from);
    while let Some(number) = next.filter(|_| found.len() < search.size) {
        deadline.check()?;
        if let Some(block) = context.block(&snapshot, number)? {
            search.collect(&block, &mut found, true);
        }
        next = number.checked_sub(1);
    }
    Ok(page(found, is_first, next.is_none()))
}

pub(super) fn search_after(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<AddressPage, RpcError> {
    let search = Search::read(&mut args)?;
    args.end()?;
    let snapshot = context.snapshot()?;
    let head = snapshot.head().number;
    let is_last = search.number == 0;
    let mut number = if is_last {
        0
    } else {
        search.number.saturating_add(1)
    };
    let mut found = Vec::new();
    while number <= head && found.len() < search.size {
        deadline.check()?;
        if let Some(block) = context.block(&snapshot, number)? {
            search.collect(&block, &mut found, false);
        }
        number += 1;
    }
    found.reverse();
    Ok(page(found, number > head, is_last))
}

fn page(found: Vec<(RpcTransaction, Value)>, first_page: bool, last_page: bool) -> AddressPage {
    let (txs, receipts) = found.into_iter().unzip();
    AddressPage {
        txs,
        receipts,
        first_page,
        last_page,
    }
}

/// The first block in `1..=head` at which `holds`, which stays true once it is.
fn first_block(
    head: u64,
    mut holds: impl FnMut(u64) -> Result<bool, RpcError>,
) -> Result<Option<u64>, RpcError> {
    if !holds(head)? {
        return Ok(None);
    }
    let (mut below, mut at) = (0, head);
    while below + 1 < at {
        let middle = below + (at - below) / 2;
        if holds(middle)? {
            at = middle
        } else {
            below = middle
        }
    }
    Ok(Some(at))
}

fn nonce_at(snapshot: &Snapshot, address: &Address, number: u64) -> Result<u64, RpcError> {
    Ok(snapshot
        .state_at(number)?
        .account(address)?
        .unwrap_or_default()
        .nonce)
}

pub(super) fn by_sender_and_nonce(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Option<B256>, RpcError> {
    let sender: Address = args.required()?;
    let nonce: u64 = args.required()?;
    args.end()?;
    let snapshot = context.snapshot()?;
    let head = snapshot.head().number;
    let used = |number| {
        deadline.check()?;
        Ok(nonce_at(&snapshot, &sender, number)? > nonce)
    };
    let Some(number) = first_block(head, used)? else {
        return Ok(None);
    };
    let Some(block) = context.block(&snapshot, number)? else {
        return Ok(None);
    };
    let shown = (0..block.body.transactions.len()).filter_map(|index| {
        let from = block.body.senders.get(index)?;
        let hash = block.body.transactions.get(index)?.tx_hash();
        Some((from, wire::nonce(&block, index)?, hash))
    });
    let mut mine = shown.filter(|(from, used, _)| **from == sender && *used == nonce);
    Ok(mine.next().map(|(_, _, hash)| hash))
}

pub(super) fn contract_creator(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Option<ContractCreator>, RpcError> {
    let address: Address = args.required()?;
    args.end()?;
    let snapshot = context.snapshot()?;
    let has_code = |number| {
        deadline.check()?;
        let account = snapshot
            .state_at(number)?
            .account(&address)?
            .unwrap_or_default();
        Ok(account.code_hash != KECCAK256_EMPTY)
    };
    let Some(number) = first_block(snapshot.head().number, has_code)? else {
        return Ok(None);
    };
    let Some(block) = context.block(&snapshot, number)? else {
        return Ok(None);
    };
    let Some(last) = block.body.transactions.len().checked_sub(1) else {
        return Ok(None);
    };
    let traces = calls_of(context, &block, (0, last), deadline)?;
    Ok(traces.into_iter().find_map(|one| {
        let is_it = match &one.trace.result {
            Some(TraceOutput::Create(made)) => made.address == address,
            _ => false,
        };
        let creator = one.trace.action.as_create().filter(|_| is_it)?.from;
        Some(ContractCreator {
            hash: one.transaction_hash?,
            creator,
        })
    }))
}
