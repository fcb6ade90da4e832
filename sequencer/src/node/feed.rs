//! What a replica has of its sequencer: the block feed that it follows, and where it hands transactions.

use super::{Forwarder, Role};
use crate::{
    engine::EngineHandle,
    feed::{Authority, FeedFollower},
    l1::L1Client,
    rpc::Forward,
    store::Store,
};
use std::sync::Arc;
use tokio::task::JoinHandle;
use trestle_protocol::ChainConfig;

/// Starts to follow the sequencer's feed, on a replica that is told to.
pub(super) fn follow(
    role: &Role,
    chain: &Arc<ChainConfig>,
    store: &Arc<Store>,
    engine: &EngineHandle,
    l1: L1Client,
) -> Option<JoinHandle<()>> {
    let Role::Replica {
        feed: Some(source), ..
    } = role
    else {
        return None;
    };
    let inlet = engine.inlet.clone()?;
    let authority = source
        .signer
        .map_or_else(|| Authority::Batcher(l1), Authority::Account);
    let (url, chain) = (source.url.clone(), Arc::clone(chain));
    let follower = FeedFollower::new(url, authority, chain, store, inlet);
    Some(tokio::spawn(follower.run()))
}

/// Where a replica hands its transactions.
pub(super) fn forwarder(role: &Role) -> Option<Arc<dyn Forward>> {
    match role {
        Role::Replica {
            sequencer: Some(url),
            ..
        } => Some(Arc::new(Forwarder::new(url.clone()))),
        Role::Replica {
            sequencer: None, ..
        }
        | Role::Sequencer(_) => None,
    }
}
