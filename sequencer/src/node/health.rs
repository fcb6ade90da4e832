//! `GET /livez` and `GET /readyz`: whether the process works, and whether it follows L1.

use crate::{l1::L1View, store::Store};
use axum::{Router, http::StatusCode, routing::get};
use std::sync::Arc;
use tokio::sync::watch;

/// Routes beside JSON-RPC.
pub(super) fn routes(store: &Arc<Store>, l1: watch::Receiver<L1View>) -> Router {
    let live = Arc::downgrade(store);
    let ready = Arc::downgrade(store);
    Router::new()
        .route(
            "/livez",
            get(move || async move { answer(live.upgrade().is_some(), "stopping") }),
        )
        .route(
            "/readyz",
            get(move || async move {
                let disk = ready.upgrade().is_some_and(|store| store.check().is_ok());
                let (is_live, is_halted) = {
                    let l1 = l1.borrow();
                    (l1.is_live && l1.fault.is_none(), l1.is_halted)
                };
                match (disk, is_live, is_halted) {
                    (false, ..) => answer(false, "disk refuses"),
                    (_, _, true) => answer(false, "L1 reader halted"),
                    (_, false, _) => answer(false, "L1 not reached"),
                    _ => answer(true, ""),
                }
            }),
        )
}

fn answer(is_well: bool, reason: &'static str) -> (StatusCode, &'static str) {
    if is_well {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, reason)
    }
}
