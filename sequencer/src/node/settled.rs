//! The engine's heads as users may be told them: only once the blocks they name are on disk.
//!
//! The engine knows that a batch is on L1 before the blocks it derived from it are durable; until
//! then nobody can read them here, so nobody is told of the batch.

use crate::{
    engine::Heads,
    rpc::SettledHeads,
    store::{Store, StoreError},
};
use std::sync::Arc;
use tokio::{sync::watch, task::JoinHandle};

/// How far the chain is settled, never ahead of what is on disk; and the task that keeps it so.
pub(super) fn durable_heads(
    engine: watch::Receiver<Heads>,
    store: Arc<Store>,
) -> (watch::Receiver<Heads>, JoinHandle<()>) {
    let (to, told) = watch::channel(*engine.borrow());
    (told, tokio::spawn(forward(engine, store, to)))
}

async fn forward(mut engine: watch::Receiver<Heads>, store: Arc<Store>, to: watch::Sender<Heads>) {
    let mut disk = store.durable_head();
    loop {
        disk.mark_unchanged();
        let now = *engine.borrow_and_update();
        let is_told = *to.borrow() == now;
        if !is_told && is_on_disk(&store, &now) {
            to.send_replace(now);
            continue;
        }
        let changed = tokio::select! {
            changed = engine.changed() => changed,
            changed = disk.changed(), if !is_told => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

fn is_on_disk(store: &Store, heads: &Heads) -> bool {
    let read = || -> Result<bool, StoreError> {
        Ok(store.durable()?.number(&heads.safe.hash)? == Some(heads.safe.number))
    };
    read().unwrap_or_else(|error| {
        tracing::error!(%error, "settled heads are not told: the store cannot be read");
        false
    })
}

/// The heads as the RPC wants them.
pub(super) fn settled_heads(
    mut heads: watch::Receiver<Heads>,
) -> (watch::Receiver<SettledHeads>, JoinHandle<()>) {
    let of = |heads: &Heads| SettledHeads {
        safe: heads.safe,
        finalized: heads.finalized,
    };
    let (to, settled) = watch::channel(of(&heads.borrow()));
    let task = tokio::spawn(async move {
        while heads.changed().await.is_ok() {
            let now = of(&heads.borrow_and_update());
            to.send_if_modified(|old| {
                let changed = *old != now;
                *old = now;
                changed
            });
        }
    });
    (settled, task)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        BlockRef,
        tests::chain::{Chain, append, config},
    };
    use std::time::Duration;
    use trestle_protocol::SealedBlock;

    fn reference(block: &SealedBlock) -> BlockRef {
        BlockRef {
            number: block.header.header.number,
            hash: block.header.hash,
        }
    }

    /// Runs whatever can run now.
    async fn settle() {
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn safe_head_is_told_once_its_block_is_on_disk() {
        let dir = tempfile::tempdir().unwrap();
        let mut chain = Chain::new();
        let store = Arc::new(Store::open(config(dir.path(), chain.genesis())).unwrap());
        let (to, engine) = watch::channel(Heads {
            safe: reference(chain.genesis()),
            ..Heads::default()
        });
        let (told, task) = durable_heads(engine, Arc::clone(&store));
        let mut told = told;
        for seed in 1..4 {
            let before = *told.borrow_and_update();
            let block = chain.extend(seed);
            let now = Heads {
                safe: reference(&block),
                batches: seed,
                ..Heads::default()
            };
            to.send_replace(now);
            settle().await;
            assert_eq!(*told.borrow(), before, "nobody can read block {seed} yet");
            append(&store, &block).unwrap();
            let limit = tokio::time::timeout(Duration::from_secs(20), told.changed());
            limit.await.unwrap().unwrap();
            assert_eq!(*told.borrow(), now);
        }
        drop(to);
        tokio::time::timeout(Duration::from_secs(20), task)
            .await
            .unwrap()
            .unwrap();
    }
}
