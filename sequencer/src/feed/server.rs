//! The sequencer's side: every follower gets the durable blocks from where it asks, in order.
//!
//! Followers pull from the store, so a slow one costs a socket and no memory; the listener cuts off
//! those who stop reading. Only durable blocks are sent: after a crash none is signed twice with
//! another content.

use super::{
    FEED_PATH, FeedBlock, FeedKey,
    message::{self, MAX_MESSAGE_BYTES},
};
use crate::store::{BlockRef, Snapshot, Store, StoreError};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes};
use axum::{
    Router,
    extract::{
        RawQuery,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Blocks behind the head from which a follower may start; what is older comes from L1.
const REACH: u64 = 100_000;
/// Signed messages that are kept for the other followers.
const KEPT: usize = 1_024;
/// Time between two pings.
const PING: Duration = Duration::from_secs(10);

/// What serves the feed.
#[derive(Debug)]
pub struct FeedServer {
    store: Weak<Store>,
    durable: watch::Receiver<BlockRef>,
    key: FeedKey,
    followers: Arc<Semaphore>,
    signed: Mutex<BTreeMap<u64, (B256, Bytes)>>,
}

/// A block ready to be sent.
struct Next {
    hash: B256,
    parent: B256,
    message: Bytes,
}

/// Why a follower is sent nothing more.
#[derive(Debug, thiserror::Error)]
enum FeedEnd {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sign(#[from] crate::l1::SignerError),
    #[error("chain was unwound below block {0}")]
    Unwound(u64),
    #[error("block of {0} bytes does not fit a message")]
    TooLong(usize),
}

impl FeedServer {
    /// A feed of the blocks in `store`, for at most `followers` at once.
    #[must_use]
    pub fn new(store: &Arc<Store>, key: FeedKey, followers: usize) -> Self {
        Self {
            store: Arc::downgrade(store),
            durable: store.durable_head(),
            key,
            followers: Arc::new(Semaphore::new(followers.min(Semaphore::MAX_PERMITS))),
            signed: Mutex::default(),
        }
    }

    /// The feed at [`FEED_PATH`].
    pub fn routes(self) -> Router {
        let server = Arc::new(self);
        let route = get(
            move |RawQuery(query): RawQuery, upgrade: WebSocketUpgrade| {
                let server = Arc::clone(&server);
                async move { server.accept(query.as_deref(), upgrade) }
            },
        );
        Router::new().route(FEED_PATH, route)
    }

    fn accept(self: Arc<Self>, query: Option<&str>, upgrade: WebSocketUpgrade) -> Response {
        let refuse = |status: StatusCode, words: &'static str| (status, words).into_response();
        let Some(from) = query.and_then(start) else {
            return refuse(
                StatusCode::BAD_REQUEST,
                "ask for blocks from a number: ?from=1\n",
            );
        };
        let head = self.durable.borrow().number;
        if from.saturating_add(REACH) < head || from > head.saturating_add(REACH) {
            return refuse(
                StatusCode::CONFLICT,
                "block out of reach; follow L1 first\n",
            );
        }
        let Ok(permit) = Arc::clone(&self.followers).try_acquire_owned() else {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "too many followers\n");
        };
        // Followers send nothing but pongs.
        let upgrade = upgrade.max_message_size(1_024).max_frame_size(1_024);
        upgrade.on_upgrade(move |socket| async move {
            if let Err(end) = self.serve(socket, from, permit).await {
                tracing::debug!(%end, "feed of a follower ends");
            }
        })
    }

    /// Sends block after block until the follower goes or the chain is unwound under it.
    async fn serve(
        &self,
        mut socket: WebSocket,
        mut next: u64,
        _permit: OwnedSemaphorePermit,
    ) -> Result<(), FeedEnd> {
        let mut durable = self.durable.clone();
        let mut last = None;
        let mut ping = tokio::time::interval(PING);
        loop {
            durable.borrow_and_update();
            while let Some(block) = self.block(next)? {
                if last.is_some_and(|hash| hash != block.parent) {
                    return Err(FeedEnd::Unwound(next));
                }
                if socket
                    .send(Message::Binary(block.message.into()))
                    .await
                    .is_err()
                {
                    return Ok(());
                }
                last = Some(block.hash);
                next = next.saturating_add(1);
            }
            tokio::select! {
                changed = durable.changed() => if changed.is_err() { return Ok(()) },
                said = socket.recv() => if !matches!(said, Some(Ok(Message::Ping(_) | Message::Pong(_)))) { return Ok(()) },
                _ = ping.tick() => if socket.send(Message::Ping(Default::default())).await.is_err() { return Ok(()) },
            }
        }
    }

    /// Block `number` as a message; `None` while it is not durable, or the node stops.
    fn block(&self, number: u64) -> Result<Option<Next>, FeedEnd> {
        let Some(store) = self.store.upgrade() else {
            return Ok(None);
        };
        let snapshot = store.durable()?;
        if number > snapshot.head().number {
            return Ok(None);
        }
        let unknown = StoreError::UnknownBlock { number };
        let header = snapshot.header(number)?.ok_or(unknown)?;
        let (hash, parent) = (header.hash, header.header.parent_hash);
        let kept = self.signed.lock().get(&number).cloned();
        let message = match kept {
            Some((of, message)) if of == hash => message,
            _ => self.sign(&read(&snapshot, &header)?)?,
        };
        Ok(Some(Next {
            hash,
            parent,
            message,
        }))
    }

    fn sign(&self, block: &FeedBlock) -> Result<Bytes, FeedEnd> {
        let message = message::seal(&self.key, block)?;
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(FeedEnd::TooLong(message.len()));
        }
        let mut signed = self.signed.lock();
        signed.insert(block.number, (block.hash, message.clone()));
        while signed.len() > KEPT {
            signed.pop_first();
        }
        Ok(message)
    }
}

/// Number of the block where a follower wants to begin.
fn start(query: &str) -> Option<u64> {
    let mut pairs = query.split('&');
    pairs.find_map(|pair| pair.strip_prefix("from=")?.parse().ok())
}

/// Reads what the feed says of a block.
fn read(
    snapshot: &Snapshot,
    header: &trestle_protocol::SealedHeader,
) -> Result<FeedBlock, StoreError> {
    let number = header.header.number;
    let body = snapshot.transactions(number)?;
    let body = body.ok_or(StoreError::UnknownBlock { number })?;
    let user = body.transactions.iter().filter(|tx| !tx.is_deposit());
    Ok(FeedBlock {
        number,
        parent_hash: header.header.parent_hash,
        hash: header.hash,
        timestamp: header.header.timestamp,
        deposit_from: body.deposits.start,
        deposit_to: body.deposits.end,
        transactions: user.map(|tx| tx.encoded_2718().into()).collect(),
    })
}
