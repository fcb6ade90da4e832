//! Blocks, headers and their receipts. What does not exist is null, never an error.

use std::sync::Arc;

use alloy::rpc::types::Header;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};

use trestle_protocol::SealedBlock;

use crate::rpc::{
    RpcError,
    args::Args,
    context::Context,
    wire::{self, RpcBlock, RpcReceipt},
};

pub(super) fn block_number(context: &Context, args: Args) -> Result<U64, RpcError> {
    args.end()?;
    Ok(U64::from(context.snapshot()?.head().number))
}

/// Reads a block number or tag, and finds the block.
fn numbered(context: &Context, args: &mut Args) -> Result<Option<Arc<SealedBlock>>, RpcError> {
    let number: BlockNumberOrTag = args.required()?;
    context.block_by_id(number.into())
}

/// Reads a block hash, and finds the block.
fn hashed(context: &Context, args: &mut Args) -> Result<Option<Arc<SealedBlock>>, RpcError> {
    let hash: B256 = args.required()?;
    context.block_by_id(hash.into())
}

pub(super) fn by_number(context: &Context, mut args: Args) -> Result<Option<RpcBlock>, RpcError> {
    let found = numbered(context, &mut args)?;
    shown(found.as_deref(), args)
}

pub(super) fn by_hash(context: &Context, mut args: Args) -> Result<Option<RpcBlock>, RpcError> {
    let found = hashed(context, &mut args)?;
    shown(found.as_deref(), args)
}

fn shown(found: Option<&SealedBlock>, mut args: Args) -> Result<Option<RpcBlock>, RpcError> {
    let full = args.optional()?.unwrap_or(false);
    args.end()?;
    Ok(found.map(|block| wire::block(block, full)))
}

pub(super) fn header_by_number(
    context: &Context,
    mut args: Args,
) -> Result<Option<Header>, RpcError> {
    let found = numbered(context, &mut args)?;
    args.end()?;
    Ok(found.map(|block| wire::header(&block)))
}

pub(super) fn header_by_hash(
    context: &Context,
    mut args: Args,
) -> Result<Option<Header>, RpcError> {
    let found = hashed(context, &mut args)?;
    args.end()?;
    Ok(found.map(|block| wire::header(&block)))
}

pub(super) fn count_by_number(context: &Context, mut args: Args) -> Result<Option<U64>, RpcError> {
    let found = numbered(context, &mut args)?;
    args.end()?;
    Ok(found.map(|block| U64::from(block.body.transactions.len())))
}

pub(super) fn count_by_hash(context: &Context, mut args: Args) -> Result<Option<U64>, RpcError> {
    let found = hashed(context, &mut args)?;
    args.end()?;
    Ok(found.map(|block| U64::from(block.body.transactions.len())))
}

pub(super) fn uncles_by_number(context: &Context, mut args: Args) -> Result<Option<U64>, RpcError> {
    let found = numbered(context, &mut args)?;
    args.end()?;
    Ok(found.map(|_| U64::ZERO))
}

pub(super) fn uncles_by_hash(context: &Context, mut args: Args) -> Result<Option<U64>, RpcError> {
    let found = hashed(context, &mut args)?;
    args.end()?;
    Ok(found.map(|_| U64::ZERO))
}

/// There are no uncles.
pub(super) fn no_uncle(_: &Context, mut args: Args) -> Result<Option<RpcBlock>, RpcError> {
    let _: BlockId = args.required()?;
    let _: U64 = args.required()?;
    args.end()?;
    Ok(None)
}

pub(super) fn receipts(
    context: &Context,
    mut args: Args,
) -> Result<Option<Vec<RpcReceipt>>, RpcError> {
    let id: BlockId = args.required()?;
    args.end()?;
    Ok(context.block_by_id(id)?.map(|block| wire::receipts(&block)))
}
