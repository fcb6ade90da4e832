//! `/livez` and `/readyz` of the roles that are no node: challenger and archive.

use std::sync::Arc;

pub use axum::Router;
use axum::{http::StatusCode, routing::get};

/// Says whether the role does its work, or why not.
pub type Ready = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// The two routes.
pub fn routes(ready: Ready) -> Router {
    let readyz = move || {
        let answer = match ready() {
            Ok(()) => (StatusCode::OK, "ok".to_owned()),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
        };
        async { answer }
    };
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
}
