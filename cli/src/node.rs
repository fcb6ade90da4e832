//! `trestle sequencer` and `trestle replica`: a node of a deployed chain.
//!
//! Both read the chain from the folder that `trestle deploy` wrote, and run until they are told to
//! stop or cannot go on.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use alloy::{primitives::Address, transports::http::reqwest::Url};
use tracing::info;
use trestle_sdk::deploy::{ChainFiles, GAME_TYPE};
use trestle_sequencer::{
    batcher::ClosePolicy,
    engine::{BuilderConfig, L1BlockRef},
    l1::KeySource,
    node::{FeedSource, Node, NodeConfig, ProposerRole, Role, SequencerConfig},
    rpc::{CorsOrigins, RpcConfig},
};

use crate::shutdown;

/// Environment variable with the batcher's key.
const KEY_VARIABLE: &str = "TRESTLE_BATCHER_KEY";
/// Environment variable with the proposer's key.
const PROPOSER_KEY_VARIABLE: &str = "TRESTLE_PROPOSER_KEY";
/// Environment variable with the key that signs the block feed.
const FEED_KEY_VARIABLE: &str = "TRESTLE_FEED_KEY";

/// What every node is told.
#[derive(Debug, clap::Args)]
struct Common {
    /// Folder with the chain's rollup.json and genesis.json.
    #[arg(long, value_name = "DIR", env = "TRESTLE_CHAIN")]
    chain: PathBuf,
    /// Folder for the node's data; made if it is not there.
    #[arg(long, value_name = "DIR", env = "TRESTLE_DATADIR")]
    datadir: PathBuf,
    /// RPC endpoint of L1.
    #[arg(long, value_name = "URL", env = "TRESTLE_L1_RPC")]
    l1: Url,
    /// Seconds between two L1 blocks, about.
    #[arg(long, value_name = "SECONDS", default_value_t = 12.0)]
    l1_block_time: f64,
    /// Address for JSON-RPC over HTTP and WebSocket.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    rpc_addr: IpAddr,
    /// Port for JSON-RPC; 0 for a free one.
    #[arg(long, default_value_t = 9545)]
    rpc_port: u16,
    /// Host names under which the RPC may be asked, besides localhost and addresses; `*` for any.
    #[arg(long, value_name = "NAME")]
    rpc_host: Vec<String>,
    /// File with the proposer's key in hexadecimal; else the environment variable TRESTLE_PROPOSER_KEY.
    /// Without either no output root is proposed.
    #[arg(long, value_name = "FILE")]
    proposer_key_file: Option<PathBuf>,
    /// Least time between two proposals, in seconds; each locks a bond until its game is over.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600.0)]
    proposal_interval: f64,
    /// Pages that may read the RPC's answers; all without this, for wallets.
    #[arg(long, value_name = "ORIGIN")]
    rpc_cors: Vec<String>,
}

/// Order transactions, and post them to L1.
#[derive(Debug, clap::Args)]
pub(crate) struct SequencerArgs {
    #[command(flatten)]
    common: Common,
    /// File with the batcher's key in hexadecimal; else the environment variable TRESTLE_BATCHER_KEY.
    /// Without either nothing is posted.
    #[arg(long, value_name = "FILE")]
    batcher_key_file: Option<PathBuf>,
    /// File with the key that signs the block feed, in hexadecimal; else the environment variable
    /// TRESTLE_FEED_KEY, else the batcher's key. Without any there is no feed.
    #[arg(long, value_name = "FILE")]
    feed_key_file: Option<PathBuf>,
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
    /// Pause of an idle chain between batches, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600.0)]
    idle_batch_delay: f64,
}

/// Derive the chain from L1; follow the sequencer's feed for what is not there yet.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplicaArgs {
    #[command(flatten)]
    common: Common,
    /// RPC endpoint of the sequencer, to which transactions are handed; none are taken without.
    #[arg(long, value_name = "URL")]
    sequencer: Option<Url>,
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
    let batcher_key = key_source(args.batcher_key_file, KEY_VARIABLE);
    let feed_key = key_source(args.feed_key_file, FEED_KEY_VARIABLE);
    let role = Role::Sequencer(SequencerConfig {
        builder: BuilderConfig {
            deposit_depth: args.deposit_depth,
            ..BuilderConfig::default()
        },
        close: ClosePolicy {
            max_delay: seconds(args.batch_delay)?,
            idle_delay: seconds(args.idle_batch_delay)?,
        },
        max_backlog: u64::from(args.max_backlog) << 20,
        batcher_key,
        feed_key,
    });
    run(args.common, role).await
}

/// Runs a replica until it is told to stop.
///
/// # Errors
/// When it does not start, or cannot go on.
pub(crate) async fn replica(args: ReplicaArgs) -> eyre::Result<()> {
    let (sequencer, signer) = (args.sequencer, args.feed_signer);
    let feed = args.feed.map(|url| FeedSource { url, signer });
    run(args.common, Role::Replica { sequencer, feed }).await
}

async fn run(args: Common, role: Role) -> eyre::Result<()> {
    let config = args.node_config(role)?;
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
    fn node_config(self, role: Role) -> eyre::Result<NodeConfig> {
        let files = ChainFiles::read(&self.chain)?;
        let start = files.rollup.l1_start;
        let cors = match self.rpc_cors.is_empty() {
            true => CorsOrigins::Any,
            false => CorsOrigins::List(self.rpc_cors),
        };
        let interval = seconds(self.proposal_interval)?;
        let contracts = files.rollup.contracts;
        let key = key_source(self.proposer_key_file, PROPOSER_KEY_VARIABLE);
        let proposer = key.map(|key| ProposerRole {
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
            l1_block_time: seconds(self.l1_block_time)?,
            datadir: self.datadir,
            role,
            proposer,
            rpc: RpcConfig {
                listen: SocketAddr::new(self.rpc_addr, self.rpc_port),
                cors,
                hosts: self.rpc_host,
                ..RpcConfig::default()
            },
        })
    }
}

/// The file that was named, else the environment variable if it is set.
fn key_source(file: Option<PathBuf>, variable: &str) -> Option<KeySource> {
    match file {
        Some(path) => Some(KeySource::File(path)),
        None => std::env::var_os(variable).map(|_| KeySource::Env(variable.into())),
    }
}

fn seconds(value: f64) -> eyre::Result<Duration> {
    Duration::try_from_secs_f64(value).map_err(|_| eyre::eyre!("{value} is no number of seconds"))
}
