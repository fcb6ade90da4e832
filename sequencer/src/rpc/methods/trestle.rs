//! What only this chain has: batches, output roots, how far the chain and deposits are settled.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use serde::{Deserialize, Serialize};

use trestle_protocol::{OutputPreimage, trie::EMPTY_ROOT_HASH};

use super::stages::{self, TransactionStatus};
use crate::{
    rpc::{
        BatchInfo, L1Status, L1View, QueueEntryInfo, RpcError, args::Args, chain::sealed_header,
        context::Context,
    },
    store::BlockRef,
};

pub(super) fn l1(context: &Context) -> Result<&dyn L1View, RpcError> {
    let view = context.l1.as_deref();
    view.ok_or_else(|| RpcError::input("this node follows no L1"))
}

pub(super) fn batch_of_block(
    context: &Context,
    mut args: Args,
) -> Result<Option<BatchInfo>, RpcError> {
    let id: BlockId = args.required()?;
    args.end()?;
    let Some(number) = context.find(&context.snapshot()?, id)? else {
        return Ok(None);
    };
    l1(context)?
        .batch_of_block(number)
        .map_err(RpcError::internal)
}

pub(super) fn batch(context: &Context, mut args: Args) -> Result<Option<BatchInfo>, RpcError> {
    let index: U64 = args.required()?;
    args.end()?;
    l1(context)?.batch(index.to()).map_err(RpcError::internal)
}

/// An output root with what it commits to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Output {
    output_root: B256,
    state_root: B256,
    message_passer_storage_root: B256,
    block_hash: B256,
    block_number: U64,
}

fn output(context: &Context, id: BlockId) -> Result<Output, RpcError> {
    let snapshot = context.snapshot()?;
    let number = context.require(&snapshot, id)?;
    let block = sealed_header(&snapshot, number)?;
    let preimage = OutputPreimage {
        state_root: block.header.state_root,
        message_passer_root: block.header.withdrawals_root.unwrap_or(EMPTY_ROOT_HASH),
        block_hash: block.hash,
    };
    Ok(Output {
        output_root: preimage.root(),
        state_root: preimage.state_root,
        message_passer_storage_root: preimage.message_passer_root,
        block_hash: preimage.block_hash,
        block_number: U64::from(number),
    })
}

pub(super) fn output_at_block(context: &Context, mut args: Args) -> Result<Output, RpcError> {
    let id: BlockId = args.required()?;
    args.end()?;
    output(context, id)
}

pub(super) fn output_at_batch(
    context: &Context,
    mut args: Args,
) -> Result<Option<Output>, RpcError> {
    let index: U64 = args.required()?;
    args.end()?;
    let batch = l1(context)?.batch(index.to()).map_err(RpcError::internal)?;
    batch
        .map(|batch| output(context, BlockNumberOrTag::Number(batch.last_block).into()))
        .transpose()
}

/// A block by number and hash.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Head {
    number: U64,
    hash: B256,
}

impl From<BlockRef> for Head {
    fn from(block: BlockRef) -> Self {
        Self {
            number: U64::from(block.number),
            hash: block.hash,
        }
    }
}

/// How far the chain is settled.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(in crate::rpc) struct Heads {
    #[serde(rename = "unsafe")]
    unsafe_head: Head,
    safe: Head,
    finalized: Head,
}

pub(super) fn heads(context: &Context, args: Args) -> Result<Heads, RpcError> {
    args.end()?;
    all_heads(context)
}

/// The heads at present.
pub(in crate::rpc) fn all_heads(context: &Context) -> Result<Heads, RpcError> {
    let settled = *context.settled.borrow();
    Ok(Heads {
        unsafe_head: context.snapshot()?.head().into(),
        safe: settled.safe.into(),
        finalized: settled.finalized.into(),
    })
}

/// How far the node is with everything.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SyncStatus {
    #[serde(flatten)]
    heads: Heads,
    l1: Option<L1Status>,
    /// Transactions in the pool.
    pending_transactions: U64,
    /// Whether blocks can be written at present.
    is_writing: bool,
}

pub(super) fn sync_status(context: &Context, args: Args) -> Result<SyncStatus, RpcError> {
    Ok(SyncStatus {
        heads: heads(context, args)?,
        l1: context.l1.as_ref().map(|l1| l1.status()),
        pending_transactions: U64::from(context.pool.len()),
        is_writing: context.store.check().is_ok(),
    })
}

/// A deposit by its place in the queue, or by the hash of its L2 transaction.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum DepositId {
    Hash(B256),
    Index(U64),
}

/// A deposit and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct DepositStatus {
    #[serde(flatten)]
    entry: Option<QueueEntryInfo>,
    status: Option<TransactionStatus>,
}

pub(super) async fn deposit_status(
    context: Arc<Context>,
    mut args: Args,
) -> Result<Option<DepositStatus>, RpcError> {
    let id: DepositId = args.required()?;
    args.end()?;
    let (entry, hash) = match id {
        DepositId::Hash(hash) => (None, hash),
        DepositId::Index(index) => {
            let entry = l1(&context)?
                .queue_entry(index.to())
                .map_err(RpcError::internal)?;
            let Some(entry) = entry else { return Ok(None) };
            let hash = entry.l2_transaction_hash;
            (Some(entry), hash)
        }
    };
    let status = stages::of_deposit(&context, &hash).await?;
    Ok((entry.is_some() || status.is_some()).then_some(DepositStatus { entry, status }))
}
