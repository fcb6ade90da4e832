//! A subscription to new L1 heads, which only makes the reader look sooner.
//!
//! What the subscription says is not used: the reader polls the HTTP endpoint, proves what it gets,
//! and would go on without any of this.

use alloy::{
    providers::{Provider, ProviderBuilder, WsConnect},
    transports::TransportError,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Pause before a lost connection is tried again, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Notifies `wake` at every new head that the WebSocket endpoint at `url` announces. Never returns; a
/// lost connection is made again.
pub async fn wake_at_heads(url: String, wake: Arc<Notify>) {
    let mut pause = RETRY.0;
    loop {
        match follow(&url, &wake).await {
            Ok(()) => pause = RETRY.0,
            // The URL may carry a key, and so may the error's text.
            Err(_) => {
                tracing::warn!(retry_in = ?pause, "no subscription to l1 heads, polling only")
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY.1);
    }
}

async fn follow(url: &str, wake: &Notify) -> Result<(), TransportError> {
    let provider = ProviderBuilder::new()
        .connect_ws(WsConnect::new(url))
        .await?;
    let mut heads = provider.subscribe_blocks().await?;
    while heads.recv().await.is_ok() {
        wake.notify_one();
    }
    Ok(())
}
