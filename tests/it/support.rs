//! What the tests share: an L1 with a deployed chain, nodes as processes, and users.

pub(crate) mod archive;
pub(crate) mod chain;
pub(crate) mod json;
pub(crate) mod ledger;
pub(crate) mod node;
pub(crate) mod power;
pub(crate) mod supply;
pub(crate) mod user;

pub(crate) use chain::{Chain, ChainOptions};
pub(crate) use json::Rpc;
pub(crate) use ledger::Ledger;
pub(crate) use node::{Node, NodeOptions};
pub(crate) use power::Desk;
pub(crate) use user::User;

use std::{future::Future, time::Duration};

/// Time between two looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until `look` gives something.
///
/// # Panics
/// After `seconds`, naming `what`.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    seconds: u64,
    mut look: impl FnMut() -> F,
) -> T {
    let limit = std::time::Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            std::time::Instant::now() < limit,
            "not within {seconds} s: {what}"
        );
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
