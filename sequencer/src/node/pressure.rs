//! Measures what is sealed and not on L1, and sets the price of admission by it; none is admitted either while too much
//! waits for the database.

use crate::{
    engine::{ChainClock, Heads, L1BlockRef},
    mempool::{Backlog, BacklogLimits, Mempool},
    store::{BlockRef, Snapshot, Store, StoreError},
};
use alloy_eips::eip2718::Encodable2718;
use op_alloy_consensus::OpTxEnvelope;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// Pause between two measurements.
const PAUSE: Duration = Duration::from_millis(250);
/// Blocks read in one measurement; after a start there may be more, and the next one follows at once.
const STRIDE: u64 = 512;

/// A block that is not on L1.
#[derive(Debug)]
struct Waiting {
    block: BlockRef,
    /// Bytes of its user transactions.
    bytes: u64,
    timestamp: u64,
}

/// The blocks that are not on L1.
#[derive(Debug, Default)]
struct Unposted {
    blocks: VecDeque<Waiting>,
    bytes: u64,
}

/// Starts to press.
pub(super) fn start(
    store: &Arc<Store>,
    heads: &watch::Receiver<Heads>,
    mempool: &Arc<Mempool>,
    limits: (BacklogLimits, ChainClock),
) -> JoinHandle<()> {
    let (store, mempool) = (Arc::clone(store), Arc::clone(mempool));
    tokio::spawn(press(store, heads.clone(), mempool, limits))
}

/// Keeps the pool's price of admission in line with what waits for L1, until the store is gone.
async fn press(
    store: Arc<Store>,
    heads: watch::Receiver<Heads>,
    mempool: Arc<Mempool>,
    (limits, mut clock): (BacklogLimits, ChainClock),
) {
    let mut unposted = Unposted::default();
    let mut was_open = true;
    loop {
        let Heads { safe, l1, .. } = *heads.borrow();
        if l1 != L1BlockRef::default() {
            clock.see_l1(l1.time);
        }
        match unposted.follow(&store, safe) {
            Ok(false) => tokio::task::yield_now().await,
            Ok(true) => {
                let backlog = unposted.backlog(clock.now());
                let is_behind = store.lag().pause().is_none();
                let price = backlog.price_percent(&limits).filter(|_| !is_behind);
                mempool.set_admission(price);
                report(&backlog, price, &mut was_open);
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                tracing::error!(%error, "what waits for L1 cannot be measured");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn report(backlog: &Backlog, price: Option<u32>, was_open: &mut bool) {
    let gauge = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    metrics::gauge!("trestle_backlog_kibibytes").set(gauge(backlog.bytes >> 10));
    metrics::gauge!("trestle_backlog_seconds").set(gauge(backlog.seconds));
    metrics::gauge!("trestle_admission_price_percent").set(price.unwrap_or(0));
    if *was_open != price.is_some() {
        *was_open = price.is_some();
        let Backlog { bytes, seconds } = backlog;
        if *was_open {
            tracing::info!(bytes, seconds, "transactions are taken again");
        } else {
            tracing::error!(
                bytes,
                seconds,
                "too much waits for L1, or for the database: no transactions are taken"
            );
        }
    }
}

impl Unposted {
    /// Catches up with the store and with L1; `false` if there is more to read.
    fn follow(&mut self, store: &Store, safe: BlockRef) -> Result<bool, StoreError> {
        let snapshot = store.durable()?;
        while let Some(last) = self.blocks.back() {
            if snapshot.number(&last.block.hash)? == Some(last.block.number) {
                break;
            }
            self.drop_last();
        }
        self.begin_after(safe);
        let known = self
            .blocks
            .back()
            .map_or(safe.number, |last| last.block.number);
        let head = snapshot.head().number;
        let end = head.min(known.saturating_add(STRIDE));
        for number in known.saturating_add(1)..=end {
            self.add(&snapshot, number)?;
        }
        Ok(end >= head)
    }

    /// Forgets what L1 has; and everything when L1 took batches back, for their blocks wait again and come
    /// before all that is known.
    fn begin_after(&mut self, safe: BlockRef) {
        while self
            .blocks
            .front()
            .is_some_and(|first| first.block.number <= safe.number)
        {
            self.drop_first();
        }
        let next = safe.number.saturating_add(1);
        if self
            .blocks
            .front()
            .is_some_and(|first| first.block.number > next)
        {
            *self = Self::default();
        }
    }

    fn add(&mut self, snapshot: &Snapshot, number: u64) -> Result<(), StoreError> {
        let unknown = || StoreError::UnknownBlock { number };
        let header = snapshot.header(number)?.ok_or_else(unknown)?;
        let bytes = match snapshot.recent(number) {
            Some(block) => user_bytes(&block.body.transactions),
            None => user_bytes(
                &snapshot
                    .transactions(number)?
                    .ok_or_else(unknown)?
                    .transactions,
            ),
        };
        self.bytes = self.bytes.saturating_add(bytes);
        self.blocks.push_back(Waiting {
            block: BlockRef {
                number,
                hash: header.hash,
            },
            bytes,
            timestamp: header.header.timestamp,
        });
        Ok(())
    }

    fn drop_first(&mut self) {
        if let Some(gone) = self.blocks.pop_front() {
            self.bytes = self.bytes.saturating_sub(gone.bytes);
        }
    }

    fn drop_last(&mut self) {
        if let Some(gone) = self.blocks.pop_back() {
            self.bytes = self.bytes.saturating_sub(gone.bytes);
        }
    }

    /// `now`: seconds since the Unix epoch, by the chain's clock.
    fn backlog(&self, now: u64) -> Backlog {
        let mut with_users = self.blocks.iter().filter(|block| block.bytes > 0);
        let oldest = with_users.next().map(|block| block.timestamp);
        Backlog {
            bytes: self.bytes,
            seconds: oldest.map_or(0, |time| now.saturating_sub(time)),
        }
    }
}

fn user_bytes(transactions: &[OpTxEnvelope]) -> u64 {
    let user = transactions.iter().filter(|tx| !tx.is_deposit());
    let bytes: usize = user.map(Encodable2718::encode_2718_len).sum();
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;

    fn block(number: u64) -> BlockRef {
        BlockRef {
            number,
            hash: B256::repeat_byte(u8::try_from(number).unwrap()),
        }
    }

    fn unposted(numbers: std::ops::Range<u64>) -> Unposted {
        let mut unposted = Unposted::default();
        for number in numbers {
            unposted.bytes += 10;
            unposted.blocks.push_back(Waiting {
                block: block(number),
                bytes: 10,
                timestamp: 0,
            });
        }
        unposted
    }

    fn numbers(unposted: &Unposted) -> Vec<u64> {
        let blocks = unposted.blocks.iter();
        blocks.map(|waiting| waiting.block.number).collect()
    }

    #[test]
    fn blocks_on_l1_leave_the_backlog() {
        let mut unposted = unposted(5..9);
        unposted.begin_after(block(6));
        assert_eq!((numbers(&unposted), unposted.bytes), (vec![7, 8], 20));
        unposted.begin_after(block(6));
        assert_eq!(numbers(&unposted), [7, 8]);
        unposted.begin_after(block(9));
        assert_eq!((numbers(&unposted), unposted.bytes), (vec![], 0));
    }

    /// Left as it was, the backlog would miss the blocks of the batches that L1 took back.
    #[test]
    fn backlog_is_read_again_when_l1_takes_batches_back() {
        let mut unposted = unposted(7..9);
        unposted.begin_after(block(3));
        assert_eq!((numbers(&unposted), unposted.bytes), (vec![], 0));
        assert!(
            unposted.backlog(0).bytes == 0,
            "and begins after the safe block"
        );
    }
}
