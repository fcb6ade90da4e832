//! What the node is: chain, version, accounts, synchronisation.

use std::{collections::BTreeMap, sync::LazyLock};

use alloy_primitives::{Address, B256, Bytes, U64, keccak256};

use serde_json::Value;

use crate::rpc::{RpcError, args::Args, context::Context, openrpc};

pub(super) fn chain_id(context: &Context, args: Args) -> Result<U64, RpcError> {
    args.end()?;
    Ok(U64::from(context.config.l2_chain_id))
}

/// Decimal, unlike everything else.
pub(super) fn net_version(context: &Context, args: Args) -> Result<String, RpcError> {
    args.end()?;
    Ok(context.config.l2_chain_id.to_string())
}

pub(super) fn net_listening(_: &Context, args: Args) -> Result<bool, RpcError> {
    args.end()?;
    Ok(true)
}

pub(super) fn net_peer_count(_: &Context, args: Args) -> Result<U64, RpcError> {
    args.end()?;
    Ok(U64::ZERO)
}

pub(super) fn client_version(_: &Context, args: Args) -> Result<String, RpcError> {
    args.end()?;
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    Ok(format!(
        "trestle/v{}/{os}-{arch}",
        env!("CARGO_PKG_VERSION")
    ))
}

pub(super) fn sha3(_: &Context, mut args: Args) -> Result<B256, RpcError> {
    let data: Bytes = args.required()?;
    args.end()?;
    Ok(keccak256(data))
}

/// The node holds no keys of users.
pub(super) fn accounts(_: &Context, args: Args) -> Result<Vec<Address>, RpcError> {
    args.end()?;
    Ok(Vec::new())
}

/// A sequencer is never behind; a replica serves what it has derived.
pub(super) fn syncing(_: &Context, args: Args) -> Result<bool, RpcError> {
    args.end()?;
    Ok(false)
}

pub(super) fn discover(_: &Context, args: Args) -> Result<&'static Value, RpcError> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(openrpc::document);
    args.end()?;
    Ok(&DOCUMENT)
}

pub(super) fn modules(
    _: &Context,
    args: Args,
) -> Result<BTreeMap<&'static str, &'static str>, RpcError> {
    args.end()?;
    Ok([
        "debug", "eth", "net", "ots", "rpc", "trace", "trestle", "txpool", "web3",
    ]
    .into_iter()
    .map(|name| (name, "1.0"))
    .collect())
}
