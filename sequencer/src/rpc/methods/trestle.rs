//! What only this chain has: batches, output roots, how far a block or transaction is settled.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use serde::{Deserialize, Serialize};

use trestle_protocol::{OutputPreimage, trie::EMPTY_ROOT_HASH};

use super::transactions::waiting;
use crate::{
    mempool::{DropReason, Stage},
    rpc::{
        BatchInfo, L1Status, L1View, QueueEntryInfo, RpcError, args::Args, chain::sealed_header,
        context::Context,
    },
    store::BlockRef,
};

fn l1(context: &Context) -> Result<&dyn L1View, RpcError> {
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

/// How far something is on its way to finality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Settlement {
    /// Acknowledged and on disk.
    Accepted,
    /// In a block on disk: its receipt is served.
    Sealed,
    /// In a batch that is on its way to L1; known to the sequencer alone.
    Posted,
    /// In a batch on L1.
    Safe,
    /// In a batch on a finalized L1 block.
    Finalized,
    /// It will not be included.
    Dropped,
}

/// Where a transaction is.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::rpc) struct TransactionStatus {
    stage: Settlement,
    block_number: Option<U64>,
    block_hash: Option<B256>,
    batch: Option<U64>,
    /// Why it waits or was dropped.
    reason: Option<String>,
}

impl TransactionStatus {
    /// Whether nothing more can become of it.
    pub(in crate::rpc) fn is_settled(&self) -> bool {
        matches!(self.stage, Settlement::Finalized | Settlement::Dropped)
    }
}

pub(super) fn transaction_status(
    context: &Context,
    mut args: Args,
) -> Result<Option<TransactionStatus>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    status(context, &hash)
}

/// Where a transaction is; `None` for one that nobody knows.
pub(in crate::rpc) fn status(
    context: &Context,
    hash: &B256,
) -> Result<Option<TransactionStatus>, RpcError> {
    if let Some((block, _)) = context.transaction(hash)? {
        let number = block.header.header.number;
        let batch = match &context.l1 {
            Some(l1) => l1.batch_of_block(number).map_err(RpcError::internal)?,
            None => None,
        };
        return Ok(Some(TransactionStatus {
            stage: settlement(context, number),
            block_number: Some(U64::from(number)),
            block_hash: Some(block.header.hash),
            batch: batch.map(|batch| U64::from(batch.index)),
            reason: None,
        }));
    }
    let unsettled = |stage, reason: Option<&str>| TransactionStatus {
        stage,
        block_number: None,
        block_hash: None,
        batch: None,
        reason: reason.map(str::to_owned),
    };
    Ok(match context.pool.stage(hash) {
        Some(Stage::Queued) => Some(unsettled(
            Settlement::Accepted,
            Some("waits for an earlier nonce"),
        )),
        Some(Stage::Pending | Stage::Sequencing) => Some(unsettled(Settlement::Accepted, None)),
        Some(Stage::Dropped(reason)) => Some(unsettled(Settlement::Dropped, Some(&why(&reason)))),
        None => waiting(context, hash)?.map(|_| unsettled(Settlement::Accepted, None)),
    })
}

fn why(reason: &DropReason) -> String {
    match reason {
        DropReason::Replaced => "its nonce was used by another transaction".to_owned(),
        DropReason::Evicted => "it made room for transactions that can be executed".to_owned(),
        DropReason::Invalid(reason) => reason.clone(),
    }
}

/// Newest block in a batch that is on its way to L1.
fn posted(context: &Context) -> u64 {
    let batcher = context.batcher.as_ref();
    batcher
        .and_then(|status| status.borrow().posted)
        .unwrap_or(0)
}

fn settlement(context: &Context, number: u64) -> Settlement {
    let settled = context.settled.borrow();
    if number <= settled.finalized.number {
        Settlement::Finalized
    } else if number <= settled.safe.number {
        Settlement::Safe
    } else if number <= posted(context) {
        Settlement::Posted
    } else {
        Settlement::Sealed
    }
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

pub(super) fn deposit_status(
    context: &Context,
    mut args: Args,
) -> Result<Option<DepositStatus>, RpcError> {
    let id: DepositId = args.required()?;
    args.end()?;
    let (entry, hash) = match id {
        DepositId::Hash(hash) => (None, hash),
        DepositId::Index(index) => {
            let entry = l1(context)?
                .queue_entry(index.to())
                .map_err(RpcError::internal)?;
            let Some(entry) = entry else { return Ok(None) };
            let hash = entry.l2_transaction_hash;
            (Some(entry), hash)
        }
    };
    let status = status(context, &hash)?;
    Ok((entry.is_some() || status.is_some()).then_some(DepositStatus { entry, status }))
}
