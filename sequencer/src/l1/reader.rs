//! Reads L1 and tells the engine, in order, one chain of blocks and what the Inbox did in them.
//!
//! One endpoint is polled at a pace that follows L1's own. Near the tip every block is read by its
//! hash and linked to its parent by hash, so that a reorg of any depth shows itself; far behind, final
//! blocks are found by ranges of logs. An outage is waited out. What halts the reader is an endpoint
//! of another chain, and a chain that takes back what it called final.

mod follow;
mod history;
mod pace;

use super::{
    BlobSource, L1Client,
    block::{BlockError, L1Header},
    chain::{RecentChain, Tracked},
    inbox::{InboxError, InboxLog, InboxState, QueueAccs},
};
use crate::engine::{L1BlockRef, L1Input, L1Update};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256},
};
use pace::Pace;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, mpsc, watch};

/// Settings of the reader.
#[derive(Debug, Clone)]
pub struct ReaderConfig {
    /// Chain id that the endpoint must serve.
    pub l1_chain_id: u64,
    /// The Inbox (proxy).
    pub inbox: Address,
    /// L1 block that deployed it: nothing is read before.
    pub start_block: u64,
    /// Shortest pause between two polls.
    pub poll_min: Duration,
    /// Longest pause between two polls while the endpoint answers.
    pub poll_max: Duration,
    /// Longest pause while it does not.
    pub backoff_max: Duration,
    /// Blocks asked for in one range of history, at most.
    pub max_range: u64,
    /// Where blobs are had.
    pub blobs: BlobSource,
}

impl ReaderConfig {
    /// Settings for an L1 with one block every `block_time`.
    #[must_use]
    pub fn for_block_time(
        l1_chain_id: u64,
        inbox: Address,
        start_block: u64,
        block_time: Duration,
    ) -> Self {
        let poll_max = (block_time / 5).clamp(Duration::from_millis(200), Duration::from_secs(4));
        Self {
            l1_chain_id,
            inbox,
            start_block,
            poll_min: poll_max / 4,
            poll_max,
            backoff_max: Duration::from_secs(15),
            max_range: 10_000,
            blobs: BlobSource::default(),
        }
    }
}

/// L1 as the reader sees it now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct L1View {
    /// The newest block that was handed on.
    pub head: L1BlockRef,
    /// The newest final block.
    pub finalized: Option<L1BlockRef>,
    /// The Inbox after `head`.
    pub inbox: InboxState,
    /// What goes wrong at the moment; cleared by the next good poll.
    pub fault: Option<ReaderError>,
    /// Whether the reader has seen L1's head at all since it started.
    pub is_live: bool,
    /// Whether the reader gave up: `fault` says why.
    pub is_halted: bool,
}

/// What can go wrong while reading L1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// A block could not be had, or is not what it should be.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The Inbox's events in a block contradict each other or our recomputation.
    #[error("inbox in l1 block {number}: {source}")]
    Inbox {
        /// Number of the L1 block.
        number: u64,
        /// What is wrong.
        source: InboxError,
    },
    /// The endpoint serves another L1 than the one configured.
    #[error("l1 endpoint serves chain {got}, configured is chain {expected}")]
    WrongChain {
        /// Chain id configured.
        expected: u64,
        /// Chain id served.
        got: u64,
    },
    /// L1 took back a block that it had called final.
    #[error("l1 replaced final block {number}: {ours} by {theirs}")]
    FinalizedReorged {
        /// Number of the block.
        number: u64,
        /// Hash that was final.
        ours: B256,
        /// Hash of the chain that is served now.
        theirs: B256,
    },
    /// The endpoint's head is below what is already final.
    #[error("l1 endpoint lags: its head is {head}, block {known} is known to be final")]
    Lagging {
        /// Number of its head.
        head: u64,
        /// Number of our oldest block.
        known: u64,
    },
    /// The endpoint calls a block final that is not in the chain it serves as newest.
    #[error("l1 block {number} is called final, but is not in the chain of the newest block")]
    FinalityConflict {
        /// Number of the block.
        number: u64,
    },
    /// The stored cursor is not one.
    #[error("stored cursor of the l1 reader cannot be read")]
    Cursor,
}

impl ReaderError {
    /// Whether the reader stops until an operator looks at it.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::WrongChain { .. } | Self::FinalizedReorged { .. } | Self::Cursor
        )
    }
}

impl From<super::RpcError> for ReaderError {
    fn from(error: super::RpcError) -> Self {
        Self::Block(error.into())
    }
}

/// The engine stopped listening.
#[derive(Debug)]
struct Closed;

/// Why a step ended early.
#[derive(Debug)]
enum Stop {
    Closed,
    Error(ReaderError),
}

impl<E: Into<ReaderError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl From<Closed> for Stop {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

/// A reader, ready to run.
#[derive(Debug)]
pub struct L1Reader {
    client: L1Client,
    config: ReaderConfig,
    log: InboxLog,
    chain: Option<RecentChain>,
    accs: QueueAccs,
    events: mpsc::Sender<L1Input>,
    view: watch::Sender<L1View>,
    wake: Arc<Notify>,
    has_set_out: bool,
}

impl L1Reader {
    /// A reader that goes on from `cursor`, or from the Inbox's deployment without one.
    ///
    /// # Errors
    /// [`ReaderError::Cursor`].
    pub fn new(
        client: L1Client,
        config: ReaderConfig,
        cursor: Option<&[u8]>,
        events: mpsc::Sender<L1Input>,
    ) -> Result<(Self, watch::Receiver<L1View>), ReaderError> {
        let chain = cursor
            .map(|bytes| RecentChain::decode(bytes).ok_or(ReaderError::Cursor))
            .transpose()?;
        let state = chain
            .as_ref()
            .map(|chain| chain.tip().inbox)
            .unwrap_or_default();
        // A resumed reader knows what the cursor says, even if L1 never moves again.
        let known = chain.as_ref().map(|chain| L1View {
            head: chain.tip().at,
            finalized: chain.is_base_final().then(|| chain.base().at),
            inbox: state,
            ..L1View::default()
        });
        let (view, receiver) = watch::channel(known.unwrap_or_default());
        let log = InboxLog {
            inbox: config.inbox,
            l1_chain_id: config.l1_chain_id,
        };
        let accs = QueueAccs::starting_at(&state);
        let wake = Arc::default();
        Ok((
            Self {
                client,
                config,
                log,
                chain,
                accs,
                events,
                view,
                wake,
                has_set_out: false,
            },
            receiver,
        ))
    }

    /// Makes the next poll happen at once when notified, by a subscription to new heads for example.
    #[must_use]
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Runs until the receiver of the events is dropped, or something fatal happens.
    ///
    /// # Errors
    /// A [`ReaderError`] that [`ReaderError::is_fatal`]; all others are retried without end.
    pub async fn run(mut self) -> Result<(), ReaderError> {
        let mut pace = Pace::new(&self.config);
        let mut is_chain_checked = false;
        loop {
            match self.poll(&mut is_chain_checked).await {
                Ok(is_new) => {
                    pace.succeeded(is_new);
                    self.view.send_if_modified(|view| {
                        let is_changed = view.fault.is_some() || !view.is_live;
                        (view.fault, view.is_live) = (None, true);
                        is_changed
                    });
                }
                Err(Stop::Closed) => return Ok(()),
                Err(Stop::Error(error)) => {
                    pace.failed();
                    is_chain_checked = false;
                    self.note_fault(&error);
                    if error.is_fatal() {
                        return Err(error);
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pace.pause()) => {}
                () = self.wake.notified() => {}
                () = self.events.closed() => return Ok(()),
            }
        }
    }

    fn note_fault(&self, error: &ReaderError) {
        let is_halted = error.is_fatal();
        metrics::counter!("trestle_l1_reader_faults_total").increment(1);
        if is_halted {
            tracing::error!(%error, l1 = %self.client.host(), "l1 reader halted");
        }
        self.view.send_if_modified(|view| {
            let is_new = view.fault.as_ref() != Some(error);
            if is_new && !is_halted {
                tracing::warn!(%error, l1 = %self.client.host(), "l1 reader fault, retrying");
            }
            (view.fault, view.is_halted) = (Some(error.clone()), is_halted);
            is_new
        });
    }

    /// One look at L1; whether its head is new.
    async fn poll(&mut self, is_chain_checked: &mut bool) -> Result<bool, Stop> {
        if !*is_chain_checked {
            let (expected, got) = (self.config.l1_chain_id, self.client.served_chain().await?);
            if expected != got {
                return Err(ReaderError::WrongChain { expected, got }.into());
            }
            *is_chain_checked = true;
        }
        self.set_out().await?;
        let known = self.chain()?.tip().at;
        let head = self.tagged(BlockNumberOrTag::Latest).await?;
        if head.at.hash == known.hash {
            return Ok(false);
        }
        self.catch_up_to(&head).await?;
        self.follow(head).await?;
        self.follow_finality().await?;
        Ok(true)
    }

    /// Before the first poll: where to begin.
    async fn set_out(&mut self) -> Result<(), Stop> {
        if self.has_set_out {
            return Ok(());
        }
        if let Some(chain) = &self.chain {
            let resumed = chain.is_base_final().then(|| chain.base().at);
            if let Some(block) = resumed {
                self.emit(L1Update::Finalized(block)).await?;
            }
        } else {
            self.chain = Some(RecentChain::new(self.start().await?, InboxState::default()));
        }
        self.has_set_out = true;
        Ok(())
    }

    /// The block before the Inbox's deployment.
    async fn start(&self) -> Result<L1BlockRef, ReaderError> {
        let before = self.config.start_block.saturating_sub(1);
        Ok(self.tagged(BlockNumberOrTag::Number(before)).await?.at)
    }

    async fn tagged(&self, tag: BlockNumberOrTag) -> Result<L1Header, ReaderError> {
        let header = self.client.header_tagged(tag).await?;
        Ok(header.ok_or_else(|| BlockError::Missing {
            id: tag.to_string(),
        })?)
    }

    fn chain(&mut self) -> Result<&mut RecentChain, ReaderError> {
        // `set_out` sets the chain before anything reads it.
        self.chain.as_mut().ok_or(ReaderError::Cursor)
    }

    /// Hands on an update that the chain already reflects.
    async fn emit(&mut self, update: L1Update) -> Result<(), Stop> {
        let chain = self.chain()?;
        let (tip, finalized) = (*chain.tip(), chain.is_base_final().then(|| chain.base().at));
        let cursor = chain.encode().into();
        let input = L1Input { update, cursor };
        self.events.send(input).await.map_err(|_| Closed)?;
        metrics::gauge!("trestle_l1_head_block").set(number_as_f64(tip.at.number));
        if let Some(finalized) = finalized {
            metrics::gauge!("trestle_l1_finalized_block").set(number_as_f64(finalized.number));
        }
        metrics::gauge!("trestle_l1_batches").set(number_as_f64(tip.inbox.batches));
        metrics::gauge!("trestle_l1_queue_waiting").set(number_as_f64(
            tip.inbox.deposits.saturating_sub(tip.inbox.consumed),
        ));
        self.view.send_modify(|view| {
            (view.head, view.finalized, view.inbox) = (tip.at, finalized, tip.inbox);
        });
        Ok(())
    }

    /// Reads what the Inbox did in the block and hands it on.
    async fn take(&mut self, header: &L1Header) -> Result<(), Stop> {
        let logs = self.client.logs_of(header, self.config.inbox).await?;
        let number = header.at.number;
        let log = self.log;
        let mut state = self.chain()?.tip().inbox;
        let before = state;
        let found = log
            .read(&header.at, &logs, &mut state, &mut self.accs)
            .map_err(|source| ReaderError::Inbox { number, source })?;
        let mut batches = Vec::with_capacity(found.batches.len());
        for batch in found.batches {
            let blobs = &self.config.blobs;
            match self.client.with_payload(&header.at, batch, blobs).await {
                Ok(batch) => batches.push(batch),
                Err(error) => {
                    self.accs.rewind(&before);
                    return Err(error.into());
                }
            }
        }
        self.chain()?.push(Tracked {
            at: header.at,
            inbox: state,
        });
        self.emit(L1Update::Block {
            block: header.at,
            entries: found.entries,
            batches,
        })
        .await
    }
}

/// A block number as a gauge takes it; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
const fn number_as_f64(number: u64) -> f64 {
    number as f64
}
