//! The batcher's loop: look, decide ([`super::pick`]), post ([`super::post`]).

use super::{
    BatchBlock, BatchSource, BuildError, ClosePolicy, KindPolicy, SourceError, post::batch_key,
};
use crate::engine::BatchTip;
use crate::l1::{
    BlobSet, FeeMarket, L1View, RpcError, SenderHandle, SidecarError, SubmitError, TxState,
};
use alloy_primitives::B256;
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Notify, watch};
use trestle_protocol::ChainConfig;

/// Blocks that are looked at for one batch.
pub(super) const WINDOW: usize = 4_096;
/// Seconds kept from the bounds that L1 sets for timestamps.
pub(crate) const TIME_MARGIN: u64 = 60;

/// Settings of the batcher.
#[derive(Debug, Clone)]
pub struct BatcherConfig {
    /// The chain.
    pub chain: ChainConfig,
    /// When a batch is closed although it is not full.
    pub close: ClosePolicy,
    /// Whether payloads go into calldata or blobs.
    pub kinds: KindPolicy,
    /// Time after which L1 lets anyone force a queue entry in, if it is known.
    pub forced_delay: Option<Duration>,
    /// Pause between two looks at the chain.
    pub poll: Duration,
    /// Longest pause after a refusal.
    pub backoff_max: Duration,
}

/// What can keep the batcher from posting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatcherError {
    /// No legal batch can be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The chain could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The sender did not take the batch.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// Prices of L1 could not be asked.
    #[error("prices of l1: {0}")]
    Prices(#[source] RpcError),
    /// Blobs could not be made.
    #[error(transparent)]
    Blobs(#[from] SidecarError),
    /// The task that builds payloads ended.
    #[error("payload builder stopped")]
    Stopped,
}

/// What the batcher is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatcherStatus {
    /// Blocks that wait for a batch.
    pub backlog: usize,
    /// Number of the batch under way, if one is.
    pub under_way: Option<u64>,
    /// Last block of that batch: it and those before are on their way to L1.
    pub posted: Option<u64>,
    /// Percent that is over of the time in which what waits can be posted unchanged: the most of the oldest
    /// block's and the oldest queue entry's.
    pub window_used: u64,
    /// What goes wrong at the moment.
    pub fault: Option<BatcherError>,
}

/// A batch that was handed to the sender in this life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnderWay {
    pub(super) index: u64,
    pub(super) prev_acc: B256,
    pub(super) end_number: u64,
    pub(super) end_hash: B256,
    pub(super) is_idle: bool,
}

/// A batcher, ready to run.
#[derive(Debug)]
pub struct Batcher {
    pub(super) config: BatcherConfig,
    pub(super) source: Arc<dyn BatchSource>,
    pub(super) sender: SenderHandle,
    l1: watch::Receiver<L1View>,
    pub(super) queue: VecDeque<Arc<BatchBlock>>,
    /// First block and guessed bytes of the last attempt that was not full.
    pub(super) tried: Option<(B256, usize)>,
    pub(super) under_way: Option<UnderWay>,
    pub(super) was_idle: bool,
    /// Prices of L1 and when they were asked.
    pub(super) market: Option<(Instant, FeeMarket)>,
    /// The blobs made last and the hash of their payload: a batch that L1 does not take at once is not made twice.
    pub(super) made: Option<(B256, BlobSet)>,
    pub(super) window_used: u64,
    status: watch::Sender<BatcherStatus>,
    wake: Arc<Notify>,
}

impl Batcher {
    /// A batcher and the place to watch it. Nothing happens before [`Self::run`].
    #[must_use]
    pub fn new(
        config: BatcherConfig,
        source: Arc<dyn BatchSource>,
        sender: SenderHandle,
        l1: watch::Receiver<L1View>,
    ) -> (Self, watch::Receiver<BatcherStatus>) {
        let (status, receiver) = watch::channel(BatcherStatus::default());
        let batcher = Self {
            config,
            source,
            sender,
            l1,
            queue: VecDeque::new(),
            tried: None,
            under_way: None,
            was_idle: false,
            market: None,
            made: None,
            window_used: 0,
            status,
            wake: Arc::default(),
        };
        (batcher, receiver)
    }

    /// Makes the next look happen at once when notified, by a sealed block for example.
    #[must_use]
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Runs until the sender or the reader is gone. Faults are retried without end: what cannot be
    /// posted now waits, and the backlog shows it.
    pub async fn run(mut self) {
        if self.config.kinds != KindPolicy::Calldata {
            // The first use of KZG in a process takes seconds: not when the first batch is due.
            tokio::task::spawn_blocking(|| BlobSet::of_payload(&[]).is_ok());
        }
        let mut pause = self.config.poll;
        loop {
            let result = self.step().await;
            if matches!(result, Err(BatcherError::Submit(SubmitError::Stopped))) {
                return;
            }
            pause = match &result {
                Ok(()) => self.config.poll,
                Err(_) => (pause * 2).min(self.config.backoff_max),
            };
            self.publish(result.err());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.wake.notified() => {}
                changed = self.l1.changed() => if changed.is_err() { return },
            }
        }
    }

    fn publish(&self, fault: Option<BatcherError>) {
        let status = BatcherStatus {
            backlog: self.queue.len(),
            under_way: self.under_way.map(|batch| batch.index),
            posted: self.under_way.map(|batch| batch.end_number),
            window_used: self.window_used,
            fault,
        };
        let oldest = self
            .queue
            .front()
            .map_or(0.0, |block| block.seen.elapsed().as_secs_f64());
        metrics::gauge!("trestle_batcher_backlog_blocks")
            .set(u32::try_from(status.backlog).unwrap_or(u32::MAX));
        metrics::gauge!("trestle_batcher_backlog_seconds").set(oldest);
        self.status.send_if_modified(|old| {
            if *old == status {
                return false;
            }
            if let Some(error) = status.fault.as_ref().filter(|_| old.fault != status.fault) {
                tracing::warn!(%error, backlog = status.backlog, "batcher fault, retrying");
            }
            *old = status;
            true
        });
    }

    async fn step(&mut self) -> Result<(), BatcherError> {
        let posted = self.source.tip();
        let view = self.l1.borrow_and_update().clone();
        let seen = (view.inbox.batches, view.inbox.batch_acc);
        // Engine and reader look at the same L1, or one of them still has to catch up.
        if !view.is_live || seen != (posted.index, posted.acc) {
            return Ok(());
        }
        self.note_landed(&posted);
        self.refill(&posted).await?;
        self.watch_window(&posted, &view)?;
        if self.is_waiting(&posted) {
            return Ok(());
        }
        let Some(batch) = self.close(&posted, view.head.time).await? else {
            return Ok(());
        };
        self.post(&posted, batch).await
    }

    /// Forgets the batch under way once L1 shows one of its number.
    fn note_landed(&mut self, posted: &BatchTip) {
        if let Some(batch) = self.under_way.take_if(|batch| batch.index <= posted.index) {
            self.made = None;
            if batch.end_hash == posted.end.hash {
                self.was_idle = batch.is_idle;
            } else {
                tracing::warn!(index = batch.index, "another batch landed in place of ours");
                self.was_idle = false;
            }
        }
    }

    /// Brings the queue in line with the chain: nothing that is posted, nothing that was undone. Others have their turn
    /// between two blocks: what follows a posted batch may be thousands of transactions.
    async fn refill(&mut self, posted: &BatchTip) -> Result<(), BatcherError> {
        while self
            .queue
            .front()
            .is_some_and(|block| block.number <= posted.end.number)
        {
            self.queue.pop_front();
        }
        if !self.is_queue_canonical(posted)? {
            tracing::info!(
                blocks = self.queue.len(),
                "chain changed, collecting its blocks again"
            );
            self.queue.clear();
        }
        let head = self.source.durable_head();
        while self.queue.len() < WINDOW {
            let (number, hash) = self
                .queue
                .back()
                .map_or((posted.end.number, posted.end.hash), |last| {
                    (last.number, last.hash)
                });
            let next = number.saturating_add(1);
            if next > head {
                break;
            }
            match self.source.block(next)? {
                Some(block) if block.parent == hash => {
                    self.queue.push_back(Arc::new(block));
                    tokio::task::yield_now().await;
                }
                // The chain changed while we looked; the next look sees it whole.
                Some(_) => {
                    self.queue.clear();
                    break;
                }
                None => break,
            }
        }
        Ok(())
    }

    /// Whether the queue continues what is posted and ends in a block that still exists.
    fn is_queue_canonical(&self, posted: &BatchTip) -> Result<bool, BatcherError> {
        let (Some(first), Some(last)) = (self.queue.front(), self.queue.back()) else {
            return Ok(true);
        };
        if first.parent != posted.end.hash {
            return Ok(false);
        }
        Ok(self.source.hash(last.number)? == Some(last.hash))
    }

    /// Whether the next batch is under way and still the right one.
    fn is_waiting(&self, posted: &BatchTip) -> bool {
        let index = posted.index.saturating_add(1);
        match self.sender.state(batch_key(index)) {
            // L1 has it; reader and engine will.
            Some(TxState::Included {
                is_success: true, ..
            }) => true,
            // Ours to judge if we built it; if a former life did, the Inbox judges.
            Some(TxState::Pending { .. }) => self.under_way.is_none_or(|batch| {
                let end = self
                    .queue
                    .iter()
                    .find(|block| block.number == batch.end_number);
                batch.index == index
                    && batch.prev_acc == posted.acc
                    && end.is_some_and(|block| block.hash == batch.end_hash)
            }),
            _ => false,
        }
    }
}
