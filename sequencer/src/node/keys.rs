//! The keys that a node signs with, opened before anything runs.

use super::{Accounts, NodeConfig, NodeError, Role};
use crate::l1::{KeySource, L1Signer, load_signer};

/// The keys of a node.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) batcher: Option<L1Signer>,
    pub(super) feed: Option<L1Signer>,
    pub(super) proposer: Option<L1Signer>,
}

impl Keys {
    pub(super) fn load(config: &NodeConfig) -> Result<Self, NodeError> {
        let load = |key: Option<&KeySource>| key.map(load_signer).transpose();
        let proposer = load(config.proposer.as_ref().map(|role| &role.key))?;
        let Role::Sequencer(sequencer) = &config.role else {
            return Ok(Self {
                proposer,
                ..Self::default()
            });
        };
        let batcher = load(sequencer.batcher_key.as_ref())?;
        // A remote signer signs transactions only.
        let for_feed = batcher.clone().filter(|signer| !signer.is_remote());
        let feed = load(sequencer.feed_key.as_ref())?.or(for_feed);
        Ok(Self {
            batcher,
            feed,
            proposer,
        })
    }

    pub(super) fn accounts(&self) -> Accounts {
        Accounts {
            batcher: self.batcher.as_ref().map(L1Signer::address),
            proposer: self.proposer.as_ref().map(L1Signer::address),
        }
    }
}
