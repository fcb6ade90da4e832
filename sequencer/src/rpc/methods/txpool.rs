//! What waits in the pool, grouped as geth groups it.

use std::collections::BTreeMap;

use alloy_consensus::Transaction;
use alloy_primitives::{Address, U64};
use serde::Serialize;

use crate::{
    mempool::PooledTransaction,
    rpc::{RpcError, args::Args, context::Context, wire::RpcTransaction},
};

/// Counts of transactions that follow on from the state, and of those that wait for a nonce.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pending: U64,
    queued: U64,
}

/// Something for each transaction, by sender and nonce.
type BySender<T> = BTreeMap<Address, ByNonce<T>>;
/// Something for each transaction, by nonce in decimal.
type ByNonce<T> = BTreeMap<String, T>;

/// Transactions that follow on from the state, and those that wait for a nonce.
#[derive(Debug, Default, Serialize)]
pub(super) struct Content<T> {
    pending: T,
    queued: T,
}

pub(super) fn status(context: &Context, args: Args) -> Result<Status, RpcError> {
    args.end()?;
    let content = context.pool.content();
    let pending = content.iter().filter(|(follows_on, _)| *follows_on).count();
    let queued = content.len().saturating_sub(pending);
    Ok(Status {
        pending: U64::from(pending),
        queued: U64::from(queued),
    })
}

fn grouped<T>(context: &Context, show: impl Fn(&PooledTransaction) -> T) -> Content<BySender<T>> {
    let mut content = Content {
        pending: BySender::new(),
        queued: BySender::new(),
    };
    for (follows_on, tx) in context.pool.content() {
        let part = if follows_on {
            &mut content.pending
        } else {
            &mut content.queued
        };
        let of_sender = part.entry(tx.sender).or_default();
        of_sender.insert(tx.nonce().to_string(), show(&tx));
    }
    content
}

pub(super) fn content(
    context: &Context,
    args: Args,
) -> Result<Content<BySender<RpcTransaction>>, RpcError> {
    args.end()?;
    Ok(grouped(context, RpcTransaction::waiting))
}

pub(super) fn content_from(
    context: &Context,
    mut args: Args,
) -> Result<Content<ByNonce<RpcTransaction>>, RpcError> {
    let sender: Address = args.required()?;
    args.end()?;
    let mut all = grouped(context, RpcTransaction::waiting);
    Ok(Content {
        pending: all.pending.remove(&sender).unwrap_or_default(),
        queued: all.queued.remove(&sender).unwrap_or_default(),
    })
}

pub(super) fn inspect(
    context: &Context,
    args: Args,
) -> Result<Content<BySender<String>>, RpcError> {
    args.end()?;
    Ok(grouped(context, |pooled| {
        let to = match pooled.tx.to() {
            Some(to) => to.to_string(),
            None => "contract creation".to_owned(),
        };
        let (value, gas, price) = (pooled.tx.value(), pooled.tx.gas_limit(), pooled.max_fee());
        format!("{to}: {value} wei + {gas} gas × {price} wei")
    }))
}
