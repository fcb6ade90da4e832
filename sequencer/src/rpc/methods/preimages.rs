//! `trestle_batchPreimages`: what a proof of a batch reads that is not on L1.

use std::collections::BTreeMap;

use alloy_primitives::{B256, Bytes, U64};
use serde::Serialize;
use trestle_protocol::{
    BatchContent, SealedHeader, TransitionInput,
    blobs::{ELEMENTS_PER_BLOB, write_payload},
    chunk_preimages, chunked_hash, log_preimages, transition,
};

use super::trestle::l1;
use crate::{
    rpc::{
        LoggedBatch, RpcError, args::Args, context::Context, heavy::Deadline, recording::Recording,
    },
    store::{BlockRef, Snapshot},
};

/// A batch with the preimages that its proof reads, those aside that L1 has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchPreimages {
    config_hash: B256,
    output_before: B256,
    output_after: B256,
    batch_acc_before: B256,
    batch_acc_after: B256,
    preimages: BTreeMap<B256, Bytes>,
}

pub(super) fn batch_preimages(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<BatchPreimages, RpcError> {
    let index: U64 = args.required()?;
    let payload: Option<Bytes> = args.optional()?;
    args.end()?;
    let found = l1(context)?.logged_batch(index.to());
    let batch = found.map_err(RpcError::internal)?;
    let batch = batch.ok_or_else(|| RpcError::not_found(format!("batch not found: {index}")))?;
    check_payload(&batch, payload.as_ref())?;
    let snapshot = context.snapshot()?;
    check_reach(context, &snapshot, &batch)?;
    let start = held(&snapshot, batch.start)?;
    held(&snapshot, batch.end)?;
    let recording = recording(context, &snapshot, &start, &batch, deadline)?;
    let recording = match payload {
        Some(payload) => with_payload(recording, &batch, &payload),
        None => recording,
    };
    record(context, recording, &start, &batch)
}

/// A payload must be what the header commits to. That of blobs is hashed by no function of the chain: with another one
/// the caller gets the preimages of no batch, which costs nobody else anything.
fn check_payload(batch: &LoggedBatch, payload: Option<&Bytes>) -> Result<(), RpcError> {
    let index = batch.header.index;
    match (&batch.header.content, payload) {
        (BatchContent::Calldata { hash, length }, Some(payload)) => {
            let is_it = u32::try_from(payload.len()).is_ok_and(|got| got == *length)
                && chunked_hash(payload) == *hash;
            let words = || RpcError::params(format!("this is not the payload of batch {index}"));
            is_it.then_some(()).ok_or_else(words)
        }
        (BatchContent::Calldata { .. }, None) => Err(RpcError::params(format!(
            "batch {index} needs its payload, which this node does not keep"
        ))),
        (BatchContent::Forced, Some(_)) => Err(RpcError::params(format!(
            "batch {index} was forced and has no payload"
        ))),
        (BatchContent::Forced, None) | (BatchContent::Blobs(_), _) => Ok(()),
    }
}

fn check_reach(
    context: &Context,
    snapshot: &Snapshot,
    batch: &LoggedBatch,
) -> Result<(), RpcError> {
    let (most, start) = (context.limits.proof_blocks, batch.start.number);
    if snapshot.head().number.saturating_sub(start) <= most {
        return Ok(());
    }
    let index = batch.header.index;
    Err(RpcError::input(format!(
        "preimages reach {most} blocks back, batch {index} begins after block {start}"
    )))
}

/// The header of a block that the chain must hold by now.
fn held(snapshot: &Snapshot, block: BlockRef) -> Result<SealedHeader, RpcError> {
    let header = snapshot.header(block.number)?;
    header
        .filter(|header| header.hash == block.hash)
        .ok_or_else(|| RpcError::busy("the batch is being derived, try again later"))
}

fn recording(
    context: &Context,
    snapshot: &Snapshot,
    start: &SealedHeader,
    batch: &LoggedBatch,
    deadline: Deadline,
) -> Result<Recording, RpcError> {
    // In the answer each byte takes two characters.
    let most = context.limits.response_bytes / 2;
    let log = log_preimages(
        &batch.header,
        batch.acc_before,
        batch.deposit_acc_before,
        &batch.entries,
    );
    let mut recording = Recording::of(snapshot, start, most, deadline)?.with_log(log);
    if let BatchContent::Blobs(hashes) = &batch.header.content {
        // An element that carries nothing: blobs without a payload.
        let count = usize::try_from(ELEMENTS_PER_BLOB).unwrap_or_default();
        let none = vec![B256::repeat_byte(1); count];
        recording = recording.with_blobs(hashes.iter().map(|hash| (*hash, none.clone())));
    }
    Ok(recording)
}

fn with_payload(recording: Recording, batch: &LoggedBatch, payload: &Bytes) -> Recording {
    match &batch.header.content {
        BatchContent::Blobs(hashes) => {
            let blobs = hashes.iter().copied().zip(write_payload(payload));
            recording.with_blobs(blobs)
        }
        BatchContent::Calldata { .. } | BatchContent::Forced => {
            recording.with_log(chunk_preimages(payload))
        }
    }
}

/// Runs the transition, which must say what the node's chain says.
fn record(
    context: &Context,
    mut recording: Recording,
    start: &SealedHeader,
    batch: &LoggedBatch,
) -> Result<BatchPreimages, RpcError> {
    let input = TransitionInput {
        config: context.config.as_ref().clone(),
        output_before: start.output().root(),
        batch_acc_before: batch.acc_before,
        batch_acc_after: batch.acc,
    };
    let output = transition(&input, &mut recording);
    if let Some(failure) = recording.failure() {
        return Err(failure.clone());
    }
    let index = batch.header.index;
    match output {
        Ok(output) if output == batch.output => Ok(BatchPreimages {
            config_hash: input.config.hash(),
            output_before: input.output_before,
            output_after: output,
            batch_acc_before: input.batch_acc_before,
            batch_acc_after: input.batch_acc_after,
            preimages: recording.into_read(),
        }),
        // The payload of blobs is the caller's word.
        Ok(_) | Err(_) if matches!(batch.header.content, BatchContent::Blobs(_)) => Err(
            RpcError::params(format!("this is not the payload of batch {index}")),
        ),
        Ok(got) => Err(RpcError::internal(format!(
            "batch {index} leads to {got}, the chain holds {}",
            batch.output
        ))),
        Err(error) => Err(RpcError::internal(format!("batch {index}: {error}"))),
    }
}
