//! L1's log, batch by batch, over an RPC endpoint.
//!
//! Reads events in spans of blocks, holds every accumulator against its recomputation, and takes the payload
//! out of the transaction, where the Inbox makes sure it is. Spec: `SPEC.md`, section 3.

use super::{BlobSource, HostError, L1Batch, LogPosition, Payload};
use alloy::{
    consensus::Transaction,
    providers::{DynProvider, Provider},
    rpc::types::Log,
};
use alloy_primitives::{Address, B256, Bytes};
use std::collections::VecDeque;
use trestle_contracts::bindings::inbox::Inbox::{BatchAppended, EntryEnqueued, InboxInstance};
use trestle_protocol::{BatchContent, BatchHeader, QueueEntry, QueuedEntry};
use trestle_sequencer::l1::BlobPlace;

/// Where the payload begins in the input of `appendBatch`, in bytes. Spec: section 3.2.
const PAYLOAD_AT: usize = 228;
/// L1 blocks asked for at a time at first; halved when the endpoint refuses.
const SPAN: u64 = 2_000;

/// A header as found, with its transaction.
#[derive(Debug)]
struct Found {
    header: BatchHeader,
    transaction: B256,
}

/// Reads the Inbox's log forward from a position.
#[derive(Debug)]
pub struct L1Log {
    inbox: InboxInstance<DynProvider>,
    blobs: BlobSource,
    position: LogPosition,
    /// Next L1 block to ask for.
    next_block: u64,
    span: u64,
    /// Entries read and not consumed yet, from `position.entries` on.
    entries: VecDeque<QueuedEntry>,
    found: VecDeque<Found>,
}

impl L1Log {
    /// A log that goes on at `position`.
    #[must_use]
    pub const fn new(
        provider: DynProvider,
        inbox: Address,
        blobs: BlobSource,
        position: LogPosition,
    ) -> Self {
        Self {
            inbox: InboxInstance::new(inbox, provider),
            blobs,
            position,
            next_block: position.block,
            span: SPAN,
            entries: VecDeque::new(),
            found: VecDeque::new(),
        }
    }

    /// The next batch that L1 has up to block `head`; `None` when there is none yet.
    ///
    /// # Errors
    /// [`HostError`]: L1 does not answer, the log does not continue, or content is not to be had. The log
    /// stays where it is, and can be asked again.
    pub async fn next(&mut self, head: u64) -> Result<Option<L1Batch>, HostError> {
        while self.found.is_empty() && self.next_block <= head {
            self.read_span(head).await?;
        }
        let Some(found) = self.found.front() else {
            return Ok(None);
        };
        let payload = self.payload(found).await?;
        let batch = self.batch(found.header.clone(), payload)?;
        self.found.pop_front();
        self.entries.drain(..batch.entries.len());
        self.position = batch.position;
        Ok(Some(batch))
    }

    /// Reads the events of the next blocks; a span that the endpoint refuses is halved.
    async fn read_span(&mut self, head: u64) -> Result<(), HostError> {
        let last = head.min(self.next_block.saturating_add(self.span.saturating_sub(1)));
        match self.query(self.next_block, last).await {
            Ok((entries, batches)) => {
                self.take_entries(entries)?;
                self.take_batches(batches)?;
                self.next_block = last.saturating_add(1);
                self.span = self.span.saturating_mul(2).min(SPAN);
                Ok(())
            }
            Err(error) if self.span <= 1 => Err(error),
            Err(_) => {
                self.span >>= 1;
                Ok(())
            }
        }
    }

    async fn query(&self, from: u64, to: u64) -> Result<Events, HostError> {
        let entries = self
            .inbox
            .EntryEnqueued_filter()
            .from_block(from)
            .to_block(to);
        let batches = self
            .inbox
            .BatchAppended_filter()
            .from_block(from)
            .to_block(to);
        Ok((entries.query().await?, batches.query().await?))
    }

    fn take_entries(&mut self, events: Vec<(EntryEnqueued, Log)>) -> Result<(), HostError> {
        for (event, _) in events {
            let last = self.entries.back().map(|queued| (queued.index, queued.acc));
            let (next, acc) = last.map_or(
                (self.position.entries, self.position.entry_acc),
                |(index, acc)| (index.saturating_add(1), acc),
            );
            if event.index < next {
                continue;
            }
            let wrong = HostError::Log {
                what: "entry",
                index: event.index,
            };
            let entry = QueueEntry::decode(&event.entry, event.data).ok();
            match entry {
                Some(entry) if event.index == next && entry.accumulate(acc) == event.acc => {
                    let (index, acc) = (event.index, event.acc);
                    self.entries.push_back(QueuedEntry { index, acc, entry });
                }
                _ => return Err(wrong),
            }
        }
        Ok(())
    }

    fn take_batches(&mut self, events: Vec<(BatchAppended, Log)>) -> Result<(), HostError> {
        for (event, log) in events {
            let known = self.found.back().map(|found| found.header.index);
            let newest = known.unwrap_or(self.position.batches);
            if event.index <= newest {
                continue;
            }
            let wrong = HostError::Log {
                what: "batch",
                index: event.index,
            };
            let header = BatchHeader::decode(&event.header).ok();
            match (header, log.transaction_hash) {
                (Some(header), Some(transaction)) if header.index == newest.saturating_add(1) => {
                    self.found.push_back(Found {
                        header,
                        transaction,
                    });
                }
                _ => return Err(wrong),
            }
        }
        Ok(())
    }

    async fn payload(&self, found: &Found) -> Result<Payload, HostError> {
        let header = &found.header;
        match &header.content {
            BatchContent::Forced => Ok(Payload::Forced),
            BatchContent::Blobs(hashes) => {
                let place = BlobPlace {
                    number: header.l1_number,
                    time: header.l1_time,
                };
                let blobs = self.blobs.blobs(place, hashes).await;
                blobs.map(Payload::Blobs).map_err(|source| HostError::Blob {
                    batch: header.index,
                    source,
                })
            }
            BatchContent::Calldata { length, .. } => {
                self.calldata(found, *length).await.map(Payload::Calldata)
            }
        }
    }

    async fn calldata(&self, found: &Found, length: u32) -> Result<Bytes, HostError> {
        let provider = self.inbox.provider();
        let tx = provider.get_transaction_by_hash(found.transaction).await?;
        let range = usize::try_from(length)
            .ok()
            .and_then(|length| Some(PAYLOAD_AT..PAYLOAD_AT.checked_add(length)?));
        tx.zip(range)
            .and_then(|(tx, range)| tx.input().get(range).map(Bytes::copy_from_slice))
            .ok_or(HostError::Payload {
                batch: found.header.index,
                transaction: found.transaction,
            })
    }

    /// The batch with its entries, held against the accumulators.
    fn batch(&self, header: BatchHeader, payload: Payload) -> Result<L1Batch, HostError> {
        let index = header.index;
        let wrong = || HostError::Log {
            what: "batch",
            index,
        };
        let count = header
            .deposit_to
            .checked_sub(self.position.entries)
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(wrong)?;
        let entries: Vec<_> = self.entries.iter().take(count).cloned().collect();
        let acc = entries
            .last()
            .map_or(self.position.entry_acc, |queued| queued.acc);
        let oldest = self.entries.get(count).map(|queued| queued.entry.l1_number);
        let fits = header.deposit_from == self.position.entries
            && entries.len() == count
            && acc == header.deposit_acc;
        if !fits {
            return Err(wrong());
        }
        let position = LogPosition {
            block: oldest.map_or(header.l1_number, |oldest| oldest.min(header.l1_number)),
            batches: index,
            batch_acc: header.accumulate(self.position.batch_acc),
            entries: header.deposit_to,
            entry_acc: acc,
        };
        let batch = L1Batch {
            acc_before: self.position.batch_acc,
            deposit_acc_before: self.position.entry_acc,
            header,
            entries,
            payload,
            position,
        };
        if batch.is_content_right() {
            Ok(batch)
        } else {
            Err(wrong())
        }
    }
}

type Events = (Vec<(EntryEnqueued, Log)>, Vec<(BatchAppended, Log)>);
