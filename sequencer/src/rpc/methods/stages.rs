//! How far a transaction is on its way: accepted, sealed, posted, safe, finalized, or dropped.
//!
//! Answers for `trestle_transactionStatus` and its subscription. Everything from `safe` on follows from L1.

use std::sync::Arc;

use alloy_primitives::{B256, U64};
use serde::{Deserialize, Serialize};

use super::transactions::waiting;
use crate::{
    mempool::{DropReason, Stage},
    rpc::{RpcError, args::Args, context::Context},
};

/// How far something is on its way to finality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Settlement {
    /// Acknowledged and on disk.
    Accepted,
    /// In a block on disk: its receipt is served.
    Sealed,
    /// In a batch that is on its way to L1: what the sequencer says, for L1 does not show it yet.
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

pub(super) async fn transaction_status(
    context: Arc<Context>,
    mut args: Args,
) -> Result<Option<TransactionStatus>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    of_transaction(&context, &hash).await
}

/// Where a transaction is; `None` for one that nobody knows.
///
/// A replica asks the sequencer about what it cannot know itself: what waits there, and whether a block is
/// on its way to L1. Of what is safe or final it believes L1 alone.
pub(in crate::rpc) async fn of_transaction(
    context: &Context,
    hash: &B256,
) -> Result<Option<TransactionStatus>, RpcError> {
    let here = here(context, hash)?;
    match (&context.forward, here) {
        (Some(forward), None) => match forward.status(*hash).await {
            Ok(there) => Ok(there.map(not_here)),
            Err(_) if context.forwarded.contains(hash) => {
                let silent = "the sequencer took it, and does not answer now";
                Ok(Some(unsettled(Settlement::Accepted, Some(silent))))
            }
            Err(error) => Err(error),
        },
        (_, here) => Ok(on_its_way(context, hash, here).await),
    }
}

/// Where a deposit is; `None` while no block has it.
pub(super) async fn of_deposit(
    context: &Context,
    hash: &B256,
) -> Result<Option<TransactionStatus>, RpcError> {
    let here = here(context, hash)?;
    Ok(on_its_way(context, hash, here).await)
}

/// The same with the sequencer's word on whether its block is on its way to L1.
async fn on_its_way(
    context: &Context,
    hash: &B256,
    here: Option<TransactionStatus>,
) -> Option<TransactionStatus> {
    let mut status = here?;
    let Some(forward) = &context.forward else {
        return Some(status);
    };
    if status.stage == Settlement::Sealed
        && let Ok(Some(there)) = forward.status(*hash).await
        && there.is_posted()
        && there.block_hash == status.block_hash
    {
        status.stage = Settlement::Posted;
    }
    Some(status)
}

/// What the sequencer says of a transaction.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldStatus {
    stage: Settlement,
    block_hash: Option<B256>,
    reason: Option<String>,
}

impl ToldStatus {
    /// Whether its block is on its way to L1, or further.
    const fn is_posted(&self) -> bool {
        matches!(
            self.stage,
            Settlement::Posted | Settlement::Safe | Settlement::Finalized
        )
    }
}

/// Status of a transaction that only the sequencer knows.
fn not_here(there: ToldStatus) -> TransactionStatus {
    match there.stage {
        Settlement::Accepted | Settlement::Dropped => {
            unsettled(there.stage, there.reason.as_deref())
        }
        _ => {
            let elsewhere = "its block has not arrived at this node";
            unsettled(Settlement::Accepted, Some(elsewhere))
        }
    }
}

fn unsettled(stage: Settlement, reason: Option<&str>) -> TransactionStatus {
    TransactionStatus {
        stage,
        block_number: None,
        block_hash: None,
        batch: None,
        reason: reason.map(str::to_owned),
    }
}

/// Where a transaction is, as far as this node knows.
fn here(context: &Context, hash: &B256) -> Result<Option<TransactionStatus>, RpcError> {
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
