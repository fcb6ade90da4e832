//! The chain's newest block, as clients with a WebSocket learn of it.

use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use eyre::{WrapErr, eyre};
use futures::StreamExt;
use tokio::{sync::watch, task::AbortHandle};

/// Tells of each new block; cloned for each batch that waits.
#[derive(Debug, Clone)]
pub(crate) struct Heads(watch::Receiver<u64>);

/// Ends the subscription when it is dropped.
#[derive(Debug)]
pub(crate) struct Subscription(AbortHandle);

impl Heads {
    /// Subscribes to `newHeads` of the node at `url`, an HTTP URL whose port speaks WebSocket as well.
    ///
    /// # Errors
    /// When the node refuses.
    pub(crate) async fn subscribe(url: &str) -> eyre::Result<(Self, Subscription)> {
        let url = url.replacen("http", "ws", 1);
        let node = ProviderBuilder::new()
            .connect_ws(WsConnect::new(url))
            .await?;
        let mut blocks = node.subscribe_blocks().await?.into_stream();
        let (tell, heads) = watch::channel(0);
        let task = tokio::spawn(async move {
            let _open = node;
            while let Some(block) = blocks.next().await {
                tell.send_replace(block.number);
            }
        });
        Ok((Self(heads), Subscription(task.abort_handle())))
    }

    /// Forgets the blocks that there are.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }

    /// Waits for a block that was not there at the last call.
    ///
    /// # Errors
    /// When the subscription has ended.
    pub(crate) async fn next(&mut self) -> eyre::Result<()> {
        let changed = self.0.changed().await;
        changed.wrap_err_with(|| eyre!("the subscription to blocks ended"))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.abort();
    }
}
