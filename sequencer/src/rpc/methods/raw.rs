//! `debug_getRaw*`: blocks, headers, receipts and transactions in their consensus encoding.

use alloy_eips::{BlockId, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes};

use crate::rpc::{RpcError, args::Args, context::Context, wire};

pub(super) fn header(context: &Context, mut args: Args) -> Result<Bytes, RpcError> {
    let id: BlockId = args.required()?;
    args.end()?;
    let block = context.require_block(id)?;
    Ok(alloy_rlp::encode(&block.header.header).into())
}

pub(super) fn block(context: &Context, mut args: Args) -> Result<Bytes, RpcError> {
    let id: BlockId = args.required()?;
    args.end()?;
    let block = context.require_block(id)?;
    Ok(wire::block_rlp(&block).into())
}

pub(super) fn receipts(context: &Context, mut args: Args) -> Result<Vec<Bytes>, RpcError> {
    let id: BlockId = args.required()?;
    args.end()?;
    let block = context.require_block(id)?;
    let encode = |receipt: &op_alloy_consensus::OpReceiptEnvelope| receipt.encoded_2718().into();
    Ok(block.body.receipts.iter().map(encode).collect())
}

pub(super) fn transaction(context: &Context, mut args: Args) -> Result<Option<Bytes>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    super::transactions::raw(context, &hash)
}

/// The chain drops bad blocks without keeping them.
pub(super) fn bad_blocks(_: &Context, args: Args) -> Result<Vec<Bytes>, RpcError> {
    args.end()?;
    Ok(Vec::new())
}
