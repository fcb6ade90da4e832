//! Logs and filters.

use alloy::rpc::types::{Filter, FilterBlockOption, Log};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::U128;

use crate::rpc::{
    RpcError,
    args::Args,
    context::Context,
    filters::{Changes, Kind},
    heavy::Deadline,
    logs::LogQuery,
};

pub(super) fn logs(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Vec<Log>, RpcError> {
    let filter: Filter = args.required()?;
    args.end()?;
    search(context, &filter, deadline)
}

fn search(context: &Context, filter: &Filter, deadline: Deadline) -> Result<Vec<Log>, RpcError> {
    let snapshot = context.snapshot()?;
    let range = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let unknown = || RpcError::not_found(format!("block not found: hash {hash}"));
            let number = snapshot.number(&hash)?.ok_or_else(unknown)?;
            (number, number)
        }
        FilterBlockOption::Range {
            from_block,
            to_block,
        } => {
            let head = snapshot.head().number;
            let number =
                |tag: Option<BlockNumberOrTag>| context.number(&snapshot, tag.unwrap_or_default());
            let (from, to) = (number(from_block), number(to_block));
            if to > head {
                let beyond = "block range extends beyond current head block";
                return Err(RpcError::params(beyond));
            }
            if from > to {
                return Err(RpcError::params("invalid block range params"));
            }
            (from, to)
        }
    };
    LogQuery::new(filter).in_range(context, &snapshot, range, deadline)
}

/// Collects logs from now on; whatever range is given, filters look forward.
pub(super) fn new_filter(context: &Context, mut args: Args) -> Result<U128, RpcError> {
    let filter: Filter = args.required()?;
    args.end()?;
    let head = context.snapshot()?.head();
    context.filters.install(Kind::Logs(Box::new(filter)), head)
}

pub(super) fn new_block_filter(context: &Context, args: Args) -> Result<U128, RpcError> {
    args.end()?;
    let head = context.snapshot()?.head();
    context.filters.install(Kind::Blocks, head)
}

pub(super) fn new_pending_filter(context: &Context, mut args: Args) -> Result<U128, RpcError> {
    let full = args.optional()?.unwrap_or(false);
    args.end()?;
    let arrivals = context.pool.subscribe();
    context
        .filters
        .install(Kind::Pending { arrivals, full }, context.snapshot()?.head())
}

pub(super) fn filter_changes(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Changes, RpcError> {
    let id: U128 = args.required()?;
    args.end()?;
    context.filters.changes(context, &id, deadline)
}

pub(super) fn filter_logs(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Vec<Log>, RpcError> {
    let id: U128 = args.required()?;
    args.end()?;
    search(context, &context.filters.log_query(&id)?, deadline)
}

pub(super) fn uninstall_filter(context: &Context, mut args: Args) -> Result<bool, RpcError> {
    let id: U128 = args.required()?;
    args.end()?;
    Ok(context.filters.uninstall(&id))
}
