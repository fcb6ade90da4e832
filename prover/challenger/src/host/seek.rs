//! Where L1's log stands before one batch, without reading what came before it.
//!
//! The Inbox keeps its accumulators, so a header and the entries that it consumes can be checked alone. What comes
//! out is only a place to begin: [`super::L1Log`] checks what it reads from there on.

use super::{HostError, LogPosition};
use alloy::{
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use alloy_primitives::{Address, B256, U256};
use trestle_contracts::bindings::inbox::Inbox::{
    BatchAppended, EntryEnqueued, batchAccCall, depositAccCall,
};
use trestle_protocol::BatchHeader;
use trestle_sequencer::l1::{ContractReader, L1Client};

/// Where the log stands before batch `batch`, and the L1 block that appended it; `None` if L1 has no such batch.
/// `blocks` are the first L1 block that can hold it, and the newest.
///
/// # Errors
/// [`HostError::Read`], [`HostError::Span`] when L1 does not answer, [`HostError::Log`] when events and accumulators
/// do not fit.
pub async fn position_before(
    client: &L1Client,
    inbox: Address,
    batch: u64,
    blocks: (u64, u64),
) -> Result<Option<(LogPosition, u64)>, HostError> {
    let reader = ContractReader::new(client.clone());
    let Some(before) = batch.checked_sub(1) else {
        return Ok(None);
    };
    let acc = reader.read(inbox, &batchAccCall { index: batch }).await?;
    if acc.is_zero() {
        return Ok(None);
    }
    let batch_acc = reader.read(inbox, &batchAccCall { index: before }).await?;
    let wrong = |what, index| HostError::Log { what, index };
    let filter = Filter::new().address(inbox);
    let appended = filter
        .clone()
        .event_signature(BatchAppended::SIGNATURE_HASH);
    let log = first_log(client, &appended.topic1(U256::from(batch)), blocks).await?;
    let header = log
        .and_then(|log| BatchAppended::decode_log(&log.inner).ok())
        .and_then(|event| BatchHeader::decode(&event.data.header).ok())
        .filter(|header| header.index == batch && header.accumulate(batch_acc) == acc)
        .ok_or_else(|| wrong("batch", batch))?;
    let from = header.deposit_from;
    let entry_acc = match from {
        0 => B256::ZERO,
        _ => reader.read(inbox, &depositAccCall { count: from }).await?,
    };
    let block = if from == header.deposit_to {
        header.l1_number
    } else {
        let enqueued = filter.event_signature(EntryEnqueued::SIGNATURE_HASH);
        let until = (blocks.0, header.l1_number);
        let log = first_log(client, &enqueued.topic1(U256::from(from)), until).await?;
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
    client: &L1Client,
    filter: &Filter,
    (mut from, to): (u64, u64),
) -> Result<Option<Log>, HostError> {
    let mut span = to.saturating_sub(from).saturating_add(1);
    while from <= to {
        let last = to.min(from.saturating_add(span.saturating_sub(1)));
        let part = filter.clone().from_block(from).to_block(last);
        match client.call::<_, Vec<Log>>("eth_getLogs", (part,)).await {
            Ok(logs) => match logs.into_iter().next() {
                Some(log) => return Ok(Some(log)),
                None => from = last.saturating_add(1),
            },
            Err(source) if span <= 1 => {
                return Err(HostError::Span {
                    from,
                    to: last,
                    source,
                });
            }
            Err(_) => span >>= 1,
        }
    }
    Ok(None)
}
