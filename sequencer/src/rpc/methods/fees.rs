//! Fees, all from the protocol's own fee rule.

use alloy::rpc::types::FeeHistory;
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{U64, U256};
use op_alloy_consensus::OpTxEnvelope;
use serde::Deserialize;
use trestle_protocol::SealedBlock;

use crate::{
    rpc::{RpcError, args::Args, chain::sealed_header, context::Context, heavy::Deadline, wire},
    store::Snapshot,
};

/// Base fee of blobs: there are none, so it stays at the minimum of EIP-4844, in wei.
const BLOB_BASE_FEE: u128 = 1;

/// Base fee of the next block, in wei per gas.
pub(super) fn next_base_fee(context: &Context) -> Result<u64, RpcError> {
    let snapshot = context.snapshot()?;
    let head = sealed_header(&snapshot, snapshot.head().number)?;
    context.next_base_fee(&head)
}

/// A seventh above the next base fee: more than the eighth by which one entry of L1 can raise it (SPEC.md, fee
/// rule). MetaMask sends this as fee and as tip, so the headroom is paid: it must be small. The price of admission if
/// that is higher.
pub(super) fn gas_price(context: &Context, args: Args) -> Result<U256, RpcError> {
    args.end()?;
    let base_fee = u128::from(next_base_fee(context)?);
    let headroom = base_fee.saturating_add(base_fee.div_ceil(7));
    let admission = context.pool.admission_price().unwrap_or_default();
    Ok(U256::from(headroom.max(admission)))
}

/// None while few wait, for then order of arrival decides.
pub(super) fn max_priority_fee(context: &Context, args: Args) -> Result<U256, RpcError> {
    args.end()?;
    Ok(U256::from(context.pool.fair_tip()))
}

pub(super) fn blob_base_fee(_: &Context, args: Args) -> Result<U256, RpcError> {
    args.end()?;
    Ok(U256::from(BLOB_BASE_FEE))
}

pub(super) fn base_fee(context: &Context, args: Args) -> Result<U64, RpcError> {
    args.end()?;
    Ok(U64::from(next_base_fee(context)?))
}

/// A count in hex or as a number.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Count {
    Hex(U64),
    Plain(u64),
}

/// What a feeHistory is asked for.
struct History {
    oldest: u64,
    newest: u64,
    percentiles: Option<Vec<f64>>,
}

pub(super) fn fee_history(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<FeeHistory, RpcError> {
    let count = match args.required()? {
        Count::Hex(count) => count.to(),
        Count::Plain(count) => count,
    };
    let newest: BlockNumberOrTag = args.required()?;
    let percentiles: Option<Vec<f64>> = args.optional()?;
    args.end()?;
    check_percentiles(context, percentiles.as_deref().unwrap_or_default())?;
    let snapshot = context.snapshot()?;
    let newest = context.require(&snapshot, newest.into())?;
    let count = count
        .min(context.limits.fee_history_blocks)
        .min(newest.saturating_add(1));
    if count == 0 {
        return Ok(FeeHistory {
            oldest_block: newest,
            ..FeeHistory::default()
        });
    }
    let oldest = newest + 1 - count;
    history(
        context,
        &snapshot,
        &History {
            oldest,
            newest,
            percentiles,
        },
        deadline,
    )
}

fn check_percentiles(context: &Context, percentiles: &[f64]) -> Result<(), RpcError> {
    let most = context.limits.fee_history_percentiles;
    if percentiles.len() > most {
        return Err(RpcError::params(format!(
            "over the query limit {most} of reward percentiles"
        )));
    }
    let in_range = percentiles.iter().all(|p| (0.0..=100.0).contains(p));
    let rising = percentiles
        .windows(2)
        .all(|pair| pair.first() <= pair.last());
    if in_range && rising {
        Ok(())
    } else {
        Err(RpcError::params(
            "reward percentiles must rise from 0 to 100",
        ))
    }
}

fn history(
    context: &Context,
    snapshot: &Snapshot,
    asked: &History,
    deadline: Deadline,
) -> Result<FeeHistory, RpcError> {
    let mut answer = FeeHistory {
        oldest_block: asked.oldest,
        ..FeeHistory::default()
    };
    let mut rewards = Vec::new();
    for number in asked.oldest..=asked.newest {
        deadline.check()?;
        let header = sealed_header(snapshot, number)?.header;
        answer
            .base_fee_per_gas
            .push(header.base_fee_per_gas.unwrap_or_default().into());
        answer
            .gas_used_ratio
            .push(ratio(header.gas_used, header.gas_limit));
        if let Some(percentiles) = &asked.percentiles {
            let block = context.block(snapshot, number)?;
            rewards.push(block.map_or_else(Vec::new, |block| tips(&block, percentiles)));
        }
    }
    let next = match snapshot.header(asked.newest + 1)? {
        Some(next) => next.header.base_fee_per_gas.unwrap_or_default(),
        None => context.next_base_fee(&sealed_header(snapshot, asked.newest)?)?,
    };
    answer.base_fee_per_gas.push(next.into());
    answer.base_fee_per_blob_gas = vec![BLOB_BASE_FEE; answer.base_fee_per_gas.len()];
    answer.blob_gas_used_ratio = vec![0.0; answer.gas_used_ratio.len()];
    answer.reward = asked.percentiles.is_some().then_some(rewards);
    Ok(answer)
}

/// Share of the limit that was used, from 0 to 1; deposits may exceed the limit.
fn ratio(used: u64, limit: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
    let ratio = used as f64 / limit.max(1) as f64;
    ratio.min(1.0)
}

/// The tips at the given percentiles of the gas that users spent, in wei per gas; zeros without.
fn tips(block: &SealedBlock, percentiles: &[f64]) -> Vec<u128> {
    let base_fee = block.header.header.base_fee_per_gas.unwrap_or_default();
    let mut before = 0;
    let mut paid: Vec<(u128, u64)> = Vec::new();
    for (tx, receipt) in block.body.transactions.iter().zip(&block.body.receipts) {
        let gas = receipt.cumulative_gas_used().saturating_sub(before);
        before = receipt.cumulative_gas_used();
        if !matches!(tx, OpTxEnvelope::Deposit(_)) {
            let price = wire::effective_price(tx, Some(base_fee));
            paid.push((price.saturating_sub(u128::from(base_fee)), gas));
        }
    }
    paid.sort_unstable();
    let total: u64 = paid.iter().map(|(_, gas)| gas).sum();
    percentiles
        .iter()
        .map(|percentile| tip_at(&paid, total, *percentile))
        .collect()
}

fn tip_at(paid: &[(u128, u64)], total: u64, percentile: f64) -> u128 {
    #[expect(clippy::cast_precision_loss, reason = "a percentile of gas")]
    let threshold = total as f64 * percentile / 100.0;
    let mut sum = 0_u64;
    for (tip, gas) in paid {
        sum = sum.saturating_add(*gas);
        #[expect(clippy::cast_precision_loss, reason = "a percentile of gas")]
        if sum as f64 >= threshold {
            return *tip;
        }
    }
    paid.last().map_or(0, |(tip, _)| *tip)
}
