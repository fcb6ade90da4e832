//! L1's log, batch by batch, over an RPC endpoint.
//!
//! Reads events in spans of blocks, holds every accumulator against its recomputation and against the Inbox's storage, and
//! takes the payload out of the transaction, where the Inbox makes sure it is. An endpoint that leaves something out,
//! or changes it, is found out before anything is derived from it. Spec: `SPEC.md`, section 3.

use super::{BlobSource, HostError, L1Batch, LogPosition, Payload};
use alloy::{
    eips::BlockNumberOrTag,
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use alloy_primitives::{Address, B256, Bytes};
use serde::Deserialize;
use std::collections::VecDeque;
use trestle_contracts::bindings::inbox::Inbox::{
    BatchAppended, EntryEnqueued, batchAccCall, batchCountCall,
};
use trestle_protocol::{BatchContent, BatchHeader, QueueEntry, QueuedEntry, chunked_hash};
use trestle_sequencer::l1::{BlobPlace, ContractReader, L1Client};

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

#[derive(Debug, Deserialize)]
struct TransactionInput {
    input: Bytes,
}

/// Reads the Inbox's log forward from a position.
#[derive(Debug)]
pub struct L1Log {
    client: L1Client,
    reader: ContractReader,
    inbox: Address,
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
    pub fn new(client: L1Client, inbox: Address, blobs: BlobSource, position: LogPosition) -> Self {
        Self {
            reader: ContractReader::new(client.clone()),
            client,
            inbox,
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
        self.read_ahead(head).await?;
        let Some(found) = self.found.front() else {
            return Ok(None);
        };
        let payload = self.payload(found).await?;
        let (entries, position) = self.place(&found.header)?;
        let batch = L1Batch {
            acc_before: self.position.batch_acc,
            deposit_acc_before: self.position.entry_acc,
            header: found.header.clone(),
            entries,
            payload,
            position,
        };
        if !batch.is_content_right() {
            return Err(wrong_batch(batch.header.index));
        }
        self.check_accumulator(&position).await?;
        self.go_on(&position);
        Ok(Some(batch))
    }

    /// As [`Self::next`], for who does not need the content: its header, and where the log goes on after it.
    ///
    /// # Errors
    /// As [`Self::next`], but for content.
    pub async fn next_header(
        &mut self,
        head: u64,
    ) -> Result<Option<(BatchHeader, LogPosition)>, HostError> {
        self.read_ahead(head).await?;
        let Some(header) = self.found.front().map(|found| found.header.clone()) else {
            return Ok(None);
        };
        let (_, position) = self.place(&header)?;
        self.check_accumulator(&position).await?;
        self.go_on(&position);
        Ok(Some((header, position)))
    }

    /// Leaves the batch behind that ends at `position`.
    fn go_on(&mut self, position: &LogPosition) {
        self.found.pop_front();
        let count = position.entries.saturating_sub(self.position.entries);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.entries.drain(..count.min(self.entries.len()));
        self.position = *position;
    }

    /// Reads until there is a batch, or up to block `head`, where the log must end as the Inbox's storage says.
    async fn read_ahead(&mut self, head: u64) -> Result<(), HostError> {
        while self.found.is_empty() && self.next_block <= head {
            self.read_span(head).await?;
        }
        if self.found.is_empty() {
            self.check_end(head).await?;
        }
        Ok(())
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
        let filter = Filter::new()
            .address(self.inbox)
            .event_signature(vec![
                EntryEnqueued::SIGNATURE_HASH,
                BatchAppended::SIGNATURE_HASH,
            ])
            .from_block(from)
            .to_block(to);
        let logs: Vec<Log> = self
            .client
            .call("eth_getLogs", (filter,))
            .await
            .map_err(|source| HostError::Span { from, to, source })?;
        let (mut entries, mut batches) = (Vec::new(), Vec::new());
        for log in logs {
            // What is no event of the Inbox's is left out, and missed by its number.
            match log.topic0() {
                Some(&EntryEnqueued::SIGNATURE_HASH) => {
                    entries.extend(EntryEnqueued::decode_log(&log.inner).map(|event| event.data));
                }
                Some(&BatchAppended::SIGNATURE_HASH) => {
                    let event = BatchAppended::decode_log(&log.inner).map(|event| event.data);
                    batches.extend(event.map(|event| (event, log)));
                }
                _ => {}
            }
        }
        Ok((entries, batches))
    }

    /// The log ends where the Inbox's storage says that it ends.
    async fn check_end(&self, head: u64) -> Result<(), HostError> {
        let at = BlockNumberOrTag::Number(head);
        let count = self
            .reader
            .read_at(self.inbox, &batchCountCall {}, at)
            .await?;
        if count <= self.position.batches {
            return Ok(());
        }
        Err(HostError::Hidden {
            batch: self.position.batches.saturating_add(1),
            count,
            from: self.position.block,
            head,
        })
    }

    /// The batch is the one that the Inbox's storage has at its place.
    async fn check_accumulator(&self, position: &LogPosition) -> Result<(), HostError> {
        let index = position.batches;
        let stored = self
            .reader
            .read(self.inbox, &batchAccCall { index })
            .await?;
        if stored == position.batch_acc {
            return Ok(());
        }
        Err(HostError::Accumulator {
            batch: index,
            logged: position.batch_acc,
            stored,
        })
    }

    fn take_entries(&mut self, events: Vec<EntryEnqueued>) -> Result<(), HostError> {
        for event in events {
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
            BatchContent::Calldata { hash, length } => {
                let bytes = self.calldata(found, *length).await?;
                if chunked_hash(&bytes) != *hash {
                    return Err(HostError::PayloadChanged {
                        batch: header.index,
                        transaction: found.transaction,
                    });
                }
                Ok(Payload::Calldata(bytes))
            }
        }
    }

    async fn calldata(&self, found: &Found, length: u32) -> Result<Bytes, HostError> {
        let tx: Option<TransactionInput> = self
            .client
            .call("eth_getTransactionByHash", (found.transaction,))
            .await?;
        let header = &found.header;
        let tx = tx.ok_or(HostError::Payload {
            batch: header.index,
            transaction: found.transaction,
            number: header.l1_number,
            time: header.l1_time,
        })?;
        let range = usize::try_from(length)
            .ok()
            .and_then(|length| Some(PAYLOAD_AT..PAYLOAD_AT.checked_add(length)?));
        let bytes = range.and_then(|range| tx.input.get(range).map(Bytes::copy_from_slice));
        bytes.ok_or(HostError::PayloadChanged {
            batch: header.index,
            transaction: found.transaction,
        })
    }

    /// The entries of a batch, held against the accumulators, and where the log goes on after it.
    fn place(&self, header: &BatchHeader) -> Result<(Vec<QueuedEntry>, LogPosition), HostError> {
        let index = header.index;
        let count = header
            .deposit_to
            .checked_sub(self.position.entries)
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| wrong_batch(index))?;
        let entries: Vec<_> = self.entries.iter().take(count).cloned().collect();
        let acc = entries
            .last()
            .map_or(self.position.entry_acc, |queued| queued.acc);
        let oldest = self.entries.get(count).map(|queued| queued.entry.l1_number);
        let fits = header.deposit_from == self.position.entries
            && entries.len() == count
            && acc == header.deposit_acc;
        if !fits {
            return Err(wrong_batch(index));
        }
        let position = LogPosition {
            block: oldest.map_or(header.l1_number, |oldest| oldest.min(header.l1_number)),
            batches: index,
            batch_acc: header.accumulate(self.position.batch_acc),
            entries: header.deposit_to,
            entry_acc: acc,
        };
        Ok((entries, position))
    }
}

const fn wrong_batch(index: u64) -> HostError {
    HostError::Log {
        what: "batch",
        index,
    }
}

type Events = (Vec<EntryEnqueued>, Vec<(BatchAppended, Log)>);
