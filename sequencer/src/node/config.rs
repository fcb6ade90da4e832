//! What a node is started with.

use crate::{
    batcher::{ClosePolicy, KindPolicy},
    engine::{BuilderConfig, L1BlockRef},
    l1::{BlobSource, KeySource},
    mempool::{BacklogLimits, PoolLimits},
    rpc::RpcConfig,
};
use alloy::{
    primitives::{Address, U256},
    transports::http::reqwest::Url,
};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use trestle_protocol::{ChainConfig, Genesis};

/// Everything a node needs to know.
#[derive(Debug)]
pub struct NodeConfig {
    /// The chain's static configuration.
    pub chain: ChainConfig,
    /// Block 0, which must hash to what the configuration says.
    pub genesis: Genesis,
    /// L1 block of the chain's deployment.
    pub l1_start: L1BlockRef,
    /// L1's JSON-RPC.
    pub l1: Url,
    /// Where the blobs of batches are had.
    pub blobs: BlobSource,
    /// Time between two L1 blocks, about: sets how often L1 is asked.
    pub l1_block_time: Duration,
    /// Data directory; made if it is not there.
    pub datadir: PathBuf,
    /// Bytes of memory, estimated, that blocks may take which are not in the database: see
    /// [`Lag`](crate::store::Lag).
    pub max_unfolded: usize,
    /// What the node does besides following L1.
    pub role: Role,
    /// How output roots are proposed; none are without.
    pub proposer: Option<ProposerRole>,
    /// How requests are served.
    pub rpc: RpcConfig,
    /// Where metrics are served; nowhere without.
    pub metrics: Option<MetricsConfig>,
}

/// How metrics are served.
#[derive(Debug)]
pub struct MetricsConfig {
    /// Address and port, apart from the RPC's.
    pub listen: SocketAddr,
    /// The process's recorder, from [`crate::metrics::install`].
    pub recorder: PrometheusHandle,
}

/// How a node proposes output roots on L1.
#[derive(Debug)]
pub struct ProposerRole {
    /// Key of the proposer's account on L1: another one than the batcher's.
    pub key: KeySource,
    /// Factory of dispute games.
    pub factory: Address,
    /// Registry of what counts as settled.
    pub registry: Address,
    /// Kind of game.
    pub game_type: u32,
    /// Least time between two proposals.
    pub interval: Duration,
}

/// What a node does besides following L1.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a process")]
pub enum Role {
    /// It orders transactions.
    Sequencer(SequencerConfig),
    /// It derives everything from L1.
    Replica {
        /// JSON-RPC of the sequencer, to which transactions are handed; none are taken without.
        sequencer: Option<Url>,
        /// The sequencer's block feed; without, the node knows what L1 knows.
        feed: Option<FeedSource>,
    },
}

/// A block feed to follow.
#[derive(Debug, Clone)]
pub struct FeedSource {
    /// Where it is, as in `ws://127.0.0.1:9545/feed`.
    pub url: Url,
    /// Who must sign it; the batcher, as L1 names it, if nobody else is named.
    pub signer: Option<Address>,
}

/// How a sequencer works.
#[derive(Debug)]
pub struct SequencerConfig {
    /// How blocks are built.
    pub builder: BuilderConfig,
    /// When batches are closed.
    pub close: ClosePolicy,
    /// Bytes of user transactions, EIP-2718 encoded, that may wait for L1: from half of them on the
    /// price of admission rises, and at all of them no transaction is taken.
    pub max_backlog: u64,
    /// How much the pool keeps.
    pub pool: PoolLimits,
    /// Whether they go into calldata or blobs.
    pub kinds: KindPolicy,
    /// Most that the batcher's account pays in fees on L1 in any 24 hours, in wei; no bound without.
    pub max_l1_spend: Option<U256>,
    /// Key of the batcher's account on L1; nothing is posted without.
    pub batcher_key: Option<KeySource>,
    /// Key that signs the block feed; the batcher's if there is no other, no feed without either.
    pub feed_key: Option<KeySource>,
}

impl Role {
    /// Whether batches may go into blobs.
    pub(super) fn makes_blobs(&self) -> bool {
        matches!(self, Self::Sequencer(sequencer) if sequencer.kinds != KindPolicy::Calldata)
    }

    /// How much the pool keeps; a replica's keeps nothing but what is handed on.
    pub(super) fn pool_limits(&self) -> PoolLimits {
        match self {
            Self::Sequencer(sequencer) => sequencer.pool,
            Self::Replica { .. } => PoolLimits::default(),
        }
    }
}

impl SequencerConfig {
    /// What may wait for L1, in bytes and in time.
    pub(super) const fn backlog_limits(&self, chain: &ChainConfig) -> BacklogLimits {
        BacklogLimits {
            bytes: self.max_backlog,
            seconds: chain.max_time_lag / 2,
        }
    }
}
