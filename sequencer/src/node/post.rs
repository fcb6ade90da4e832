//! Starts the batcher with its L1 sender.

use super::{BACKOFF_MAX, NodeConfig, POLL_MAX, POLL_MIN, SequencerConfig, SettingsError, balance};
use crate::{
    batcher::{Batcher, BatcherConfig, BatcherStatus, StoreSource},
    engine::EngineHandle,
    l1::{ContractReader, L1Client, L1Sender, L1Signer, L1View, SenderConfig, SenderStatus},
    store::{Mark, SentTransactions, Store},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};
use trestle_contracts::bindings::inbox::Inbox::forcedInclusionDelayCall;
use trestle_protocol::ChainConfig;

/// A batcher that runs.
pub(super) struct Started {
    pub(super) tasks: [JoinHandle<()>; 3],
    pub(super) status: watch::Receiver<BatcherStatus>,
    pub(super) sender: watch::Receiver<SenderStatus>,
}

/// Starts the batcher, its sender, and who watches the account's balance.
///
/// # Errors
/// [`SettingsError::L1`] when the Inbox cannot be read.
pub(super) async fn start(
    config: &NodeConfig,
    (role, signer): (&SequencerConfig, L1Signer),
    (chain, store): (Arc<ChainConfig>, Arc<Store>),
    client: &L1Client,
    (engine, view): (&EngineHandle, &watch::Receiver<L1View>),
) -> Result<Started, SettingsError> {
    let batcher = BatcherConfig {
        chain: chain.as_ref().clone(),
        close: role.close,
        kinds: role.kinds,
        forced_delay: Some(forced_delay(client, &chain).await?),
        poll: (config.l1_block_time / 10).clamp(POLL_MIN, POLL_MAX),
        backoff_max: BACKOFF_MAX,
    };
    let mut settings = SenderConfig::for_block_time(chain.l1_chain_id, config.l1_block_time);
    settings.max_per_day = role.max_l1_spend;
    let source = StoreSource::new(chain, Arc::clone(&store), engine.tip.clone());
    let journal = SentTransactions::new(store, Mark::BatcherSent)
        .with_blobs(Mark::BatcherBlobs)
        .with_spending(Mark::BatcherSpent);
    let (sender, handle) = L1Sender::new(client.clone(), signer, Arc::new(journal), settings);
    let (status, account) = (handle.status(), handle.account());
    let watching = balance::watch(client.clone(), account, config.l1_block_time);
    let (batcher, of_batcher) = Batcher::new(batcher, Arc::new(source), handle, view.clone());
    // The sender logs and publishes why it ends; the batcher sees that it did.
    let tasks = [
        tokio::spawn(watching),
        tokio::spawn(async move { drop(sender.run().await) }),
        tokio::spawn(batcher.run()),
    ];
    Ok(Started {
        tasks,
        status: of_batcher,
        sender: status,
    })
}

/// Time after which the Inbox lets anyone force a queue entry in.
async fn forced_delay(client: &L1Client, chain: &ChainConfig) -> Result<Duration, SettingsError> {
    let l1 = ContractReader::new(client.clone());
    let seconds = l1.read(chain.inbox, &forcedInclusionDelayCall {}).await?;
    Ok(Duration::from_secs(seconds))
}
