//! Calls without a transaction, and the gas that one needs.

use alloy::rpc::types::{AccessListResult, BlockOverrides, TransactionRequest};
use alloy_eips::{
    BlockId,
    eip2930::{AccessList, AccessListItem},
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256};
use revm::{
    DatabaseRef,
    context::{
        TxEnv,
        result::{ExecutionResult, HaltReason},
    },
    primitives::TxKind,
};

use crate::rpc::{
    RpcError,
    args::Args,
    context::Context,
    evm::{self, CallSite, StateOverride},
    heavy::Deadline,
};

/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;
/// An estimate may exceed the least gas that suffices by this share, as in geth and reth.
const ESTIMATE_ERROR: f64 = 0.015;
/// Gas that a call with value gives along for free.
const CALL_STIPEND: u64 = 2_300;

pub(super) fn call(context: &Context, mut args: Args, _: Deadline) -> Result<Bytes, RpcError> {
    let request: TransactionRequest = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    let accounts: Option<StateOverride> = args.optional()?;
    let block: Option<BlockOverrides> = args.optional()?;
    args.end()?;
    let mut site = site_for_call(context, id)?;
    site.apply(accounts, block)?;
    let tx = evm::tx_env(&context.config, &site, request, context.limits.call_gas)?;
    let gas_limit = tx.gas_limit;
    evm::output(site.run(&context.config, tx)?.result, gas_limit)
}

/// The state and environment of a call: those of the block that it names; for `pending` a block
/// sealed now.
pub(super) fn site_for_call(context: &Context, id: Option<BlockId>) -> Result<CallSite, RpcError> {
    let state = context.state(id)?;
    match id {
        Some(id) if id.is_pending() => CallSite::after(context, &state),
        _ => Ok(CallSite::at(&state)),
    }
}

/// The state and environment of a transaction that is about to be sent: a block sealed now on top of
/// the newest one, unless an older block is asked for. Blocks come when there is work, so the newest
/// one may be old, and a contract that waits for a time would seem to refuse.
pub(super) fn upcoming(context: &Context, id: Option<BlockId>) -> Result<CallSite, RpcError> {
    let state = context.state(id)?;
    match id {
        Some(id) if !id.is_latest() && !id.is_pending() => Ok(CallSite::at(&state)),
        _ => CallSite::after(context, &state),
    }
}

pub(super) fn estimate_gas(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<U64, RpcError> {
    let request: TransactionRequest = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    let accounts: Option<StateOverride> = args.optional()?;
    let block: Option<BlockOverrides> = args.optional()?;
    args.end()?;
    let mut site = upcoming(context, id)?;
    site.apply(accounts, block)?;
    estimate(context, &site, request, deadline).map(U64::from)
}

/// The least gas limit, within [`ESTIMATE_ERROR`], with which the transaction succeeds.
pub(super) fn estimate(
    context: &Context,
    site: &CallSite,
    request: TransactionRequest,
    deadline: Deadline,
) -> Result<u64, RpcError> {
    let cap = context.config.tx_gas_limit.min(context.limits.call_gas);
    let mut tx = evm::tx_env(&context.config, site, request, cap)?;
    let account = site.db.basic_ref(tx.caller)?.unwrap_or_default();
    let most = tx
        .gas_limit
        .min(evm::allowance(&account, tx.gas_price, tx.value)?);
    tx.gas_limit = most;
    if is_transfer(site, &tx)? && most >= TRANSFER_GAS {
        let plain = TxEnv {
            gas_limit: TRANSFER_GAS,
            ..tx.clone()
        };
        if site
            .run(&context.config, plain)
            .is_ok_and(|outcome| outcome.result.is_success())
        {
            return Ok(TRANSFER_GAS);
        }
    }
    let outcome = site.run(&context.config, tx.clone())?.result;
    let (used, refunded) = match &outcome {
        ExecutionResult::Success { gas, .. } => (gas.tx_gas_used(), gas.inner_refunded()),
        ExecutionResult::Revert { output, .. } => return Err(RpcError::revert(output)),
        ExecutionResult::Halt {
            reason: HaltReason::OutOfGas(_),
            ..
        } => {
            return Err(RpcError::input(format!(
                "gas required exceeds allowance ({most})"
            )));
        }
        ExecutionResult::Halt { reason, .. } => return Err(evm::halt(reason, most)),
    };
    let guess = used.saturating_add(refunded).saturating_add(CALL_STIPEND);
    let guess = guess.saturating_mul(64) / 63;
    let enough = |gas_limit| -> Result<bool, RpcError> {
        deadline.check()?;
        match site.run(
            &context.config,
            TxEnv {
                gas_limit,
                ..tx.clone()
            },
        ) {
            Ok(outcome) => Ok(outcome.result.is_success()),
            // Below the intrinsic gas the transaction cannot even start.
            Err(error) if error.code() == -32603 => Err(error),
            Err(_) => Ok(false),
        }
    };
    search(used.saturating_sub(1), guess, most, enough)
}

/// Binary search for the least sufficient limit in `(low, most]`, beginning at `guess`.
fn search(
    mut low: u64,
    guess: u64,
    most: u64,
    enough: impl Fn(u64) -> Result<bool, RpcError>,
) -> Result<u64, RpcError> {
    let mut high = most;
    if guess < high {
        if enough(guess)? {
            high = guess
        } else {
            low = guess
        }
    }
    while low.saturating_add(1) < high {
        #[expect(clippy::cast_precision_loss, reason = "a relative error")]
        if (high - low) as f64 / (high as f64) < ESTIMATE_ERROR {
            break;
        }
        // Most transactions need little more than they use.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2).max(low + 1));
        if enough(middle)? {
            high = middle
        } else {
            low = middle
        }
    }
    Ok(high)
}

/// Whether nothing but value moves, to an account without code.
fn is_transfer(site: &CallSite, tx: &TxEnv) -> Result<bool, RpcError> {
    let TxKind::Call(to) = tx.kind else {
        return Ok(false);
    };
    if !tx.data.is_empty() || !tx.authorization_list.is_empty() || !tx.access_list.0.is_empty() {
        return Ok(false);
    }
    let account = site.db.basic_ref(to)?.unwrap_or_default();
    let plain = account.code_hash == KECCAK256_EMPTY || account.code_hash == B256::ZERO;
    Ok(plain && account.code.is_none_or(|code| code.is_empty()))
}

pub(super) fn create_access_list(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<AccessListResult, RpcError> {
    let request: TransactionRequest = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    let accounts: Option<StateOverride> = args.optional()?;
    args.end()?;
    let mut site = upcoming(context, id)?;
    site.apply(accounts, None)?;
    let cap = context.config.tx_gas_limit.min(context.limits.call_gas);
    let mut tx = evm::tx_env(&context.config, &site, request, cap)?;
    // What is touched may depend on what is listed, by gas: repeat until nothing changes.
    for _ in 0..16 {
        deadline.check()?;
        let outcome = site.run(&context.config, tx.clone())?;
        let list = touched(&site, &tx, &outcome.state);
        if list == tx.access_list {
            let gas_used = U256::from(outcome.result.tx_gas_used());
            let error = evm::output(outcome.result, tx.gas_limit).err();
            return Ok(AccessListResult {
                access_list: list,
                gas_used,
                error: error.map(|error| error.to_string()),
            });
        }
        if tx.tx_type == 0 {
            tx.tx_type = 1;
        }
        tx.access_list = list;
    }
    Err(RpcError::input("access list does not settle"))
}

/// What a run touched beyond what is warm anyway.
fn touched(site: &CallSite, tx: &TxEnv, state: &revm::state::EvmState) -> AccessList {
    let created = match tx.kind {
        TxKind::Call(to) => to,
        TxKind::Create => tx.caller.create(tx.nonce),
    };
    let warm = |address: &Address| {
        *address == tx.caller
            || *address == created
            || *address == site.block.beneficiary
            || is_precompile(address)
    };
    let mut items: Vec<AccessListItem> = state
        .iter()
        .map(|(address, account)| {
            let mut keys: Vec<B256> = account.storage.keys().map(|key| B256::from(*key)).collect();
            keys.sort_unstable();
            AccessListItem {
                address: *address,
                storage_keys: keys,
            }
        })
        .filter(|item| !item.storage_keys.is_empty() || !warm(&item.address))
        .collect();
    items.sort_unstable_by_key(|item| item.address);
    AccessList(items)
}

fn is_precompile(address: &Address) -> bool {
    let number = U256::from_be_slice(address.as_slice());
    number != U256::ZERO && (number <= U256::from(0x11) || number == U256::from(0x100))
}
