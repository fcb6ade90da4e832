//! The Inbox as its events tell it: queue and batches, recomputed and compared event by event.
//!
//! Pure. A log that does not continue the accumulators exactly is an error and changes nothing, so
//! an endpoint that lies, lags or leaves something out cannot make a wrong queue.
//! Spec: `SPEC.md`, section 3.

use crate::engine::L1BlockRef;
use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::Log,
    sol_types::SolEvent,
};
use std::collections::VecDeque;
use trestle_contracts::bindings::inbox::Inbox::{BatchAppended, EntryEnqueued};
use trestle_protocol::{BatchHeader, BatchHeaderError, EntryError, QueueEntry, QueuedEntry};

/// Counts and accumulators of the Inbox after an L1 block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InboxState {
    /// Queue entries enqueued.
    pub deposits: u64,
    /// Queue accumulator after them.
    pub deposit_acc: B256,
    /// Batches appended; the newest has this number.
    pub batches: u64,
    /// Batch accumulator after them.
    pub batch_acc: B256,
    /// Queue entries that the batches consumed.
    pub consumed: u64,
}

/// Why an event of the Inbox cannot be true, or cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    /// The log's topics or data are not those of the event.
    #[error("event of the inbox is malformed")]
    Shape,
    /// An entry or batch is missing before this one.
    #[error("{what} {got} follows, expected {expected}")]
    OutOfOrder {
        /// "entry" or "batch".
        what: &'static str,
        /// Number that continues the log.
        expected: u64,
        /// Number of the event.
        got: U256,
    },
    /// The accumulator in the event is not the recomputed one.
    #[error("accumulator of {what} {index} differs from its recomputation")]
    Accumulator {
        /// "entry" or "batch".
        what: &'static str,
        /// Its number.
        index: u64,
    },
    /// The bytes of an entry are no entry.
    #[error("entry {index} cannot be read")]
    Entry {
        /// Its number.
        index: u64,
        /// Why.
        source: EntryError,
    },
    /// The bytes of a header are no header.
    #[error("header of batch {index} cannot be read")]
    Header {
        /// Its number.
        index: u64,
        /// Why.
        source: BatchHeaderError,
    },
    /// The content names another L1 block, chain or Inbox than the one it was found in.
    #[error("{what} {index} names another place than it was found at")]
    Place {
        /// "entry" or "batch".
        what: &'static str,
        /// Its number.
        index: u64,
    },
    /// The queue range of a batch does not continue the one before, or its accumulator is not ours.
    #[error("queue range of batch {index} does not fit the queue")]
    Range {
        /// Its number.
        index: u64,
    },
}

/// A batch header as found, with the place of its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundBatch {
    pub(super) header: BatchHeader,
    pub(super) acc: B256,
    /// Place of the transaction in its block.
    pub(super) tx_index: u64,
}

/// What the Inbox did in one block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FoundEvents {
    pub(super) entries: Vec<QueuedEntry>,
    pub(super) batches: Vec<FoundBatch>,
}

/// The newest accumulators of the queue, by number of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueueAccs {
    first: u64,
    accs: VecDeque<B256>,
}

impl QueueAccs {
    pub(super) fn starting_at(state: &InboxState) -> Self {
        Self {
            first: state.deposits,
            accs: VecDeque::from([state.deposit_acc]),
        }
    }

    /// Accumulator after `count` entries, as far as it is remembered.
    pub(super) fn get(&self, count: u64) -> Option<B256> {
        let place = usize::try_from(count.checked_sub(self.first)?).ok()?;
        self.accs.get(place).copied()
    }

    fn push(&mut self, acc: B256) {
        self.accs.push_back(acc);
    }

    /// Forgets all after `state`, which then ends the queue.
    pub(super) fn rewind(&mut self, state: &InboxState) {
        match state
            .deposits
            .checked_sub(self.first)
            .and_then(|kept| usize::try_from(kept).ok())
        {
            Some(kept) => self.accs.truncate(kept.saturating_add(1)),
            None => *self = Self::starting_at(state),
        }
    }

    /// Forgets what no batch can end at any more.
    pub(super) fn forget_below(&mut self, count: u64) {
        while self.first < count && self.accs.len() > 1 {
            self.accs.pop_front();
            self.first = self.first.saturating_add(1);
        }
    }
}

/// Reads the events of one Inbox.
#[derive(Debug, Clone, Copy)]
pub(super) struct InboxLog {
    pub(super) inbox: Address,
    pub(super) l1_chain_id: u64,
}

impl InboxLog {
    /// Reads the logs of block `at`, in order; `state` and `accs` move only when all of them hold.
    pub(super) fn read(
        &self,
        at: &L1BlockRef,
        logs: &[Log],
        state: &mut InboxState,
        accs: &mut QueueAccs,
    ) -> Result<FoundEvents, InboxError> {
        let mut after = *state;
        let mut found = FoundEvents::default();
        for log in logs.iter().filter(|log| log.address() == self.inbox) {
            if let Err(error) = self.read_one(at, log, (&mut after, accs), &mut found) {
                accs.rewind(state);
                return Err(error);
            }
        }
        *state = after;
        Ok(found)
    }

    fn read_one(
        &self,
        at: &L1BlockRef,
        log: &Log,
        (state, accs): (&mut InboxState, &mut QueueAccs),
        found: &mut FoundEvents,
    ) -> Result<(), InboxError> {
        match log.topic0() {
            Some(&EntryEnqueued::SIGNATURE_HASH) => {
                let entry = read_entry(at, log, state)?;
                accs.push(entry.acc);
                found.entries.push(entry);
            }
            Some(&BatchAppended::SIGNATURE_HASH) => {
                found.batches.push(self.read_batch(at, log, state, accs)?);
            }
            // The proxy's own events: upgrades are the timelock's business.
            _ => {}
        }
        Ok(())
    }

    fn read_batch(
        &self,
        at: &L1BlockRef,
        log: &Log,
        state: &mut InboxState,
        accs: &QueueAccs,
    ) -> Result<FoundBatch, InboxError> {
        let event = BatchAppended::decode_log(&log.inner)
            .map_err(|_| InboxError::Shape)?
            .data;
        let index = state.batches.saturating_add(1);
        check_order("batch", index, event.index)?;
        let header = BatchHeader::decode(&event.header)
            .map_err(|source| InboxError::Header { index, source })?;
        let is_here = header.inbox == self.inbox
            && header.l1_chain_id == self.l1_chain_id
            && (header.index, header.l1_number, header.l1_time) == (index, at.number, at.time);
        if !is_here {
            return Err(InboxError::Place {
                what: "batch",
                index,
            });
        }
        let fits = header.deposit_from == state.consumed
            && header.deposit_from <= header.deposit_to
            && header.deposit_to <= state.deposits
            && accs
                .get(header.deposit_to)
                .is_none_or(|acc| acc == header.deposit_acc);
        if !fits {
            return Err(InboxError::Range { index });
        }
        let acc = header.accumulate(state.batch_acc);
        if acc != event.acc {
            return Err(InboxError::Accumulator {
                what: "batch",
                index,
            });
        }
        let tx_index = log.transaction_index.ok_or(InboxError::Shape)?;
        (state.batches, state.batch_acc, state.consumed) = (index, acc, header.deposit_to);
        Ok(FoundBatch {
            header,
            acc,
            tx_index,
        })
    }
}

fn read_entry(
    at: &L1BlockRef,
    log: &Log,
    state: &mut InboxState,
) -> Result<QueuedEntry, InboxError> {
    let event = EntryEnqueued::decode_log(&log.inner)
        .map_err(|_| InboxError::Shape)?
        .data;
    let index = state.deposits;
    check_order("entry", index, event.index)?;
    let entry = QueueEntry::decode(&event.entry, event.data)
        .map_err(|source| InboxError::Entry { index, source })?;
    if (entry.l1_number, entry.l1_time) != (at.number, at.time) {
        return Err(InboxError::Place {
            what: "entry",
            index,
        });
    }
    let acc = entry.accumulate(state.deposit_acc);
    if acc != event.acc {
        return Err(InboxError::Accumulator {
            what: "entry",
            index,
        });
    }
    (state.deposits, state.deposit_acc) = (index.saturating_add(1), acc);
    Ok(QueuedEntry { index, acc, entry })
}

fn check_order(what: &'static str, expected: u64, got: u64) -> Result<(), InboxError> {
    if expected == got {
        Ok(())
    } else {
        Err(InboxError::OutOfOrder {
            what,
            expected,
            got: U256::from(got),
        })
    }
}
