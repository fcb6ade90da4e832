//! `trace_*`: Parity's traces, by revm-inspectors.

use alloy::rpc::types::{
    TransactionInfo, TransactionRequest,
    trace::{
        filter::TraceFilter,
        parity::{
            LocalizedTransactionTrace, TraceResults, TraceResultsWithTransactionHash, TraceType,
        },
    },
};
use alloy_eips::BlockId;
use alloy_primitives::{B256, U64, map::HashSet};
use revm_inspectors::tracing::{TracingInspector, TracingInspectorConfig};
use trestle_protocol::SealedBlock;

use super::calls::site_for_call;
use crate::rpc::{
    RpcError,
    args::Args,
    bounded::{Budget, Kept},
    context::Context,
    evm,
    heavy::Deadline,
    replay::{Replay, watch_call},
};

type Types = HashSet<TraceType>;

/// What an inspector of these settings keeps.
pub(super) const fn kept(config: &TracingInspectorConfig) -> Kept {
    Kept {
        calls: true,
        steps: config.record_steps,
        memory: config.record_memory_snapshots || config.record_returndata_snapshots,
    }
}

/// Traces of the calls in every transaction from `from` to `to`, both within the block.
pub(super) fn calls_of(
    context: &Context,
    block: &SealedBlock,
    (from, to): (usize, usize),
    deadline: Deadline,
) -> Result<Vec<LocalizedTransactionTrace>, RpcError> {
    let snapshot = context.snapshot()?;
    let mut replay = Replay::begin(context, &snapshot, block, deadline)?;
    replay.skip_to(from)?;
    let mut traces = Vec::new();
    let header = &block.header.header;
    for (index, tx) in block
        .body
        .transactions
        .iter()
        .enumerate()
        .take(to + 1)
        .skip(from)
    {
        let mut inspector = TracingInspector::new(TracingInspectorConfig::default_parity());
        let watch = replay.watch(&mut inspector)?;
        inspector.set_transaction_gas_limit(watch.tx.gas_limit);
        inspector.set_transaction_caller(watch.tx.caller);
        let info = TransactionInfo {
            hash: Some(tx.tx_hash()),
            index: u64::try_from(index).ok(),
            block_hash: Some(block.header.hash),
            block_number: Some(header.number),
            base_fee: header.base_fee_per_gas,
            ..TransactionInfo::default()
        };
        traces.extend(
            inspector
                .into_parity_builder()
                .into_localized_transaction_traces(info),
        );
        replay.commit(watch)?;
    }
    Ok(traces)
}

pub(super) fn block(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Option<Vec<LocalizedTransactionTrace>>, RpcError> {
    let id: BlockId = args.required()?;
    args.end()?;
    let Some(block) = context.block_by_id(id)? else {
        return Ok(None);
    };
    let Some(last) = block.body.transactions.len().checked_sub(1) else {
        return Ok(Some(Vec::new()));
    };
    calls_of(context, &block, (0, last), deadline).map(Some)
}

pub(super) fn transaction(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Option<Vec<LocalizedTransactionTrace>>, RpcError> {
    let hash: B256 = args.required()?;
    args.end()?;
    let Some((block, index)) = context.transaction(&hash)? else {
        return Ok(None);
    };
    calls_of(context, &block, (index, index), deadline).map(Some)
}

/// One trace of a transaction, by its path from the outermost call.
pub(super) fn get(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Option<LocalizedTransactionTrace>, RpcError> {
    let hash: B256 = args.required()?;
    let path: Vec<U64> = args.required()?;
    args.end()?;
    let Some((block, index)) = context.transaction(&hash)? else {
        return Ok(None);
    };
    let path: Vec<usize> = path
        .iter()
        .map(|step| usize::try_from(step.to::<u64>()).unwrap_or(usize::MAX))
        .collect();
    let traces = calls_of(context, &block, (index, index), deadline)?;
    Ok(traces
        .into_iter()
        .find(|found| found.trace.trace_address == path))
}

/// Traces of a range of blocks, by sender and recipient.
pub(super) fn filter(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Vec<LocalizedTransactionTrace>, RpcError> {
    let filter: TraceFilter = args.required()?;
    args.end()?;
    let snapshot = context.snapshot()?;
    let head = snapshot.head().number;
    let from = filter.from_block.unwrap_or(0).max(1);
    let to = filter.to_block.unwrap_or(head).min(head);
    let most = context.limits.trace_blocks;
    if to.saturating_sub(from) >= most {
        return Err(RpcError::params(format!(
            "query exceeds max block range {most}"
        )));
    }
    let after = usize::try_from(filter.after.unwrap_or(0)).unwrap_or(usize::MAX);
    let results = context.limits.log_results;
    let count = filter
        .count
        .map_or(results, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let matcher = filter.matcher();
    // No answer holds more, wherever in the matches it begins.
    let wanted = after.saturating_add(count.min(results));
    let mut found = Vec::new();
    for number in from..=to {
        deadline.check()?;
        let Some(block) = context.block(&snapshot, number)? else {
            break;
        };
        let Some(last) = block.body.transactions.len().checked_sub(1) else {
            continue;
        };
        let traces = calls_of(context, &block, (0, last), deadline)?;
        found.extend(traces.into_iter().filter(|one| matcher.matches(&one.trace)));
        if found.len() >= wanted {
            break;
        }
    }
    Ok(found
        .into_iter()
        .skip(after)
        .take(count.min(results))
        .collect())
}

/// Results of the transactions from `from` to `to` of a block.
fn results_of(
    context: &Context,
    block: &SealedBlock,
    (from, to): (usize, usize),
    types: &Types,
    deadline: Deadline,
) -> Result<Vec<TraceResults>, RpcError> {
    let snapshot = context.snapshot()?;
    let config = TracingInspectorConfig::from_parity_config(types);
    let replay = Replay::begin(context, &snapshot, block, deadline)?;
    let mut replay = replay.keeping(kept(&config));
    replay.skip_to(from)?;
    let mut results = Vec::new();
    for _ in from..=to {
        deadline.check()?;
        let mut inspector = TracingInspector::new(config);
        let watch = replay.watch(&mut inspector)?;
        inspector.set_transaction_gas_limit(watch.tx.gas_limit);
        inspector.set_transaction_caller(watch.tx.caller);
        let builder = inspector.into_parity_builder();
        results.push(builder.into_trace_results_with_state(&watch.outcome, types, &replay.db)?);
        replay.commit(watch)?;
    }
    Ok(results)
}

pub(super) fn replay_transaction(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<TraceResults, RpcError> {
    let hash: B256 = args.required()?;
    let types: Types = args.required()?;
    args.end()?;
    let Some((block, index)) = context.transaction(&hash)? else {
        return Err(RpcError::input("transaction not found"));
    };
    let results = results_of(context, &block, (index, index), &types, deadline)?;
    results
        .into_iter()
        .next()
        .ok_or_else(|| RpcError::internal("nothing was traced"))
}

pub(super) fn replay_block(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Option<Vec<TraceResultsWithTransactionHash>>, RpcError> {
    let id: BlockId = args.required()?;
    let types: Types = args.required()?;
    args.end()?;
    let Some(block) = context.block_by_id(id)? else {
        return Ok(None);
    };
    let Some(last) = block.body.transactions.len().checked_sub(1) else {
        return Ok(Some(Vec::new()));
    };
    let results = results_of(context, &block, (0, last), &types, deadline)?;
    let hashes = block.body.transactions.iter().map(|tx| tx.tx_hash());
    let named = results
        .into_iter()
        .zip(hashes)
        .map(
            |(full_trace, transaction_hash)| TraceResultsWithTransactionHash {
                full_trace,
                transaction_hash,
            },
        );
    Ok(Some(named.collect()))
}

pub(super) fn call(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<TraceResults, RpcError> {
    let request: TransactionRequest = args.required()?;
    let types: Types = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    let mut site = site_for_call(context, id)?;
    let tx = evm::tx_env(&context.config, &site, request, context.limits.call_gas)?;
    let config = TracingInspectorConfig::from_parity_config(&types);
    let mut inspector = TracingInspector::new(config);
    let outcome = watch_call(
        &context.config,
        &mut site,
        tx.clone(),
        &mut inspector,
        Budget::until(deadline).keeping(kept(&config)),
    )?;
    inspector.set_transaction_gas_limit(tx.gas_limit);
    inspector.set_transaction_caller(tx.caller);
    Ok(inspector
        .into_parity_builder()
        .into_trace_results_with_state(&outcome, &types, &site.db)?)
}
