//! Subscriptions over WebSocket: `eth_subscribe` for new heads, logs, pending transactions and
//! syncing, `trestle_subscribe` for the stages of a transaction and the heads.
//!
//! A client that falls behind loses its connection, not the node its memory: notifications wait in a
//! bounded buffer, and the socket's writes have a time limit.

use std::sync::Arc;

use alloy::rpc::types::{Filter, pubsub::SubscriptionKind};
use alloy_primitives::B256;
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionSink,
    core::SubscriptionError,
    server::RegisterMethodError,
    types::{ErrorObjectOwned, Params},
};
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use trestle_protocol::SealedBlock;

use super::{
    RpcError,
    args::Args,
    context::Context,
    context::SettledHeads,
    follow::ChainEvent,
    logs::LogQuery,
    methods::{
        stages::{TransactionStatus, of_transaction},
        trestle::{Heads, all_heads},
    },
    wire::{self, RpcTransaction},
};
use crate::mempool::PooledTransaction;

/// What a subscription delivers.
#[derive(Debug)]
enum Topic {
    Heads,
    Logs(Box<Filter>),
    Pending { full: bool },
    Syncing,
}

impl Topic {
    fn read(params: &Params<'_>) -> Result<Self, RpcError> {
        let mut args = Args::new(params)?;
        let topic = match args.required()? {
            SubscriptionKind::NewHeads => Self::Heads,
            SubscriptionKind::Logs => Self::Logs(args.optional()?.unwrap_or_default()),
            SubscriptionKind::NewPendingTransactions => Self::Pending {
                full: args.optional()?.unwrap_or(false),
            },
            SubscriptionKind::Syncing => Self::Syncing,
            SubscriptionKind::TransactionReceipts => {
                let unknown = "no \"transactionReceipts\" subscription in eth namespace";
                return Err(RpcError::params(unknown));
            }
        };
        // Some clients send an empty object or null after any kind.
        Ok(topic)
    }
}

/// Registers `eth_subscribe`, `trestle_subscribe` and what ends them.
pub(super) fn register(module: &mut RpcModule<Arc<Context>>) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, context, _| async move { subscribe(&params, pending, &context).await },
    )?;
    module.register_subscription(
        "trestle_subscribe",
        "trestle_subscription",
        "trestle_unsubscribe",
        |params, pending, context, _| async move { watch(&params, pending, &context).await },
    )?;
    Ok(())
}

async fn subscribe(
    params: &Params<'static>,
    pending: PendingSubscriptionSink,
    context: &Arc<Context>,
) -> Result<(), SubscriptionError> {
    let topic = match Topic::read(params) {
        Ok(topic) => topic,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return Ok(());
        }
    };
    // Listening begins before the client knows its subscription, so nothing falls between.
    let (events, arrivals) = (context.events.subscribe(), context.pool.subscribe());
    let sink = Outlet {
        sink: pending.accept().await?,
        patience: context.limits.write_stall,
    };
    match topic {
        Topic::Heads => follow_chain(events, &sink, heads).await,
        Topic::Logs(filter) => {
            follow_chain(events, &sink, |event| {
                new_logs(event, &LogQuery::new(&filter))
            })
            .await;
        }
        Topic::Pending { full } => follow_pool(arrivals, &sink, full).await,
        Topic::Syncing => {
            if sink.send(&false).await {
                sink.sink.closed().await;
            }
        }
    }
    Ok(())
}

/// What `trestle_subscribe` delivers.
#[derive(Debug)]
enum Watched {
    /// Every stage of a transaction, until it is final or dropped.
    Transaction(B256),
    /// The unsafe, safe and finalized heads as they move.
    Heads,
}

impl Watched {
    fn read(params: &Params<'_>) -> Result<Self, RpcError> {
        let mut args = Args::new(params)?;
        let kind: String = args.required()?;
        match kind.as_str() {
            "transactionStatus" => Ok(Self::Transaction(args.required()?)),
            "heads" => Ok(Self::Heads),
            other => Err(RpcError::params(format!(
                "no \"{other}\" subscription in trestle namespace"
            ))),
        }
    }

    async fn look(&self, context: &Context) -> Result<Seen, RpcError> {
        match self {
            Self::Transaction(hash) => of_transaction(context, hash).await.map(Seen::Transaction),
            Self::Heads => all_heads(context).map(Seen::Heads),
        }
    }
}

/// What a subscription of `trestle_subscribe` delivers.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Seen {
    Transaction(Option<TransactionStatus>),
    Heads(Heads),
}

impl Seen {
    /// Whether nothing more can come.
    fn is_last(&self) -> bool {
        matches!(self, Self::Transaction(Some(status)) if status.is_settled())
    }
}

async fn watch(
    params: &Params<'static>,
    pending: PendingSubscriptionSink,
    context: &Arc<Context>,
) -> Result<(), SubscriptionError> {
    let watched = match Watched::read(params) {
        Ok(watched) => watched,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return Ok(());
        }
    };
    let mut changes = Changes {
        events: context.events.subscribe(),
        settled: context.settled.clone(),
        pause: std::time::Duration::ZERO,
    };
    let sink = Outlet {
        sink: pending.accept().await?,
        patience: context.limits.write_stall,
    };
    if context.forward.is_some() && matches!(watched, Watched::Transaction(_)) {
        changes.pause = BETWEEN_QUESTIONS;
    }
    send_changes(changes, &sink, &watched, context).await;
    Ok(())
}

/// Time between two questions of a replica to the sequencer for one subscriber.
const BETWEEN_QUESTIONS: std::time::Duration = std::time::Duration::from_secs(1);

/// Everything that may change a stage or a head.
struct Changes {
    events: Receiver<ChainEvent>,
    settled: tokio::sync::watch::Receiver<SettledHeads>,
    /// Shortest time between two looks.
    pause: std::time::Duration,
}

impl Changes {
    /// Waits for a change; at the latest a second, for the pool drops transactions silently.
    /// `false` if there will be none.
    async fn next(&mut self) -> bool {
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        tokio::select! {
            event = self.events.recv() => !matches!(event, Err(RecvError::Closed)),
            settled = self.settled.changed() => settled.is_ok(),
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => true,
        }
    }
}

/// Sends what is watched, and again whenever that differs, until it is settled or the subscriber goes.
async fn send_changes(mut changes: Changes, sink: &Outlet, watched: &Watched, context: &Context) {
    let mut sent = None;
    loop {
        match watched.look(context).await {
            Ok(seen) if sent.as_ref() != Some(&seen) => {
                if !sink.send(&seen).await || seen.is_last() {
                    return;
                }
                sent = Some(seen);
            }
            Ok(_) => {}
            // The sequencer does not answer; it will again.
            Err(_) if context.forward.is_some() => {}
            Err(_) => return,
        }
        tokio::select! {
            () = sink.sink.closed() => return,
            goes_on = changes.next() => if !goes_on { return },
        }
    }
}

/// The way to one subscriber.
struct Outlet {
    sink: SubscriptionSink,
    patience: std::time::Duration,
}

impl Outlet {
    /// Sends one notification; `false` if the subscriber is gone or too slow.
    async fn send(&self, value: &impl Serialize) -> bool {
        let Ok(json) = serde_json::value::to_raw_value(value) else {
            return false;
        };
        self.sink.send_timeout(json, self.patience).await.is_ok()
    }
}

fn heads(event: &ChainEvent) -> Vec<alloy::rpc::types::Header> {
    match event {
        ChainEvent::Added(block) => vec![wire::header(block)],
        ChainEvent::Removed(_) => Vec::new(),
    }
}

fn new_logs(event: &ChainEvent, query: &LogQuery<'_>) -> Vec<alloy::rpc::types::Log> {
    let of = |block: &SealedBlock, removed| wire::logs(block, removed, |log| query.wants(log));
    match event {
        ChainEvent::Added(block) => of(block, false),
        ChainEvent::Removed(block) => {
            let mut logs = of(block, true);
            logs.reverse();
            logs
        }
    }
}

async fn follow_chain<T: Serialize>(
    mut events: Receiver<ChainEvent>,
    sink: &Outlet,
    notifications: impl Fn(&ChainEvent) -> Vec<T>,
) {
    loop {
        let event = tokio::select! {
            () = sink.sink.closed() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(event) => {
                for notification in notifications(&event) {
                    if !sink.send(&notification).await {
                        return;
                    }
                }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::debug!(missed, "subscriber is too slow, dropped");
                return;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn follow_pool(mut arrivals: Receiver<Arc<PooledTransaction>>, sink: &Outlet, full: bool) {
    loop {
        let arrival = tokio::select! {
            () = sink.sink.closed() => return,
            arrival = arrivals.recv() => arrival,
        };
        let is_sent = match arrival {
            Ok(tx) if full => sink.send(&RpcTransaction::waiting(&tx)).await,
            Ok(tx) => sink.send(&tx.hash()).await,
            // Pending transactions are a courtesy; missing some is no reason to leave.
            Err(RecvError::Lagged(_)) => true,
            Err(RecvError::Closed) => return,
        };
        if !is_sent {
            return;
        }
    }
}
