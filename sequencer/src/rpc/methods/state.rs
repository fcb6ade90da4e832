//! Accounts at any block.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::Deserialize;

use crate::rpc::{RpcError, args::Args, context::Context};

pub(super) fn balance(context: &Context, mut args: Args) -> Result<U256, RpcError> {
    let address: Address = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    let account = context.state(id)?.view.account(&address)?;
    Ok(account.unwrap_or_default().balance)
}

pub(super) fn code(context: &Context, mut args: Args) -> Result<Bytes, RpcError> {
    let address: Address = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    let view = context.state(id)?.view;
    match view.account(&address)? {
        Some(account) => Ok(view.code(&account.code_hash)?),
        None => Ok(Bytes::new()),
    }
}

/// A storage slot: hex, at most 32 bytes, with or without leading zeros.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::rpc) struct Slot(U256);

impl TryFrom<String> for Slot {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text
            .strip_prefix("0x")
            .ok_or("storage key lacks the prefix 0x")?;
        if digits.len() > 64 {
            return Err(format!(
                "storage key of {} hex digits, at most 64",
                digits.len()
            ));
        }
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err("storage key is not hex".to_owned());
        }
        let slot = if digits.is_empty() {
            Ok(U256::ZERO)
        } else {
            U256::from_str_radix(digits, 16)
        };
        slot.map(Self).map_err(|error| error.to_string())
    }
}

pub(super) fn storage_at(context: &Context, mut args: Args) -> Result<B256, RpcError> {
    let address: Address = args.required()?;
    let Slot(slot) = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    Ok(context.state(id)?.view.slot(&address, &slot)?.into())
}

/// Slots of several accounts at once.
pub(super) fn storage_values(
    context: &Context,
    mut args: Args,
) -> Result<BTreeMap<Address, Vec<B256>>, RpcError> {
    let wanted: BTreeMap<Address, Vec<Slot>> = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    let most = context.limits.proof_keys;
    if wanted.values().map(Vec::len).sum::<usize>() > most {
        return Err(RpcError::params(format!("more than {most} storage keys")));
    }
    let view = context.state(id)?.view;
    let values = |(address, slots): (Address, Vec<Slot>)| {
        let value = |Slot(slot)| Ok(view.slot(&address, &slot)?.into());
        let values: Result<Vec<B256>, RpcError> = slots.into_iter().map(value).collect();
        Ok((address, values?))
    };
    wanted.into_iter().map(values).collect()
}

pub(super) async fn transaction_count(
    context: Arc<Context>,
    mut args: Args,
) -> Result<U64, RpcError> {
    let address: Address = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    if id == Some(BlockId::pending()) {
        return Ok(U64::from(pending_nonce(&context, address).await?));
    }
    let account = context.state(id)?.view.account(&address)?;
    Ok(U64::from(account.unwrap_or_default().nonce))
}

/// The nonce to use next: after what is executed, and after what waits in the pool.
///
/// A replica asks the sequencer, whose pool it is. When that does not answer, what this node knows is
/// the best there is: nothing can be sent through it meanwhile.
pub(super) async fn pending_nonce(context: &Context, address: Address) -> Result<u64, RpcError> {
    let known = known_nonce(context, &address)?;
    match &context.forward {
        Some(forward) => {
            let asked = forward.pending_nonce(address).await;
            Ok(asked.map_or(known, |asked| asked.max(known)))
        }
        None => Ok(known),
    }
}

/// The same as far as this node knows.
fn known_nonce(context: &Context, address: &Address) -> Result<u64, RpcError> {
    // The pool first: what leaves it for a block meanwhile is then found in the state.
    let pooled = context.pool.pending_nonce(address);
    let snapshot = context.store.sequenced()?;
    let view = snapshot.state_at(snapshot.head().number)?;
    let executed = view.account(address)?.unwrap_or_default().nonce;
    Ok(pooled.map_or(executed, |pooled| pooled.max(executed)))
}
