//! The batcher's loop: look, decide, post.

use super::{
    BatchBlock, BatchKind, BatchSource, BuildError, BuiltBatch, ClosePolicy, KindPolicy,
    SourceError, build_batch, kind::blobs_for,
};
use crate::engine::BatchTip;
use crate::l1::{
    BlobSet, FeeMarket, L1View, RpcError, SenderHandle, SidecarError, SubmitError, TxKey,
    TxRequest, TxState,
};
use alloy::sol_types::SolCall;
use alloy_primitives::{B256, Bytes, U256, keccak256};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{Notify, watch};
use trestle_contracts::bindings::inbox::Inbox::{appendBatchCall, appendBlobBatchCall};
use trestle_protocol::ChainConfig;

/// Blocks that are looked at for one batch.
const WINDOW: usize = 4_096;
/// Age at which prices of L1 are asked again.
const PRICES_AGE: Duration = Duration::from_secs(2);
/// Time that it takes to make a blob, about.
const KZG_PER_BLOB: Duration = Duration::from_millis(400);
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
    /// What goes wrong at the moment.
    pub fault: Option<BatcherError>,
}

/// A batch that was handed to the sender in this life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct UnderWay {
    index: u64,
    prev_acc: B256,
    end_number: u64,
    end_hash: B256,
    is_idle: bool,
}

/// A batcher, ready to run.
#[derive(Debug)]
pub struct Batcher {
    config: BatcherConfig,
    source: Arc<dyn BatchSource>,
    sender: SenderHandle,
    l1: watch::Receiver<L1View>,
    queue: VecDeque<Arc<BatchBlock>>,
    /// First block and guessed bytes of the last attempt that was not full.
    tried: Option<(B256, usize)>,
    under_way: Option<UnderWay>,
    was_idle: bool,
    /// Prices of L1 and when they were asked.
    market: Option<(Instant, FeeMarket)>,
    /// The blobs made last and the hash of their payload: a batch that L1 does not take at once is not made twice.
    made: Option<(B256, BlobSet)>,
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
        self.refill(&posted)?;
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

    /// Brings the queue in line with the chain: nothing that is posted, nothing that was undone.
    fn refill(&mut self, posted: &BatchTip) -> Result<(), BatcherError> {
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
                Some(block) if block.parent == hash => self.queue.push_back(Arc::new(block)),
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

    /// A batch, if one is due.
    async fn close(
        &mut self,
        posted: &BatchTip,
        l1_time: u64,
    ) -> Result<Option<ClosedBatch>, BatcherError> {
        let latest = latest_time(&self.config.chain, l1_time);
        let ready = self
            .queue
            .iter()
            .take_while(|block| block.declared.timestamp <= latest);
        let ready: Vec<Arc<BatchBlock>> = ready.cloned().collect();
        let Some(first) = ready.first() else {
            return Ok(None);
        };
        self.warn_if_late(first, l1_time);
        let choice = self.choice().await?;
        let kind = choice.full(&self.config.chain);
        let due = self.config.close.due(&ready, self.was_idle);
        let due = due.and_then(|due| due.checked_sub(self.lead(kind, &ready)));
        let index = posted.index.saturating_add(1);
        let is_due = due.is_some_and(|due| due <= Instant::now())
            || matches!(
                self.sender.state(batch_key(index)),
                Some(TxState::Pending { .. } | TxState::Stale { .. })
            );
        if !is_due && !self.is_worth_trying(&ready, kind) {
            return Ok(None);
        }
        let chain = self.config.chain.clone();
        let build = move || build_of_kind(&chain, &ready, choice);
        let built = tokio::task::spawn_blocking(build).await;
        let (batch, kind) = built.map_err(|_| BatcherError::Stopped)??;
        if !is_due && !batch.is_full {
            return Ok(None);
        }
        let blobs = match kind {
            BatchKind::Calldata => None,
            BatchKind::Blobs => Some(self.blobs_of(&batch.payload).await?),
        };
        Ok(Some(ClosedBatch { batch, blobs }))
    }

    /// What decides the kind of the next batch: what waits at L1, the settings, or L1's prices.
    async fn choice(&mut self) -> Result<Choice, BatcherError> {
        let waiting = self.sender.status().borrow().waiting_blobs;
        if let Some(carries_blobs) = waiting {
            // L1's pools refuse the other kind until this is in a block.
            return Ok(Choice::Fixed(match carries_blobs {
                true => BatchKind::Blobs,
                false => BatchKind::Calldata,
            }));
        }
        match self.config.kinds {
            KindPolicy::Calldata => Ok(Choice::Fixed(BatchKind::Calldata)),
            KindPolicy::Blobs => Ok(Choice::Fixed(BatchKind::Blobs)),
            KindPolicy::Auto => Ok(Choice::Prices(self.prices().await?)),
        }
    }

    async fn prices(&mut self) -> Result<FeeMarket, BatcherError> {
        if let Some((asked, market)) = self.market
            && asked.elapsed() < PRICES_AGE
        {
            return Ok(market);
        }
        let market = self.sender.fee_market().await;
        let market = market.map_err(BatcherError::Prices)?;
        self.market = Some((Instant::now(), market));
        Ok(market)
    }

    /// The blobs of a payload, made on a thread of their own.
    async fn blobs_of(&mut self, payload: &Bytes) -> Result<BlobSet, BatcherError> {
        let hash = keccak256(payload);
        if let Some((_, blobs)) = self.made.as_ref().filter(|(made, _)| *made == hash) {
            return Ok(blobs.clone());
        }
        let (payload, start) = (payload.clone(), Instant::now());
        let make = tokio::task::spawn_blocking(move || BlobSet::of_payload(&payload));
        let blobs = make.await.map_err(|_| BatcherError::Stopped)??;
        metrics::histogram!("trestle_batcher_kzg_seconds").record(start.elapsed().as_secs_f64());
        self.made = Some((hash, blobs.clone()));
        Ok(blobs)
    }

    /// How long before it is due a batch is closed, so that its blobs are ready when it is.
    fn lead(&self, kind: BatchKind, ready: &[Arc<BatchBlock>]) -> Duration {
        if kind == BatchKind::Calldata {
            return Duration::ZERO;
        }
        let guessed: usize = ready.iter().map(|block| block.guessed_bytes).sum();
        let blobs = blobs_for(guessed).min(usize::from(self.config.chain.max_blobs));
        let making = KZG_PER_BLOB.saturating_mul(u32::try_from(blobs).unwrap_or(u32::MAX));
        making.min(self.config.close.max_delay / 2)
    }

    /// Whether a batch of these blocks may be full. That shows for certain only when it is built,
    /// so it is tried when the guess is high enough, and again when that has grown.
    fn is_worth_trying(&mut self, ready: &[Arc<BatchBlock>], kind: BatchKind) -> bool {
        let chain = &self.config.chain;
        let (mut bytes, mut work, mut gas) = (0usize, 0u64, 0u64);
        for block in ready {
            bytes = bytes.saturating_add(block.guessed_bytes);
            work = work.saturating_add(block.work);
            gas = gas.saturating_add(block.deposit_gas);
        }
        if ready.len() >= WINDOW || work >= chain.batch_work_budget || gas > chain.batch_deposit_gas
        {
            return true;
        }
        let most = kind.max_payload(chain);
        let first = ready.first().map(|block| block.hash).unwrap_or_default();
        let enough = match self.tried {
            Some((tried, bytes)) if tried == first => bytes.saturating_add(most / 8),
            _ => most,
        };
        let is_worth_it = bytes > enough;
        if is_worth_it {
            self.tried = Some((first, bytes));
        }
        is_worth_it
    }

    fn warn_if_late(&self, first: &BatchBlock, l1_time: u64) {
        let now = l1_time.max(unix_now());
        let lag = now.saturating_sub(first.declared.timestamp);
        if lag.saturating_add(TIME_MARGIN) > self.config.chain.max_time_lag {
            // Derivation will move its time: the transactions survive, the block hashes do not.
            tracing::error!(
                block = first.number,
                lag,
                "block is too old to be posted unchanged"
            );
            metrics::counter!("trestle_batcher_late_blocks_total").increment(1);
        }
    }

    async fn post(&mut self, posted: &BatchTip, closed: ClosedBatch) -> Result<(), BatcherError> {
        let index = posted.index.saturating_add(1);
        let request = self.request(posted, &closed)?;
        let ClosedBatch { batch, blobs } = closed;
        let taken = self.queue.iter().take(batch.blocks);
        let is_idle = taken.clone().all(|block| block.is_idle);
        let state = self.sender.submit(request).await?;
        self.under_way = Some(UnderWay {
            index,
            prev_acc: posted.acc,
            end_number: batch.end_number,
            end_hash: batch.end_hash,
            is_idle,
        });
        let (bytes, end) = (batch.payload.len(), batch.end_number);
        let blobs = blobs.map_or(0, |blobs| blobs.hashes().len());
        let kind = match blobs {
            0 => BatchKind::Calldata,
            _ => BatchKind::Blobs,
        };
        let (blocks, transactions) = (batch.blocks, batch.transactions);
        let kind = kind.name();
        tracing::info!(
            index,
            kind,
            blocks,
            transactions,
            bytes,
            blobs,
            end,
            ?state,
            "batch handed to l1"
        );
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        metrics::counter!("trestle_batcher_batches_total", "kind" => kind).increment(1);
        metrics::counter!("trestle_batcher_bytes_total", "kind" => kind).increment(count(bytes));
        metrics::counter!("trestle_batcher_blobs_total").increment(count(blobs));
        metrics::counter!("trestle_batcher_transactions_total").increment(count(transactions));
        Ok(())
    }

    fn request(&self, posted: &BatchTip, closed: &ClosedBatch) -> Result<TxRequest, BatcherError> {
        let index = posted.index.saturating_add(1);
        let batch = &closed.batch;
        let (deposit_to, deposit_acc) = match batch.deposits {
            Some(end) => end,
            None => (
                posted.deposit_to,
                self.source.deposit_acc(posted.deposit_to)?,
            ),
        };
        let data = match &closed.blobs {
            None => appendBatchCall {
                expectedIndex: index,
                expectedPrevBatchAcc: posted.acc,
                depositTo: deposit_to,
                expectedDepositAcc: deposit_acc,
                claimedEndBlockHash: batch.end_hash,
                payload: batch.payload.clone(),
            }
            .abi_encode(),
            Some(_) => appendBlobBatchCall {
                expectedIndex: index,
                expectedPrevBatchAcc: posted.acc,
                depositTo: deposit_to,
                expectedDepositAcc: deposit_acc,
                claimedEndBlockHash: batch.end_hash,
            }
            .abi_encode(),
        };
        Ok(TxRequest {
            key: batch_key(index),
            to: self.config.chain.inbox,
            data: data.into(),
            value: U256::ZERO,
            gas_limit: None,
            blobs: closed.blobs.clone(),
        })
    }
}

/// The longest batch of these blocks, and its kind.
fn build_of_kind(
    chain: &ChainConfig,
    blocks: &[Arc<BatchBlock>],
    choice: Choice,
) -> Result<(BuiltBatch, BatchKind), BuildError> {
    let built = build_batch(chain, blocks, choice.full(chain).max_payload(chain))?;
    let kind = choice.of(chain, built.payload.len());
    // A length at which a blob would be half empty may go into calldata for less, in several batches.
    let most = kind.max_payload(chain);
    match built.payload.len() <= most {
        true => Ok((built, kind)),
        false => Ok((build_batch(chain, blocks, most)?, kind)),
    }
}

/// A batch that is due, with the blobs that carry it if it does not go into calldata.
struct ClosedBatch {
    batch: BuiltBatch,
    blobs: Option<BlobSet>,
}

/// What decides the kind of a batch.
#[derive(Debug, Clone, Copy)]
enum Choice {
    /// There is none.
    Fixed(BatchKind),
    /// The cheaper kind at these prices.
    Prices(FeeMarket),
}

impl Choice {
    /// Kind of a batch that is as long as it can be.
    fn full(self, chain: &ChainConfig) -> BatchKind {
        self.of(chain, BatchKind::Blobs.max_payload(chain))
    }

    /// Kind of a batch with a payload of so many bytes.
    fn of(self, chain: &ChainConfig, bytes: usize) -> BatchKind {
        match self {
            Self::Fixed(kind) => kind,
            Self::Prices(market) => BatchKind::cheaper(chain, &market, bytes),
        }
    }
}

/// Key of batch `index` at the sender.
fn batch_key(index: u64) -> TxKey {
    TxKey::numbered("batch", index)
}

/// Latest timestamp that a block may have to be posted unchanged, in seconds.
fn latest_time(chain: &ChainConfig, l1_time: u64) -> u64 {
    let margin = TIME_MARGIN.min(chain.max_time_drift / 2);
    l1_time
        .max(unix_now())
        .saturating_add(chain.max_time_drift.saturating_sub(margin))
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
