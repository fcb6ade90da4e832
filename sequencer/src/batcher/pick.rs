//! What goes into the next batch, into what kind, and when.

use super::{
    BatchBlock, BatchKind, BuildError, BuiltBatch, KindPolicy, build_batch,
    kind::blobs_for,
    post::batch_key,
    task::{Batcher, BatcherError, WINDOW},
    window::latest_time,
};
use crate::aside::aside;
use crate::engine::BatchTip;
use crate::l1::{BlobSet, FeeMarket, TxState};
use alloy_primitives::{Bytes, keccak256};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use trestle_protocol::ChainConfig;

/// Age at which prices of L1 are asked again.
const PRICES_AGE: Duration = Duration::from_secs(2);
/// Time that it takes to make a blob, about.
const KZG_PER_BLOB: Duration = Duration::from_millis(400);

impl Batcher {
    /// A batch, if one is due.
    pub(super) async fn close(
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
        if ready.is_empty() {
            return Ok(None);
        }
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
        let built = aside(build).map_err(|_| BatcherError::Stopped)?.await;
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

    /// The blobs of a payload, made on a thread of their own that gives way to what must answer.
    async fn blobs_of(&mut self, payload: &Bytes) -> Result<BlobSet, BatcherError> {
        let hash = keccak256(payload);
        if let Some((_, blobs)) = self.made.as_ref().filter(|(made, _)| *made == hash) {
            return Ok(blobs.clone());
        }
        let (payload, start) = (payload.clone(), Instant::now());
        let make = aside(move || BlobSet::of_payload(&payload));
        let make = make.map_err(|_| BatcherError::Stopped)?;
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
pub(super) struct ClosedBatch {
    pub(super) batch: BuiltBatch,
    pub(super) blobs: Option<BlobSet>,
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
