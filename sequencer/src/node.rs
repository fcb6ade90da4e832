//! The whole node: store, engine, L1 reader, batcher and RPC, started in order and stopped in reverse.
//!
//! ```text
//! L1 reader ─► engine ◄─► store ─► RPC
//!                 ▲  └─tip─► batcher ─► L1 sender ─► L1
//!              mempool ◄── RPC (sequencer) | RPC ─► sequencer's RPC (replica)
//!                 feed server (sequencer) ─► feed follower ─► engine (replica)
//! ```
//! A sequencer and a replica differ only in what [`NodeConfig::role`] holds.

mod balance;
mod config;
mod error;
mod feed;
mod forward;
mod gauges;
mod health;
mod keys;
mod l1_view;
mod post;
mod pressure;
mod propose;
mod settled;
mod validate;

pub use config::{FeedSource, MetricsConfig, NodeConfig, ProposerRole, Role, SequencerConfig};
pub use error::NodeError;
pub use validate::{Accounts, SettingsError};

use crate::{
    engine::{ChainClock, Engine, EngineHandle, EngineParts, Heads, fee_view, unix_now},
    feed::{FeedKey, FeedServer},
    l1::{L1Client, L1Reader, L1View, ReaderConfig, kzg},
    mempool::Mempool,
    metrics::MetricsPage,
    rpc::{NodeHandle, RpcServer, SystemClock},
    store::{BlockRef, Identity, Store, StoreConfig},
};
pub(crate) use forward::Forwarder;
use gauges::Watched;
use health::Readiness;
use keys::Keys;
use l1_view::StoredL1;
use settled::{durable_heads, settled_heads};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use trestle_protocol::ChainConfig;

/// L1 updates that may wait for the engine.
const UPDATES: usize = 64;
/// Shortest and longest pause between two looks of the batcher.
const POLL_MIN: Duration = Duration::from_millis(50);
const POLL_MAX: Duration = Duration::from_secs(1);
/// Longest pause of the batcher after a refusal.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// Longest wait for an answer of L1.
const L1_TIMEOUT: Duration = Duration::from_secs(20);

/// A running node.
#[derive(Debug)]
pub struct Node {
    engine: EngineHandle,
    rpc: Option<RpcServer>,
    store: Arc<Store>,
    tasks: Vec<JoinHandle<()>>,
    ended: watch::Receiver<Option<Arc<str>>>,
    _metrics: Option<MetricsPage>,
}

/// What both roles open before anything runs.
struct Opened {
    chain: Arc<ChainConfig>,
    client: L1Client,
    store: Arc<Store>,
    mempool: Arc<Mempool>,
    engine: Engine,
    may_build: Arc<AtomicBool>,
}

/// What follows L1 and builds, while it runs.
struct Following {
    engine: EngineHandle,
    view: watch::Receiver<L1View>,
    ended: watch::Receiver<Option<Arc<str>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Opened {
    /// Checks L1 and genesis against the configuration, and opens the data directory.
    async fn open(config: &NodeConfig, accounts: Accounts) -> Result<Self, NodeError> {
        config.validate()?;
        let chain = Arc::new(config.chain.clone());
        let client = L1Client::new(config.l1.clone(), L1_TIMEOUT);
        let (expected, got) = (
            chain.l1_chain_id,
            client.served_chain().await.map_err(NodeError::L1)?,
        );
        if expected != got {
            return Err(NodeError::L1Chain { expected, got });
        }
        config.validate_on_l1(&client, accounts).await?;
        let genesis = Arc::new(config.genesis.block(&chain));
        let (expected, got) = (chain.genesis_hash, genesis.header.hash);
        if expected != got {
            return Err(NodeError::Genesis { expected, got });
        }
        let store = StoreConfig {
            unfolded_bound: config.max_unfolded,
            ..StoreConfig::new(config.datadir.clone(), Identity::new(&chain), genesis)
        };
        let store = Arc::new(tokio::task::spawn_blocking(|| Store::open(store)).await??);
        let fees = fee_view(&chain, &store, unix_now())?;
        let (accounts, journal) = (Arc::clone(&store) as Arc<_>, Arc::clone(&store) as Arc<_>);
        let mempool = Mempool::new(
            Arc::clone(&chain),
            config.role.pool_limits(),
            fees,
            accounts,
            journal,
        );
        let mempool = Arc::new(mempool);
        if matches!(
            config.role,
            Role::Replica {
                sequencer: None,
                ..
            }
        ) {
            mempool.set_paused(Some(
                "this node takes no transactions: it knows no sequencer",
            ));
        }
        let may_build = Arc::new(AtomicBool::new(false));
        let engine = Engine::open(EngineParts {
            config: Arc::clone(&chain),
            store: Arc::clone(&store),
            mempool: Arc::clone(&mempool),
            l1_start: config.l1_start,
            genesis: BlockRef {
                number: 0,
                hash: got,
            },
            builder: match &config.role {
                Role::Sequencer(sequencer) => Some(sequencer.builder),
                Role::Replica { .. } => None,
            },
            may_build: Arc::clone(&may_build),
            follows_feed: matches!(config.role, Role::Replica { feed: Some(_), .. }),
        })?;
        Ok(Self {
            chain,
            client,
            store,
            mempool,
            engine,
            may_build,
        })
    }

    /// Starts the reader, and the engine behind it.
    fn follow(
        config: &NodeConfig,
        engine: Engine,
        client: L1Client,
        may_build: Arc<AtomicBool>,
    ) -> Result<Following, NodeError> {
        let cursor = engine.l1_cursor()?;
        let (updates, inputs) = mpsc::channel(UPDATES);
        let mut settings = ReaderConfig::for_block_time(
            config.chain.l1_chain_id,
            config.chain.inbox,
            config.l1_start.number,
            config.l1_block_time,
        );
        settings.blobs = config.blobs.clone();
        let cursor = cursor.as_ref().map(AsRef::as_ref);
        let (reader, view) = L1Reader::new(client, settings, cursor, updates)?;
        let engine = engine.start(inputs).map_err(NodeError::Thread)?;
        let (end, ended) = watch::channel(None);
        let tasks = vec![
            tokio::spawn(report_end(engine.ended.clone(), end.clone())),
            tokio::spawn(release(engine.heads.clone(), view.clone(), may_build)),
            tokio::spawn(async move {
                if let Err(error) = reader.run().await {
                    end.send_replace(Some(Arc::from(error.to_string())));
                }
            }),
        ];
        Ok(Following {
            engine,
            view,
            ended,
            tasks,
        })
    }
}

impl Node {
    /// Opens the data directory and starts everything.
    ///
    /// # Errors
    /// [`NodeError`]: what could not be opened or started, and nothing is left running.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let keys = Keys::load(&config)?;
        if keys.batcher.is_some() && config.role.makes_blobs() {
            // Before the reader checks the first one.
            kzg::expect_proofs();
        }
        let Opened {
            chain,
            client,
            store,
            mempool,
            engine,
            may_build,
        } = Opened::open(&config, keys.accounts()).await?;
        let following = Opened::follow(&config, engine, client.clone(), may_build)?;
        let Following {
            engine,
            view,
            ended,
            mut tasks,
        } = following;
        let mut batcher_status = None;
        let mut senders = Vec::new();
        if let (Role::Sequencer(sequencer), Some(signer)) = (&config.role, keys.batcher) {
            let parts = (Arc::clone(&chain), Arc::clone(&store));
            let started = post::start(
                &config,
                (sequencer, signer),
                parts,
                &client,
                (&engine, &view),
            )
            .await?;
            senders.push(("batcher", started.sender));
            tasks.extend(started.tasks);
            let status = started.status;
            batcher_status = Some(status);
        }
        if let (Some(proposer), Some(signer)) = (&config.proposer, keys.proposer) {
            let role = (proposer, signer);
            let (started, status) =
                propose::start(&config, role, &store, &client, (&engine, &view));
            tasks.extend(started);
            senders.push(("proposer", status));
        }
        let (heads, task) = durable_heads(engine.heads.clone(), Arc::clone(&store));
        tasks.push(task);
        let (settled, task) = settled_heads(heads.clone());
        tasks.push(task);
        if let (Role::Sequencer(sequencer), Some(_)) = (&config.role, &batcher_status) {
            let limits = sequencer.backlog_limits(&chain);
            let clock = ChainClock::new(chain.max_time_drift);
            tasks.push(pressure::start(&store, &heads, &mempool, (limits, clock)));
        }
        tasks.extend(feed::follow(&config.role, &chain, &store, &engine, client));
        let (l1_chain, l1_store) = (Arc::clone(&chain), Arc::clone(&store));
        let readiness = Readiness::new(&store, view.clone(), senders);
        let watched = Watched {
            store: Arc::downgrade(&store),
            mempool: Arc::clone(&mempool),
            heads: heads.clone(),
            view: view.clone(),
            readiness: readiness.clone(),
        };
        let page = watched.serve(config.metrics).await?;
        let handle = NodeHandle {
            config: chain,
            store: Arc::clone(&store),
            pool: mempool,
            settled,
            l1: Some(Arc::new(StoredL1::new(l1_chain, l1_store, heads, view))),
            forward: feed::forwarder(&config.role),
            batcher: batcher_status,
            clock: Arc::new(SystemClock),
        };
        let mut routes = health::routes(readiness);
        if let Some(key) = keys.feed {
            let key = FeedKey::new(key, config.chain.l2_chain_id);
            let server = FeedServer::new(&store, key, config.rpc.limits.feed_followers);
            routes = routes.merge(server.routes());
        }
        let rpc = RpcServer::start(config.rpc, handle, routes).await?;
        Ok(Self {
            engine,
            rpc: Some(rpc),
            store,
            tasks,
            ended,
            _metrics: page,
        })
    }

    /// Where the RPC listens.
    #[must_use]
    pub fn rpc_address(&self) -> Option<SocketAddr> {
        self.rpc.as_ref().map(RpcServer::address)
    }

    /// Waits until the node cannot go on; gives the reason.
    pub async fn ended(&mut self) -> Arc<str> {
        match self.ended.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_else(|| Arc::from("ended")),
            Err(_) => Arc::from("ended"),
        }
    }

    /// Stops taking requests, seals what is open, and puts everything on disk.
    ///
    /// # Errors
    /// When the disk refuses; what was acknowledged is on it already.
    pub async fn stop(mut self) -> Result<(), NodeError> {
        if let Some(rpc) = self.rpc.take() {
            rpc.stop().await;
        }
        for task in &self.tasks {
            task.abort();
        }
        let Self {
            mut engine,
            store,
            tasks,
            ..
        } = self;
        for task in tasks {
            let _ = task.await;
        }
        tokio::task::spawn_blocking(move || {
            engine.stop();
            drop(engine);
            match Arc::try_unwrap(store) {
                Ok(store) => store.close().map_err(NodeError::Store),
                // A request still holds it; dropping it writes the journal out all the same.
                Err(store) => store.fold().map_err(NodeError::Store),
            }
        })
        .await?
    }
}

/// Lets the engine build once it has taken in what L1 says now.
async fn release(
    mut heads: watch::Receiver<Heads>,
    mut view: watch::Receiver<L1View>,
    may_build: Arc<AtomicBool>,
) {
    let head = match view.wait_for(|view| view.is_live).await {
        Ok(view) => view.head.number,
        Err(_) => return,
    };
    if heads
        .wait_for(|heads| heads.l1.number >= head)
        .await
        .is_ok()
    {
        may_build.store(true, Ordering::Relaxed);
    }
}

async fn report_end(
    mut engine: watch::Receiver<Option<Arc<str>>>,
    end: watch::Sender<Option<Arc<str>>>,
) {
    if let Ok(reason) = engine.wait_for(Option::is_some).await {
        end.send_replace(reason.clone());
    }
}
