//! `GET /livez` and `GET /readyz`: whether the process works, and whether it does what it is for.

use crate::{
    l1::{L1View, SenderStatus},
    store::Store,
};
use axum::{Router, http::StatusCode, routing::get};
use std::sync::{Arc, Weak};
use tokio::sync::watch;

/// What has to be in order for a node to be ready.
#[derive(Debug, Clone)]
pub(super) struct Readiness {
    store: Weak<Store>,
    l1: watch::Receiver<L1View>,
    /// Who sends to L1, by name.
    senders: Arc<[(&'static str, watch::Receiver<SenderStatus>)]>,
}

impl Readiness {
    pub(super) fn new(
        store: &Arc<Store>,
        l1: watch::Receiver<L1View>,
        senders: Vec<(&'static str, watch::Receiver<SenderStatus>)>,
    ) -> Self {
        Self {
            store: Arc::downgrade(store),
            l1,
            senders: senders.into(),
        }
    }

    /// Whether the process works at all.
    fn live(&self) -> Result<(), &'static str> {
        match self.store.strong_count() {
            0 => Err("stopping"),
            _ => Ok(()),
        }
    }

    /// Whether the disk takes blocks, L1 is followed, and what has to be sent there is sent.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self
            .store
            .upgrade()
            .is_none_or(|store| store.check().is_err())
        {
            return Err("disk refuses");
        }
        self.check_l1()?;
        let ended = self.senders.iter().find(|(_, status)| has_ended(status));
        match ended {
            Some((name, _)) if *name == "batcher" => Err("L1 sender of the batcher has ended"),
            Some(_) => Err("L1 sender of the proposer has ended"),
            None => Ok(()),
        }
    }

    fn check_l1(&self) -> Result<(), &'static str> {
        let l1 = self.l1.borrow();
        match (l1.is_halted, l1.is_live && l1.fault.is_none()) {
            (true, _) => Err("L1 reader halted"),
            (_, false) => Err("L1 not reached"),
            _ => Ok(()),
        }
    }
}

/// Whether a sender gave up, or is gone.
fn has_ended(status: &watch::Receiver<SenderStatus>) -> bool {
    status.has_changed().is_err() || status.borrow().is_halted
}

/// Routes beside JSON-RPC.
pub(super) fn routes(readiness: Readiness) -> Router {
    let live = readiness.clone();
    Router::new()
        .route("/livez", get(move || async move { answer(live.live()) }))
        .route(
            "/readyz",
            get(move || async move { answer(readiness.check()) }),
        )
}

const fn answer(state: Result<(), &'static str>) -> (StatusCode, &'static str) {
    match state {
        Ok(()) => (StatusCode::OK, "ok"),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::chain::{Chain, config};

    #[tokio::test]
    async fn node_is_not_ready_once_its_l1_sender_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let chain = Chain::new();
        let store = Arc::new(Store::open(config(dir.path(), chain.genesis())).unwrap());
        let view = L1View {
            is_live: true,
            ..L1View::default()
        };
        let (_l1, l1) = watch::channel(view);
        let (batcher, status) = watch::channel(SenderStatus::default());
        let (proposer, other) = watch::channel(SenderStatus::default());
        let senders = vec![("batcher", status), ("proposer", other)];
        let readiness = Readiness::new(&store, l1, senders);
        assert_eq!(readiness.check(), Ok(()));
        drop(proposer);
        assert_eq!(
            readiness.check(),
            Err("L1 sender of the proposer has ended"),
            "its task is gone"
        );
        batcher.send_modify(|status| status.is_halted = true);
        assert_eq!(
            readiness.check(),
            Err("L1 sender of the batcher has ended"),
            "it gave up"
        );
        drop(store);
        assert_eq!(readiness.check(), Err("disk refuses"));
    }
}
