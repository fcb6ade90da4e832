//! `debug_trace*`: geth's tracers, by revm-inspectors. JavaScript tracers are not there.

use alloy::rpc::types::{
    TransactionRequest,
    trace::geth::{GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace, TraceResult},
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use revm_inspectors::tracing::{
    DebugInspector, DebugInspectorError, TracingInspectorConfig, TransactionContext,
};
use trestle_protocol::SealedBlock;

use super::{calls::site_for_call, traces};
use crate::rpc::{
    RpcError,
    args::Args,
    bounded::{Budget, Kept},
    context::Context,
    evm,
    heavy::Deadline,
    replay::{Replay, watch_call},
};

fn inspector(options: GethDebugTracingOptions) -> Result<DebugInspector, RpcError> {
    DebugInspector::new(options).map_err(|error| RpcError::params(error.to_string()))
}

/// What an inspector of these options keeps: without a tracer, every step.
fn kept(options: &GethDebugTracingOptions) -> Kept {
    match options.tracer {
        Some(_) => Kept::CALLS,
        None => traces::kept(&TracingInspectorConfig::from_geth_config(&options.config)),
    }
}

fn failed<E: std::fmt::Display>(error: DebugInspectorError<E>) -> RpcError {
    match error {
        DebugInspectorError::Database(error) => RpcError::internal(error.to_string()),
        other => RpcError::input(other.to_string()),
    }
}

pub(super) fn trace_transaction(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<GethTrace, RpcError> {
    let hash: B256 = args.required()?;
    let options: Option<GethDebugTracingOptions> = args.optional()?;
    args.end()?;
    let options = options.unwrap_or_default();
    let kept = kept(&options);
    let mut inspector = inspector(options)?;
    let Some((block, index)) = context.transaction(&hash)? else {
        return Err(RpcError::input("transaction not found"));
    };
    let snapshot = context.snapshot()?;
    let mut replay = Replay::begin(context, &snapshot, &block, deadline)?.keeping(kept);
    replay.skip_to(index)?;
    trace_next(&mut replay, &block, index, &mut inspector)
}

/// Traces the transaction at `index`, which is next, and takes it into the state.
fn trace_next(
    replay: &mut Replay<'_>,
    block: &SealedBlock,
    index: usize,
    inspector: &mut DebugInspector,
) -> Result<GethTrace, RpcError> {
    let watch = replay.watch(&mut *inspector)?;
    let place = TransactionContext {
        block_hash: Some(block.header.hash),
        tx_index: Some(index),
        tx_hash: block.body.transactions.get(index).map(|tx| tx.tx_hash()),
    };
    let env = replay.env.clone();
    let trace = inspector
        .get_result(Some(place), &watch.tx, &env, &watch.outcome, &mut replay.db)
        .map_err(failed)?;
    replay.commit(watch)?;
    Ok(trace)
}

pub(super) fn trace_block_by_number(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Vec<TraceResult>, RpcError> {
    let number: BlockNumberOrTag = args.required()?;
    trace_block(context, number.into(), args, deadline)
}

pub(super) fn trace_block_by_hash(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Vec<TraceResult>, RpcError> {
    let hash: B256 = args.required()?;
    trace_block(context, hash.into(), args, deadline)
}

fn trace_block(
    context: &Context,
    id: BlockId,
    mut args: Args,
    deadline: Deadline,
) -> Result<Vec<TraceResult>, RpcError> {
    let options: Option<GethDebugTracingOptions> = args.optional()?;
    args.end()?;
    let options = options.unwrap_or_default();
    let kept = kept(&options);
    let mut inspector = inspector(options)?;
    let block = context.require_block(id)?;
    let snapshot = context.snapshot()?;
    let mut replay = Replay::begin(context, &snapshot, &block, deadline)?.keeping(kept);
    let mut traces = Vec::with_capacity(block.body.transactions.len());
    for (index, tx) in block.body.transactions.iter().enumerate() {
        deadline.check()?;
        inspector.fuse().map_err(failed)?;
        let result = trace_next(&mut replay, &block, index, &mut inspector)?;
        traces.push(TraceResult::new_success(result, Some(tx.tx_hash())));
    }
    Ok(traces)
}

pub(super) fn trace_call(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<GethTrace, RpcError> {
    let request: TransactionRequest = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    let options: Option<GethDebugTracingCallOptions> = args.optional()?;
    args.end()?;
    let GethDebugTracingCallOptions {
        tracing_options,
        state_overrides,
        block_overrides,
        ..
    } = options.unwrap_or_default();
    let kept = kept(&tracing_options);
    let mut inspector = inspector(tracing_options)?;
    let mut site = site_for_call(context, id)?;
    site.apply(state_overrides, block_overrides)?;
    let tx = evm::tx_env(&context.config, &site, request, context.limits.call_gas)?;
    let outcome = watch_call(
        &context.config,
        &mut site,
        tx.clone(),
        &mut inspector,
        Budget::until(deadline).keeping(kept),
    )?;
    let env = site.block.clone();
    inspector
        .get_result(None, &tx, &env, &outcome, &mut site.db)
        .map_err(failed)
}
