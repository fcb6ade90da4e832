//! Where L1's log stands before one batch, without reading what came before it.
//!
//! The Inbox keeps its accumulators, so a header and the entries that it consumes can be checked alone. What comes
//! out is only a place to begin: [`super::L1Log`] checks what it reads from there on.

use super::{HostError, LogPosition};
use alloy::{
    providers::{DynProvider, Provider},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use alloy_primitives::{Address, B256, U256};
use trestle_contracts::bindings::inbox::Inbox::{BatchAppended, EntryEnqueued, InboxInstance};
use trestle_protocol::BatchHeader;

/// Where the log stands before batch `batch`, and the L1 block that appended it; `None` if L1 has no such batch.
/// `blocks` are the first L1 block that can hold it, and the newest.
///
/// # Errors
/// [`HostError::L1`], [`HostError::Transport`] when L1 does not answer, [`HostError::Log`] when events and accumulators
/// do not fit.
pub async fn position_before(
    provider: &DynProvider,
    inbox: Address,
    batch: u64,
    blocks: (u64, u64),
) -> Result<Option<(LogPosition, u64)>, HostError> {
    let contract = InboxInstance::new(inbox, provider);
    let Some(before) = batch.checked_sub(1) else {
        return Ok(None);
    };
    let acc = contract.batchAcc(batch).call().await?;
    if acc.is_zero() {
        return Ok(None);
    }
    let batch_acc = contract.batchAcc(before).call().await?;
    let wrong = |what, index| HostError::Log { what, index };
    let filter = Filter::new().address(inbox);
    let appended = filter
        .clone()
        .event_signature(BatchAppended::SIGNATURE_HASH);
    let log = first_log(provider, &appended.topic1(U256::from(batch)), blocks).await?;
    let header = log
        .and_then(|log| BatchAppended::decode_log(&log.inner).ok())
        .and_then(|event| BatchHeader::decode(&event.data.header).ok())
        .filter(|header| header.index == batch && header.accumulate(batch_acc) == acc)
        .ok_or_else(|| wrong("batch", batch))?;
    let from = header.deposit_from;
    let entry_acc = match from {
        0 => B256::ZERO,
        _ => contract.depositAcc(from).call().await?,
    };
    let block = if from == header.deposit_to {
        header.l1_number
    } else {
        let enqueued = filter.event_signature(EntryEnqueued::SIGNATURE_HASH);
        let until = (blocks.0, header.l1_number);
        let log = first_log(provider, &enqueued.topic1(U256::from(from)), until).await?;
        let block = log.and_then(|log| log.block_number);
        block.ok_or_else(|| wrong("entry", from))?
    };
    let position = LogPosition {
        block,
        batches: before,
        batch_acc,
        entries: from,
        entry_acc,
    };
    Ok(Some((position, header.l1_number)))
}

/// The first log of `filter` between two blocks; spans that the endpoint refuses are halved.
async fn first_log(
    provider: &DynProvider,
    filter: &Filter,
    (mut from, to): (u64, u64),
) -> Result<Option<Log>, HostError> {
    let mut span = to.saturating_sub(from).saturating_add(1);
    while from <= to {
        let last = to.min(from.saturating_add(span.saturating_sub(1)));
        let part = filter.clone().from_block(from).to_block(last);
        match provider.get_logs(&part).await {
            Ok(logs) => match logs.into_iter().next() {
                Some(log) => return Ok(Some(log)),
                None => from = last.saturating_add(1),
            },
            Err(error) if span <= 1 => return Err(error.into()),
            Err(_) => span >>= 1,
        }
    }
    Ok(None)
}
