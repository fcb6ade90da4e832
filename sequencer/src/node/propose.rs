//! Starts the proposer with its L1 sender.

use super::{BACKOFF_MAX, NodeConfig, POLL_MIN, ProposerRole};
use crate::{
    engine::EngineHandle,
    l1::{L1Client, L1Sender, L1Signer, L1View, SenderConfig, SenderStatus},
    proposer::{Proposer, ProposerConfig, StoreProposals},
    store::{Mark, SentTransactions, Store},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// Starts the proposer and its L1 sender.
pub(super) fn start(
    config: &NodeConfig,
    (role, signer): (&ProposerRole, L1Signer),
    store: &Arc<Store>,
    client: &L1Client,
    (engine, view): (&EngineHandle, &watch::Receiver<L1View>),
) -> ([JoinHandle<()>; 2], watch::Receiver<SenderStatus>) {
    let settings = SenderConfig::for_block_time(config.chain.l1_chain_id, config.l1_block_time);
    let journal = SentTransactions::new(Arc::clone(store), Mark::ProposerSent);
    let (sender, handle) = L1Sender::new(client.clone(), signer, Arc::new(journal), settings);
    let status = handle.status();
    let source = StoreProposals::new(Arc::clone(store), engine.tip.clone(), engine.heads.clone());
    let settings = ProposerConfig {
        factory: role.factory,
        registry: role.registry,
        game_type: role.game_type,
        interval: role.interval,
        poll: config
            .l1_block_time
            .clamp(POLL_MIN, Duration::from_secs(12)),
        backoff_max: BACKOFF_MAX,
    };
    let (proposer, _status) = Proposer::new(
        settings,
        Arc::new(source),
        handle,
        client.clone(),
        view.clone(),
    );
    // The sender logs and publishes why it ends; the proposer sees that it did.
    let tasks = [
        tokio::spawn(async move { drop(sender.run().await) }),
        tokio::spawn(proposer.run()),
    ];
    (tasks, status)
}
