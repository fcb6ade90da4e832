//! Follows the durable head and announces blocks that come and blocks that go.
//!
//! One task watches the store. A block is announced once it is durable; after an unwind the blocks
//! that went are announced first, newest first, then those that took their place.

use std::sync::{Arc, Weak};

use tokio::sync::watch;
use trestle_protocol::SealedBlock;

use super::{RpcError, context::Context};
use crate::store::BlockRef;

/// A change of the chain that clients may see.
#[derive(Debug, Clone)]
pub(super) enum ChainEvent {
    /// A block became the head.
    Added(Arc<SealedBlock>),
    /// A block, the head until now, is no longer part of the chain.
    Removed(Arc<SealedBlock>),
}

/// Announces changes until the store closes or nobody holds the context any more.
pub(super) async fn follow(context: Weak<Context>, mut head: watch::Receiver<BlockRef>) {
    let mut last = *head.borrow_and_update();
    while head.changed().await.is_ok() {
        let Some(context) = context.upgrade() else {
            return;
        };
        head.borrow_and_update();
        match announce(&context, last) {
            Ok(reached) => last = reached,
            Err(error) => tracing::error!(%error, "cannot announce new blocks"),
        }
    }
}

/// Announces how the chain got from `last` to its durable head; gives that head.
fn announce(context: &Context, last: BlockRef) -> Result<BlockRef, RpcError> {
    let snapshot = context.snapshot()?;
    let head = snapshot.head();
    let (gone, base) = context.fork_point(&snapshot, last)?;
    for block in gone {
        let _ = context.events.send(ChainEvent::Removed(block));
    }
    for number in base.number.saturating_add(1)..=head.number {
        let Some(block) = context.block(&snapshot, number)? else {
            break;
        };
        context.blocks.insert(block.clone());
        let _ = context.events.send(ChainEvent::Added(block));
    }
    Ok(head)
}
