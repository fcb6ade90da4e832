//! A log that cannot be written.

use crate::support::{Chain, ChainOptions, Node, NodeOptions};

/// Every line of the log fails, as on a full disk, or where the collector behind a pipe has died.
#[tokio::test]
async fn node_whose_log_takes_nothing_goes_on() {
    let chain = Chain::new(ChainOptions::default()).await;
    let options = NodeOptions {
        log: "/dev/full".into(),
        ..chain.sequencer()
    };
    let node = Node::try_start(options).await.unwrap();
    chain.funded_user(0, &node.rpc).await;
    node.safe_at(1).await;
    node.stop().await;
}
