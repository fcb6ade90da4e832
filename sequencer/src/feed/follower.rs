//! The replica's side: follows the feed, checks who signed, hands blocks to the engine.
//!
//! One connection at a time. Whatever is wrong with what arrives, the connection is dropped and tried
//! again after a while: a hostile feed costs a replica its unsafe head and nothing else.

use super::message::{self, FeedBlock, MAX_MESSAGE_BYTES};
use crate::{
    engine::{FeedInlet, Outcome},
    l1::L1Client,
    store::Store,
};
use alloy::{rpc::types::TransactionRequest, sol_types::SolCall, transports::http::reqwest::Url};
use alloy_primitives::{Address, Bytes};
use futures::StreamExt;
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};
use trestle_contracts::bindings::Inbox;
use trestle_protocol::ChainConfig;

/// Shortest and longest pause before the feed is asked again.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Time in which a connection must come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Time without a sign of life, pings included, after which a connection is given up.
const SILENCE: Duration = Duration::from_secs(30);

/// Who signs the feed.
#[derive(Debug, Clone)]
pub enum Authority {
    /// This account.
    Account(Address),
    /// The batcher, whoever L1 says that is when the feed is connected.
    Batcher(L1Client),
}

/// Follows one feed.
#[derive(Debug)]
pub struct FeedFollower {
    url: Url,
    authority: Authority,
    chain: Arc<ChainConfig>,
    store: Weak<Store>,
    inlet: FeedInlet,
}

/// Why a connection to the feed was given up.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("signer of the feed is not known: {0}")]
    Authority(String),
    #[error("feed cannot be reached: {0}")]
    Connect(String),
    #[error("feed ended")]
    Ended,
    #[error("feed is silent")]
    Silent,
    #[error("feed sent something else than binary messages")]
    Kind,
    #[error(transparent)]
    Message(#[from] message::MessageError),
    #[error("block {number} of the feed does not go on from the chain of this node")]
    Unconnected { number: u64 },
    #[error("block {number} of the feed contradicts the chain of this node; L1 will decide")]
    Contradicted { number: u64 },
    #[error("block {number} of the feed is wrong: {reason}")]
    Wrong { number: u64, reason: String },
    #[error("store of this node refuses")]
    Busy,
    #[error("node is stopping")]
    Stopping,
}

impl Broken {
    /// Label for the counter of connections that were given up.
    const fn label(&self) -> &'static str {
        match self {
            Self::Authority(_) => "authority",
            Self::Connect(_) => "unreachable",
            Self::Ended | Self::Silent | Self::Stopping => "ended",
            Self::Busy => "busy",
            Self::Kind | Self::Message(_) => "message",
            Self::Unconnected { .. } => "unconnected",
            Self::Contradicted { .. } => "contradicted",
            Self::Wrong { .. } => "wrong",
        }
    }

    /// Whether somebody must look: what is signed is not the chain.
    const fn is_alarming(&self) -> bool {
        matches!(
            self,
            Self::Message(_) | Self::Contradicted { .. } | Self::Wrong { .. } | Self::Kind
        )
    }
}

impl FeedFollower {
    /// A follower of the feed at `url` that hands its blocks to `inlet`.
    #[must_use]
    pub fn new(
        url: Url,
        authority: Authority,
        chain: Arc<ChainConfig>,
        store: &Arc<Store>,
        inlet: FeedInlet,
    ) -> Self {
        Self {
            url,
            authority,
            chain,
            store: Arc::downgrade(store),
            inlet,
        }
    }

    /// Follows until the node stops.
    pub async fn run(self) {
        let mut pause = PAUSE_MIN;
        loop {
            let mut taken = 0u64;
            let Err(broken) = self.connection(&mut taken).await;
            metrics::counter!("trestle_feed_broken_total", "reason" => broken.label()).increment(1);
            match &broken {
                Broken::Stopping => return,
                alarming if alarming.is_alarming() => tracing::error!(%broken, taken, "block feed"),
                _ => tracing::info!(%broken, taken, "block feed"),
            }
            pause = if taken > 0 {
                PAUSE_MIN
            } else {
                (pause * 2).min(PAUSE_MAX)
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// One connection, until it is given up.
    async fn connection(&self, taken: &mut u64) -> Result<std::convert::Infallible, Broken> {
        let signer = self.signer().await?;
        let head = self.store.upgrade().ok_or(Broken::Stopping)?.head().number;
        let mut url = self.url.clone();
        let from = head.saturating_add(1);
        url.query_pairs_mut().append_pair("from", &from.to_string());
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let connect = connect_async_with_config(url.as_str(), Some(config), true);
        let (mut socket, _) = tokio::time::timeout(CONNECT, connect)
            .await
            .map_err(|_| Broken::Connect("no answer".to_owned()))?
            .map_err(|error| Broken::Connect(error.to_string()))?;
        loop {
            let said = tokio::time::timeout(SILENCE, socket.next()).await;
            let said = said.map_err(|_| Broken::Silent)?.ok_or(Broken::Ended)?;
            let message = match said.map_err(|error| Broken::Connect(error.to_string()))? {
                Message::Binary(message) => message,
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Close(_) => return Err(Broken::Ended),
                Message::Text(_) | Message::Frame(_) => return Err(Broken::Kind),
            };
            let block = message::open(&message, self.chain.l2_chain_id, signer)?;
            self.hand_over(block).await?;
            *taken = taken.saturating_add(1);
        }
    }

    async fn hand_over(&self, block: FeedBlock) -> Result<(), Broken> {
        let number = block.number;
        match self.inlet.offer(block).await.ok_or(Broken::Stopping)? {
            Outcome::Taken | Outcome::Known => Ok(()),
            Outcome::Busy => Err(Broken::Busy),
            Outcome::Unconnected => Err(Broken::Unconnected { number }),
            Outcome::Contradicted => Err(Broken::Contradicted { number }),
            Outcome::Wrong(reason) => Err(Broken::Wrong { number, reason }),
        }
    }

    async fn signer(&self) -> Result<Address, Broken> {
        let l1 = match &self.authority {
            Authority::Account(account) => return Ok(*account),
            Authority::Batcher(l1) => l1,
        };
        let input = Bytes::from(Inbox::batcherCall {}.abi_encode());
        let request = TransactionRequest::default()
            .to(self.chain.inbox)
            .input(input.into());
        let answer: Bytes = l1
            .call("eth_call", (request, "latest"))
            .await
            .map_err(|error| Broken::Authority(error.to_string()))?;
        Inbox::batcherCall::abi_decode_returns(&answer)
            .map_err(|error| Broken::Authority(error.to_string()))
    }
}
