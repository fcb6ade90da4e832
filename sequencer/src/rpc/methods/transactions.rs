//! Transactions and their receipts.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes, U64};
use serde::Serialize;
use serde_json::Value;

use crate::{
    mempool::PooledTransaction,
    rpc::{
        RpcError,
        args::Args,
        context::Context,
        wire::{self, RpcReceipt, RpcTransaction},
    },
};

/// A transaction in a durable block, or one that waits for that.
///
/// What waits is in the sequencer's pool: a replica asks there, and shows it as waiting also when the
/// sequencer has it in a block that this node does not know yet.
pub(super) async fn by_hash(context: Arc<Context>, mut args: Args) -> Result<Shown, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    if let Some((block, index)) = context.transaction(&hash)? {
        return Ok(Shown::here(RpcTransaction::in_block(&block, index)));
    }
    let here = waiting(&context, &hash)?.map(|tx| RpcTransaction::waiting(&tx));
    match &context.forward {
        Some(forward) if here.is_none() => {
            let there = forward.transaction(hash).await.ok().flatten();
            Ok(Shown(there.map(placeless)))
        }
        _ => Ok(Shown::here(here)),
    }
}

/// A transaction as JSON, made here or by the sequencer; null for none.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Shown(Option<Value>);

impl Shown {
    fn here(tx: Option<RpcTransaction>) -> Self {
        Self(tx.and_then(|tx| serde_json::to_value(tx).ok()))
    }
}

/// The transaction without its place in a chain that this node does not have.
fn placeless(mut tx: Value) -> Value {
    if let Value::Object(fields) = &mut tx {
        fields.remove("blockTimestamp");
        for place in ["blockHash", "blockNumber", "transactionIndex"] {
            fields.insert(place.to_owned(), Value::Null);
        }
    }
    tx
}

/// A transaction that is in the pool, or in a block that is not on disk yet.
pub(super) fn waiting(
    context: &Context,
    hash: &B256,
) -> Result<Option<Arc<PooledTransaction>>, RpcError> {
    if let Some(pooled) = context.pool.get(hash) {
        return Ok(Some(pooled));
    }
    let snapshot = context.store.sequenced()?;
    let Some((number, index)) = snapshot.transaction(hash)? else {
        return Ok(None);
    };
    let Some(block) = snapshot.recent(number) else {
        return Ok(None);
    };
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let found = block
        .body
        .transactions
        .get(index)
        .zip(block.body.senders.get(index));
    Ok(found.map(|(tx, sender)| {
        let encoded = tx.encoded_2718().into();
        let cost = trestle_protocol::max_cost(tx);
        Arc::new(PooledTransaction {
            tx: tx.clone(),
            sender: *sender,
            encoded,
            cost,
            authorities: Vec::new(),
        })
    }))
}

pub(super) fn raw_by_hash(context: &Context, mut args: Args) -> Result<Option<Bytes>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    raw(context, &hash)
}

/// The encoding of a transaction, wherever it is.
pub(super) fn raw(context: &Context, hash: &B256) -> Result<Option<Bytes>, RpcError> {
    if let Some((block, index)) = context.transaction(hash)? {
        let tx = block.body.transactions.get(index);
        return Ok(tx.map(|tx| tx.encoded_2718().into()));
    }
    Ok(waiting(context, hash)?.map(|tx| tx.encoded.clone()))
}

pub(super) fn by_number_and_index(
    context: &Context,
    mut args: Args,
) -> Result<Option<RpcTransaction>, RpcError> {
    let number: BlockNumberOrTag = args.required()?;
    at_index(context, number.into(), args)
}

pub(super) fn by_hash_and_index(
    context: &Context,
    mut args: Args,
) -> Result<Option<RpcTransaction>, RpcError> {
    let hash: B256 = args.required()?;
    at_index(context, hash.into(), args)
}

fn at_index(
    context: &Context,
    id: BlockId,
    mut args: Args,
) -> Result<Option<RpcTransaction>, RpcError> {
    let index: U64 = args.required()?;
    args.end()?;
    let block = context.block_by_id(id)?;
    let index = usize::try_from(index.to::<u64>()).unwrap_or(usize::MAX);
    Ok(block.and_then(|block| RpcTransaction::in_block(&block, index)))
}

/// A receipt, only once its block is on disk.
pub(super) fn receipt(context: &Context, mut args: Args) -> Result<Option<RpcReceipt>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    Ok(context
        .transaction(&hash)?
        .and_then(|(block, index)| wire::receipt(&block, index)))
}
