//! Transactions and their receipts.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes, U64};

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
pub(super) fn by_hash(
    context: &Context,
    mut args: Args,
) -> Result<Option<RpcTransaction>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    if let Some((block, index)) = context.transaction(&hash)? {
        return Ok(RpcTransaction::in_block(&block, index));
    }
    Ok(waiting(context, &hash)?.map(|tx| RpcTransaction::waiting(&tx)))
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
