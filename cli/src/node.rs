//! `trestle sequencer` and `trestle replica`: a node of a deployed chain.
//!
//! Both read the chain from the folder that `trestle deploy` wrote, and run until they are told to
//! stop or cannot go on.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use alloy::{
    primitives::{Address, U256, utils::parse_ether},
    transports::http::reqwest::Url,
};
use tracing::{info, warn};
use trestle_sdk::deploy::{ChainFiles, GAME_TYPE};
use trestle_sequencer::{
    batcher::{ClosePolicy, KindPolicy},
    engine::{BuilderConfig, L1BlockRef},
    mempool::PoolLimits,
    metrics::{self, Part},
    node::{FeedSource, MetricsConfig, Node, NodeConfig, ProposerRole, Role, SequencerConfig},
    rpc::{CorsOrigins, RpcConfig},
    store::UNFOLDED_MIB,
};

use crate::{
    account::{AccountArgs, Batcher, Feed, Proposer},
    blobs::BlobArgs,
    settings::ConfigArgs,
    shutdown,
};

/// What every node is told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// Folder with the chain's rollup.json and genesis.json.
    #[arg(long, value_name = "DIR", env = "TRESTLE_CHAIN")]
    pub(crate) chain: PathBuf,
    /// Folder for the node's data; made if it is not there.
    #[arg(long, value_name = "DIR", env = "TRESTLE_DATADIR")]
    pub(crate) datadir: PathBuf,
    /// RPC endpoint of L1.
    #[arg(long, value_name = "URL", env = "TRESTLE_L1_RPC")]
    pub(crate) l1: Url,
    #[command(flatten)]
    pub(crate) blobs: BlobArgs,
    /// Seconds between two L1 blocks, about.
    #[arg(long, value_name = "SECONDS", default_value_t = 12.0)]
    pub(crate) l1_block_time: f64,
    /// MiB of memory for blocks that are on disk, but not yet in the database: from half of it on blocks come at longer
    /// intervals, and at all of it none comes before the database has caught up.
    #[arg(long, value_name = "MIB", default_value_t = UNFOLDED_MIB, value_parser = clap::value_parser!(u32).range(1..))]
    max_unfolded: u32,
    /// Address for JSON-RPC over HTTP and WebSocket.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    rpc_addr: IpAddr,
    /// Port for JSON-RPC; 0 for a free one.
    #[arg(long, default_value_t = 9545)]
    rpc_port: u16,
    /// Host names under which the RPC may be asked, besides localhost and addresses; `*` for any.
    #[arg(long, value_name = "NAME")]
    rpc_host: Vec<String>,
    #[command(flatten)]
    pub(crate) proposer: AccountArgs<Proposer>,
    /// Least time between two proposals, in seconds; each locks a bond until its game is over.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600.0)]
    proposal_interval: f64,
    /// Pages that may read the RPC's answers; all without this, for wallets.
    #[arg(long, value_name = "ORIGIN")]
    rpc_cors: Vec<String>,
    /// Address for Prometheus metrics, as in 127.0.0.1:9590; none are kept without.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics_addr: Option<SocketAddr>,
    #[command(flatten)]
    _settings: ConfigArgs,
}

/// Order transactions, and post them to L1.
#[derive(Debug, clap::Args)]
pub(crate) struct SequencerArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) batcher: AccountArgs<Batcher>,
    #[command(flatten)]
    pub(crate) feed: AccountArgs<Feed>,
    /// L1 blocks on top of a deposit before it is included.
    #[arg(long, default_value_t = 6)]
    deposit_depth: u64,
    /// Longest time that transactions wait for company in a batch, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    batch_delay: f64,
    /// MiB of transactions that may wait for L1: from half of it on they cost more, and at all of it none is
    /// taken. The same holds for their age: half of the time after which L1 would alter their timestamps.
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    max_backlog: u32,
    /// ETH that the batcher's account may pay L1 in any 24 hours: at that, nothing is posted, and then, by
    /// --max-backlog, nothing taken. No bound but its balance without.
    #[arg(long, value_name = "ETH")]
    max_l1_spend: Option<f64>,
    /// Transactions that may wait for a block. When so many do, what pays less makes room for what pays more.
    #[arg(long, value_name = "COUNT", default_value_t = 400_000, value_parser = clap::value_parser!(u32).range(1..))]
    pool_transactions: u32,
    /// MiB of transactions that may wait for a block.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pool_mib: u32,
    /// Pause of an idle chain between batches, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600.0)]
    idle_batch_delay: f64,
    /// Where batches go. Without this the cheaper, batch by batch, where a beacon endpoint is given, and calldata where
    /// none is: nobody could read blobs then, this node included.
    #[arg(long, value_enum, value_name = "KIND")]
    batch_kind: Option<KindArg>,
}

/// Kinds of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum KindArg {
    /// The cheaper by L1's prices when a batch is closed.
    Auto,
    /// The input of the transaction.
    Calldata,
    /// Blobs of the transaction, up to six.
    Blobs,
}

impl KindArg {
    /// What the batcher may choose.
    ///
    /// # Errors
    /// When blobs could be posted and not be read back.
    fn policy(asked: Option<Self>, blobs: &BlobArgs) -> eyre::Result<KindPolicy> {
        let has_beacon = !blobs.beacon.is_empty();
        match asked {
            Some(Self::Calldata) => Ok(KindPolicy::Calldata),
            None if !has_beacon => Ok(KindPolicy::Calldata),
            Some(Self::Auto | Self::Blobs) if !has_beacon => Err(eyre::eyre!(
                "batches in blobs need --l1-beacon: without it the node cannot read its own batches"
            )),
            Some(Self::Blobs) => Ok(KindPolicy::Blobs),
            Some(Self::Auto) | None => Ok(KindPolicy::Auto),
        }
    }
}

/// Derive the chain from L1; follow the sequencer's feed for what is not there yet.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplicaArgs {
    #[command(flatten)]
    pub(crate) common: Common,
    /// RPC endpoint of the sequencer, to which transactions are handed; none are taken without.
    #[arg(long, value_name = "URL")]
    pub(crate) sequencer: Option<Url>,
    /// The sequencer's block feed, as in ws://127.0.0.1:9545/feed: blocks are known before they are on
    /// L1. Without it the node knows what L1 knows.
    #[arg(long, value_name = "URL")]
    feed: Option<Url>,
    /// Account that must sign the feed; without this the batcher, as L1 names it.
    #[arg(long, value_name = "ADDRESS", requires = "feed")]
    feed_signer: Option<Address>,
}

/// Runs a sequencer until it is told to stop.
///
/// # Errors
/// When it does not start, or cannot go on.
pub(crate) async fn sequencer(args: SequencerArgs) -> eyre::Result<()> {
    let mut parts = vec![Part::Sequencer];
    if args.batcher.source().is_some() {
        parts.extend([Part::Batcher, Part::Sender]);
    } else {
        warn!(
            "no key for the batcher: nothing is posted, and a batch of another sequencer takes these blocks back"
        );
    }
    let metrics = args.common.metrics(parts)?;
    run(args.node_config(metrics)?).await
}

/// Runs a replica until it is told to stop.
///
/// # Errors
/// When it does not start, or cannot go on.
pub(crate) async fn replica(args: ReplicaArgs) -> eyre::Result<()> {
    let parts = args.feed.iter().map(|_| Part::Feed).collect();
    let metrics = args.common.metrics(parts)?;
    run(args.node_config(metrics)?).await
}

impl SequencerArgs {
    /// What a node is started with.
    ///
    /// # Errors
    /// When the chain's files cannot be read, or a number is none of seconds.
    pub(crate) fn node_config(self, metrics: Option<MetricsConfig>) -> eyre::Result<NodeConfig> {
        let role = Role::Sequencer(SequencerConfig {
            builder: BuilderConfig {
                deposit_depth: self.deposit_depth,
                ..BuilderConfig::default()
            },
            close: ClosePolicy {
                max_delay: seconds(self.batch_delay)?,
                idle_delay: seconds(self.idle_batch_delay)?,
            },
            max_backlog: u64::from(self.max_backlog) << 20,
            pool: PoolLimits {
                total_count: usize::try_from(self.pool_transactions)?,
                total_bytes: usize::try_from(self.pool_mib)? << 20,
                ..PoolLimits::default()
            },
            max_l1_spend: self.max_l1_spend.map(ether).transpose()?,
            kinds: KindArg::policy(self.batch_kind, &self.common.blobs)?,
            batcher_key: self.batcher.source(),
            feed_key: self.feed.source(),
        });
        self.common.node_config(role, metrics)
    }
}

impl ReplicaArgs {
    /// What a node is started with.
    ///
    /// # Errors
    /// As [`SequencerArgs::node_config`].
    pub(crate) fn node_config(self, metrics: Option<MetricsConfig>) -> eyre::Result<NodeConfig> {
        let (sequencer, signer) = (self.sequencer, self.feed_signer);
        let feed = self.feed.map(|url| FeedSource { url, signer });
        let role = Role::Replica { sequencer, feed };
        self.common.node_config(role, metrics)
    }
}

async fn run(config: NodeConfig) -> eyre::Result<()> {
    let stop = shutdown::requested();
    tokio::pin!(stop);
    let mut node = tokio::select! {
        node = Node::start(config) => node?,
        asked = &mut stop => return asked,
    };
    if let Some(address) = node.rpc_address() {
        info!(%address, "RPC");
    }
    let outcome = tokio::select! {
        asked = stop => asked,
        reason = node.ended() => Err(eyre::eyre!("{reason}")),
    };
    node.stop().await?;
    outcome
}

impl Common {
    /// Where the RPC listens.
    pub(crate) const fn rpc_listen(&self) -> SocketAddr {
        SocketAddr::new(self.rpc_addr, self.rpc_port)
    }

    /// Installs the recorder if metrics are to be served; `parts` are those of the role.
    fn metrics(&self, mut parts: Vec<Part>) -> eyre::Result<Option<MetricsConfig>> {
        let Some(listen) = self.metrics_addr else {
            return Ok(None);
        };
        parts.extend([Part::Process, Part::Node]);
        if self.proposer.source().is_some() {
            parts.extend([Part::Proposer, Part::Sender]);
        }
        let recorder = metrics::install(&parts)?;
        Ok(Some(MetricsConfig { listen, recorder }))
    }

    fn node_config(self, role: Role, metrics: Option<MetricsConfig>) -> eyre::Result<NodeConfig> {
        let (files, listen) = (ChainFiles::read(&self.chain)?, self.rpc_listen());
        let start = files.rollup.l1_start;
        let cors = match self.rpc_cors.is_empty() {
            true => CorsOrigins::Any,
            false => CorsOrigins::List(self.rpc_cors),
        };
        let interval = seconds(self.proposal_interval)?;
        let contracts = files.rollup.contracts;
        let proposer = self.proposer.source().map(|key| ProposerRole {
            key,
            factory: contracts.dispute_game_factory,
            registry: contracts.anchor_registry,
            game_type: GAME_TYPE,
            interval,
        });
        Ok(NodeConfig {
            chain: files.chain,
            genesis: files.genesis,
            l1_start: L1BlockRef {
                number: start.number,
                hash: start.hash,
                time: start.timestamp,
            },
            l1: self.l1,
            blobs: self.blobs.source(),
            l1_block_time: seconds(self.l1_block_time)?,
            datadir: self.datadir,
            max_unfolded: usize::try_from(self.max_unfolded)? << 20,
            role,
            proposer,
            rpc: RpcConfig {
                listen,
                cors,
                hosts: self.rpc_host,
                ..RpcConfig::default()
            },
            metrics,
        })
    }
}

/// ETH in wei, to the gwei.
fn ether(value: f64) -> eyre::Result<U256> {
    if !(value > 0.0 && value < 1e9) {
        eyre::bail!("--max-l1-spend is {value} ETH, must be above 0");
    }
    Ok(parse_ether(&format!("{value:.9}"))?)
}

fn seconds(value: f64) -> eyre::Result<Duration> {
    Duration::try_from_secs_f64(value).map_err(|_| eyre::eyre!("{value} is no number of seconds"))
}
