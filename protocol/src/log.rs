//! L1's log laid out as the preimages that [`crate::Inputs`] asks for.
//!
//! Whoever serves or records the inputs of a batch writes them through this file; the transition never calls it.
//! Spec: `SPEC.md`, sections 3 and 9.

use crate::{BatchHeader, CHUNK_BYTES, EntryBody, QueuedEntry, accumulate, chunk_hashes};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};

/// What a batch's place in the log stands for: its header and accumulator, and all of the entries that it consumes.
///
/// `acc_before` is the batch accumulator before it, `deposit_acc_before` the queue's before the first of `entries`.
/// The payload is not among them.
#[must_use]
pub fn log_preimages(
    header: &BatchHeader,
    acc_before: B256,
    deposit_acc_before: B256,
    entries: &[QueuedEntry],
) -> Vec<Bytes> {
    let mut all: Vec<Bytes> = Vec::new();
    all.push(header.encode().into());
    all.push([acc_before, header.hash()].concat().into());
    let mut acc = deposit_acc_before;
    for queued in entries {
        let hash = queued.entry.hash();
        all.push([acc, hash].concat().into());
        all.push(queued.entry.encode().into());
        if let EntryBody::Deposit(deposit) = &queued.entry.body {
            all.extend(chunk_preimages(&deposit.data));
        }
        acc = accumulate(acc, hash);
    }
    all
}

/// What the chunked hash of `data` stands for: the list of hashes, then the chunks.
pub fn chunk_preimages(data: &[u8]) -> impl Iterator<Item = Bytes> {
    let chunks = data.chunks(CHUNK_BYTES).map(Bytes::copy_from_slice);
    core::iter::once(Bytes::from(chunk_hashes(data))).chain(chunks)
}
