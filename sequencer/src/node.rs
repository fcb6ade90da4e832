//! The whole node: store, engine, L1 reader, batcher and RPC, started in order and stopped in reverse.
//!
//! ```text
//! L1 reader ─► engine ◄─► store ─► RPC
//!                 ▲  └─tip─► batcher ─► L1 sender ─► L1
//!              mempool ◄── RPC (sequencer) | RPC ─► sequencer's RPC (replica)
//! ```
//! A sequencer and a replica differ only in what [`NodeConfig::role`] holds.

mod config;
mod error;
mod forward;
mod health;
mod l1_view;

pub use config::{NodeConfig, Role, SequencerConfig};
pub use error::NodeError;

use crate::{
    batcher::{Batcher, BatcherConfig, StoreSource},
    engine::{Engine, EngineHandle, EngineParts, Heads, fee_view},
    l1::{L1Client, L1Reader, L1Sender, L1View, ReaderConfig, SenderConfig, load_signer},
    mempool::{Mempool, PoolLimits},
    rpc::{NodeHandle, RpcServer, SettledHeads, SystemClock},
    store::{BlockRef, Identity, Mark, SentTransactions, Store, StoreConfig},
};
use forward::Forwarder;
use l1_view::StoredL1;
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

/// L1 updates that may wait for the engine.
const UPDATES: usize = 64;
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
}

impl Node {
    /// Opens the data directory and starts everything.
    ///
    /// # Errors
    /// [`NodeError`]: what could not be opened or started, and nothing is left running.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let chain = Arc::new(config.chain.clone());
        let client = L1Client::new(config.l1.clone(), L1_TIMEOUT);
        let served = client.served_chain().await.map_err(NodeError::L1)?;
        if served != chain.l1_chain_id {
            return Err(NodeError::L1Chain {
                expected: chain.l1_chain_id,
                got: served,
            });
        }
        let genesis = Arc::new(config.genesis.block(&chain));
        if genesis.header.hash != chain.genesis_hash {
            let (expected, got) = (chain.genesis_hash, genesis.header.hash);
            return Err(NodeError::Genesis { expected, got });
        }
        let first = BlockRef {
            number: 0,
            hash: genesis.header.hash,
        };
        let identity = Identity::new(&chain);
        let store = StoreConfig::new(config.datadir.clone(), identity, genesis);
        let store = Arc::new(tokio::task::spawn_blocking(|| Store::open(store)).await??);
        let fees = fee_view(&chain, &store)?;
        let mempool = Arc::new(Mempool::new(
            Arc::clone(&chain),
            PoolLimits::default(),
            fees,
            Arc::clone(&store) as Arc<_>,
            Arc::clone(&store) as Arc<_>,
        ));
        let builder = match &config.role {
            Role::Sequencer(sequencer) => Some(sequencer.builder),
            Role::Replica { .. } => None,
        };
        let may_build = Arc::new(AtomicBool::new(false));
        let engine = Engine::open(EngineParts {
            config: Arc::clone(&chain),
            store: Arc::clone(&store),
            mempool: Arc::clone(&mempool),
            l1_start: config.l1_start,
            genesis: first,
            builder,
            may_build: Arc::clone(&may_build),
        })?;
        let cursor = engine.l1_cursor()?;
        let (updates, inputs) = mpsc::channel(UPDATES);
        let reader_config = ReaderConfig::for_block_time(
            chain.l1_chain_id,
            chain.inbox,
            config.l1_start.number,
            config.l1_block_time,
        );
        let (reader, view) = L1Reader::new(
            client.clone(),
            reader_config,
            cursor.as_ref().map(AsRef::as_ref),
            updates,
        )?;
        let engine = engine.start(inputs).map_err(NodeError::Thread)?;
        let (end, ended) = watch::channel(None);
        let mut tasks = vec![
            tokio::spawn(report_end(engine.ended.clone(), end.clone())),
            tokio::spawn(release(engine.heads.clone(), view.clone(), may_build)),
            tokio::spawn(async move {
                if let Err(error) = reader.run().await {
                    end.send_replace(Some(Arc::from(error.to_string())));
                }
            }),
        ];
        if let Role::Sequencer(sequencer) = &config.role {
            tasks.extend(Self::post(
                &config,
                sequencer,
                &chain,
                &store,
                &engine,
                client,
                view.clone(),
            )?);
        }
        let forward = match &config.role {
            Role::Replica {
                sequencer: Some(url),
            } => Some(Arc::new(Forwarder::new(url.clone())) as Arc<_>),
            _ => None,
        };
        let (settled, task) = settled_heads(&engine);
        tasks.push(task);
        let l1 = StoredL1::new(
            Arc::clone(&chain),
            Arc::clone(&store),
            engine.heads.clone(),
            view.clone(),
        );
        let handle = NodeHandle {
            config: chain,
            store: Arc::clone(&store),
            pool: mempool,
            settled,
            l1: Some(Arc::new(l1)),
            forward,
            clock: Arc::new(SystemClock),
        };
        let routes = health::routes(Arc::clone(&store), view);
        let rpc = RpcServer::start(config.rpc, handle, routes).await?;
        Ok(Self {
            engine,
            rpc: Some(rpc),
            store,
            tasks,
            ended,
        })
    }

    /// Starts batcher and sender, if there is a key for them.
    fn post(
        config: &NodeConfig,
        sequencer: &SequencerConfig,
        chain: &Arc<trestle_protocol::ChainConfig>,
        store: &Arc<Store>,
        engine: &EngineHandle,
        client: L1Client,
        view: watch::Receiver<L1View>,
    ) -> Result<Vec<JoinHandle<()>>, NodeError> {
        let Some(key) = &sequencer.batcher_key else {
            return Ok(Vec::new());
        };
        let signer = load_signer(key)?;
        let journal = Arc::new(SentTransactions::new(Arc::clone(store), Mark::BatcherSent));
        let sender = SenderConfig::for_block_time(chain.l1_chain_id, config.l1_block_time);
        let (sender, handle) = L1Sender::new(client, signer, journal, sender);
        let source = Arc::new(StoreSource::new(
            Arc::clone(chain),
            Arc::clone(store),
            engine.tip.clone(),
        ));
        let batcher = BatcherConfig {
            chain: chain.as_ref().clone(),
            close: sequencer.close,
            poll: (config.l1_block_time / 10)
                .clamp(Duration::from_millis(50), Duration::from_secs(1)),
            backoff_max: Duration::from_secs(30),
        };
        let (batcher, _status) = Batcher::new(batcher, source, handle, view);
        Ok(vec![
            tokio::spawn(async move {
                // The sender logs and publishes why it ends; the batcher sees that it did.
                let _ = sender.run().await;
            }),
            tokio::spawn(batcher.run()),
        ])
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

/// The engine's heads as the RPC wants them.
fn settled_heads(engine: &EngineHandle) -> (watch::Receiver<SettledHeads>, JoinHandle<()>) {
    let mut heads = engine.heads.clone();
    let of = |heads: &Heads| SettledHeads {
        safe: heads.safe,
        finalized: heads.finalized,
    };
    let (to, settled) = watch::channel(of(&heads.borrow()));
    let task = tokio::spawn(async move {
        while heads.changed().await.is_ok() {
            let now = of(&heads.borrow_and_update());
            to.send_if_modified(|old| {
                let changed = *old != now;
                *old = now;
                changed
            });
        }
    });
    (settled, task)
}
