//! The engine's thread: L1 first, then blocks; it waits out a disk that refuses.

use super::{
    BatchTip, BuilderConfig, Chain, EngineError, Heads, HeadsFeed, L1BlockRef, L1Input, L1Ledger,
    builder::{Builder, report_block},
    clock::unix_now,
    confirming::{Confirmed, Confirming},
    feed::{self, FeedInlet, Offered, Outcome, Verdict},
    follower::Follower,
};
use crate::{
    mempool::Mempool,
    store::{BlockRef, Store, StoreError},
};
use alloy_primitives::Bytes;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::{mpsc, watch};
use trestle_protocol::ChainConfig;

/// How often the engine looks for L1 updates when no transaction comes.
const TICK: Duration = Duration::from_millis(5);
/// Blocks of the feed that may wait for the engine.
const OFFERS: usize = 16;
/// Pause before the store is asked again after it refused.
const RETRY: Duration = Duration::from_millis(200);

/// What an engine is made of.
#[derive(Debug)]
pub struct EngineParts {
    /// The chain's configuration.
    pub config: Arc<ChainConfig>,
    /// The store, opened.
    pub store: Arc<Store>,
    /// The pool; a replica's stays empty.
    pub mempool: Arc<Mempool>,
    /// L1 block before the first that can concern the chain.
    pub l1_start: L1BlockRef,
    /// Block 0.
    pub genesis: BlockRef,
    /// How blocks are built; `None` on a replica.
    pub builder: Option<BuilderConfig>,
    /// Set once the engine has caught up with L1: nothing is built before.
    pub may_build: Arc<AtomicBool>,
    /// Whether a replica takes blocks of the sequencer's feed.
    pub follows_feed: bool,
}

/// The engine before it runs.
#[derive(Debug)]
pub struct Engine {
    follower: Follower,
    mempool: Arc<Mempool>,
    builder: Option<Builder>,
    may_build: Arc<AtomicBool>,
    feed: HeadsFeed,
    /// Blocks of the sequencer's feed, on a replica that follows it.
    offers: Option<Offers>,
    follows_feed: bool,
}

/// Where blocks of the feed arrive, and the one that waits for L1.
#[derive(Debug)]
struct Offers {
    from: mpsc::Receiver<Offered>,
    waiting: Option<Offered>,
}

/// An update of L1 that is not taken in yet.
#[derive(Debug)]
struct Pending {
    input: L1Input,
    /// Its batches are being held against the chain.
    confirming: Option<Confirming>,
    confirmed: Vec<Confirmed>,
}

impl Pending {
    /// Whether its batches are compared yet.
    fn is_compared(&mut self) -> bool {
        let Some(confirming) = &mut self.confirming else {
            return true;
        };
        let Some(confirmed) = confirming.take() else {
            return false;
        };
        self.confirmed = confirmed;
        self.confirming = None;
        true
    }
}

/// The running engine, seen from outside.
#[derive(Debug)]
pub struct EngineHandle {
    /// How far the chain is settled.
    pub heads: watch::Receiver<Heads>,
    /// The newest batch on L1.
    pub tip: watch::Receiver<BatchTip>,
    /// Why the engine ended, once it has.
    pub ended: watch::Receiver<Option<Arc<str>>>,
    /// Takes blocks of the sequencer's feed, on a replica that follows it.
    pub inlet: Option<FeedInlet>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Opens the chain where the store left it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(parts: EngineParts) -> Result<Self, EngineError> {
        let EngineParts {
            config,
            store,
            mempool,
            l1_start,
            genesis,
            builder,
            may_build,
            follows_feed,
        } = parts;
        let drift = config.max_time_drift;
        let chain = Chain::open(config, Arc::clone(&store))?;
        let ledger = L1Ledger::open(store, l1_start, genesis)?;
        let mut builder = builder.map(|config| Builder::new(config, Arc::clone(&mempool), drift));
        if let Some(builder) = &mut builder {
            builder.see_l1(&ledger)?;
            builder.on_unwind(&chain)?;
        }
        // Blocks of a snapshot, with L1 still to be read: kept as long as L1 agrees.
        let is_ahead = chain.head().header.number > ledger.tip().end.number;
        let feed = HeadsFeed {
            heads: watch::Sender::new(Heads::default()),
            tip: watch::Sender::new(ledger.tip()),
        };
        let engine = Self {
            follower: Follower {
                chain,
                ledger,
                genesis,
                keeps_unsafe: builder.is_some() || follows_feed || is_ahead,
            },
            mempool,
            builder,
            may_build,
            feed,
            offers: None,
            follows_feed,
        };
        engine.publish(None);
        Ok(engine)
    }

    /// Where the L1 reader stood when the engine took in its last update; `None` before the first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn l1_cursor(&self) -> Result<Option<Bytes>, EngineError> {
        self.follower.ledger.cursor()
    }

    /// Starts the engine's thread, which ends when [`EngineHandle::stop`] is called, the reader is
    /// gone, or the engine cannot go on.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        mut self,
        mut updates: mpsc::Receiver<L1Input>,
    ) -> Result<EngineHandle, std::io::Error> {
        let (heads, tip) = (self.feed.heads.subscribe(), self.feed.tip.subscribe());
        let stop = Arc::new(AtomicBool::new(false));
        let (end, ended) = watch::channel(None);
        let flag = Arc::clone(&stop);
        let (offer, offers) = mpsc::channel(OFFERS);
        let follows_feed = self.follows_feed;
        self.offers = follows_feed.then_some(Offers {
            from: offers,
            waiting: None,
        });
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                let outcome = self.run(&mut updates, &flag);
                let reason = match outcome {
                    Ok(()) => Arc::from("stopped"),
                    Err(error) => {
                        tracing::error!(%error, "engine cannot go on");
                        Arc::from(error.to_string())
                    }
                };
                end.send_replace(Some(reason));
            })?;
        Ok(EngineHandle {
            heads,
            tip,
            ended,
            inlet: follows_feed.then(|| FeedInlet {
                to: offer,
                engine: thread.thread().clone(),
            }),
            stop,
            thread: Some(thread),
        })
    }

    fn run(
        &mut self,
        updates: &mut mpsc::Receiver<L1Input>,
        stop: &AtomicBool,
    ) -> Result<(), EngineError> {
        let mut pending = None;
        while !stop.load(Ordering::Relaxed) {
            match self.turn(updates, &mut pending) {
                Ok(()) => {}
                Err(EngineError::Store(error @ StoreError::Stalled { .. })) => {
                    tracing::error!(%error, "store refuses, sealing stopped for now");
                    // A database that cannot be read either does not come back.
                    self.follower.chain.store().sequenced()?;
                    std::thread::sleep(RETRY);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The next update that can be taken in; it stays `pending` until it is. While a chain that others wait for is held
    /// against its batches, there is none.
    fn next_update<'a>(
        &self,
        updates: &mut mpsc::Receiver<L1Input>,
        pending: &'a mut Option<Pending>,
    ) -> Option<&'a Pending> {
        if pending.is_none() {
            let input = updates.try_recv().ok()?;
            let Follower { chain, ledger, .. } = &self.follower;
            let is_awaited = self.may_build.load(Ordering::Relaxed);
            *pending = Some(Pending {
                confirming: is_awaited
                    .then(|| Confirming::start(chain, ledger, &input))
                    .flatten(),
                confirmed: Vec::new(),
                input,
            });
        }
        let next = pending.as_mut()?;
        next.is_compared().then_some(&*next)
    }

    /// One round: all L1 updates that are there, then one block.
    fn turn(
        &mut self,
        updates: &mut mpsc::Receiver<L1Input>,
        pending: &mut Option<Pending>,
    ) -> Result<(), EngineError> {
        while let Some(update) = self.next_update(updates, pending) {
            self.follow(update)?;
            *pending = None;
            self.offer_again()?;
        }
        let Self {
            follower: Follower { chain, ledger, .. },
            builder,
            ..
        } = self;
        match builder {
            Some(builder) => {
                let may_build = self.may_build.load(Ordering::Relaxed);
                if !may_build || builder.build(chain, ledger)?.is_none() {
                    builder.wait(TICK);
                }
            }
            None => {
                if !self.take_offer()? {
                    std::thread::park_timeout(TICK);
                }
            }
        }
        Ok(())
    }

    /// Takes one block of the feed; `false` if there is none. None is taken before the engine has
    /// caught up with L1, nor while one waits for L1.
    fn take_offer(&mut self) -> Result<bool, EngineError> {
        let may_take = self.may_build.load(Ordering::Relaxed);
        let Some(offers) = self
            .offers
            .as_mut()
            .filter(|offers| may_take && offers.waiting.is_none())
        else {
            return Ok(false);
        };
        let Ok(offered) = offers.from.try_recv() else {
            return Ok(false);
        };
        self.answer(offered)?;
        Ok(true)
    }

    /// Tries the block that waits for L1 again.
    fn offer_again(&mut self) -> Result<(), EngineError> {
        match self
            .offers
            .as_mut()
            .and_then(|offers| offers.waiting.take())
        {
            Some(offered) => self.answer(offered),
            None => Ok(()),
        }
    }

    fn answer(&mut self, offered: Offered) -> Result<(), EngineError> {
        if offered.answer.is_closed() {
            return Ok(());
        }
        let Follower { chain, ledger, .. } = &mut self.follower;
        let head = chain.head().hash;
        let verdict = feed::take(chain, ledger, &offered.block);
        if chain.head().hash != head {
            metrics::counter!("trestle_feed_blocks_total").increment(1);
            self.resync_pool()?;
        }
        match verdict {
            Ok(Verdict::Done(outcome)) => drop(offered.answer.send(outcome)),
            Ok(Verdict::AwaitsL1) => {
                if let Some(offers) = &mut self.offers {
                    offers.waiting = Some(offered);
                }
            }
            Err(error) => {
                drop(offered.answer.send(Outcome::Busy));
                return Err(error);
            }
        }
        Ok(())
    }

    fn follow(&mut self, update: &Pending) -> Result<(), EngineError> {
        let head = self.follower.chain.head().hash;
        let (input, confirmed) = (update.input.clone(), &update.confirmed);
        let changes = self.follower.take(input, confirmed)?;
        if let Some(builder) = &mut self.builder {
            builder.see_l1(&self.follower.ledger)?;
        }
        if let Some(to) = changes.unwound_to {
            metrics::counter!("trestle_unwinds_total").increment(1);
            tracing::error!(to, "L1 contradicts blocks of this node: unwound");
        }
        if self.follower.chain.head().hash != head {
            self.resync_pool()?;
        }
        self.publish(changes.finalized);
        Ok(())
    }

    /// Brings the pool in line with a chain that L1 changed.
    fn resync_pool(&self) -> Result<(), EngineError> {
        match &self.builder {
            Some(builder) => builder.on_unwind(&self.follower.chain),
            None => {
                let chain = &self.follower.chain;
                let snapshot = chain.store().sequenced()?;
                match snapshot.recent(chain.head().header.number) {
                    Some(block) => report_block(&self.mempool, chain, block, unix_now()),
                    None => Ok(()),
                }
            }
        }
    }

    fn publish(&self, finalized: Option<BlockRef>) {
        let ledger = &self.follower.ledger;
        self.feed.heads.send_modify(|heads| {
            heads.safe = ledger.tip().end;
            heads.finalized = finalized.unwrap_or(match heads.finalized.hash.is_zero() {
                true => self.follower.genesis,
                false => heads.finalized,
            });
            heads.l1 = ledger.newest();
            heads.l1_finalized = ledger.finalized();
            heads.deposits = ledger.deposits();
            heads.batches = ledger.tip().index;
        });
        self.feed.tip.send_if_modified(|tip| {
            let changed = *tip != ledger.tip();
            *tip = ledger.tip();
            changed
        });
    }
}

impl EngineHandle {
    /// Ends the engine after the block that it is at, and waits for it.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        self.stop();
    }
}
