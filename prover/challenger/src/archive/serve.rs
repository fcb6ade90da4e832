//! The archive's HTTP: the part of the beacon API that serves blobs, and what is missing.
//!
//! | path | answer |
//! |---|---|
//! | `/eth/v1/beacon/blobs/{id}?versioned_hashes=…` | these blobs, whatever the id; without hashes all of the chain's in that block |
//! | `/eth/v1/beacon/genesis`, `/eth/v1/config/spec` | as the beacon endpoint that it was filled from; 404 where that counts by execution number |
//! | `/eth/v1/node/version` | this program |
//! | `/trestle/v1/missing` | blobs that should be here and are not |

use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use axum::{
    Router,
    extract::{Path, RawQuery, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use trestle_sequencer::l1::BeaconIds;

use super::{ArchiveError, ArchiveStatus, Shelf};

/// Blobs in one answer, at most.
const BLOBS: usize = 32;
/// Requests for blobs that are answered at once; others wait. Each holds its answer in memory, 12 MB at most.
const AT_ONCE: usize = 4;

#[derive(Debug)]
struct Server {
    shelf: Arc<Shelf>,
    status: watch::Receiver<ArchiveStatus>,
    permits: Semaphore,
}

/// Routes that serve what is on the shelf.
pub fn routes(shelf: Arc<Shelf>, status: watch::Receiver<ArchiveStatus>) -> Router {
    let server = Server {
        shelf,
        status,
        permits: Semaphore::new(AT_ONCE),
    };
    Router::new()
        .route("/eth/v1/beacon/blobs/{id}", get(blobs))
        .route("/eth/v1/beacon/genesis", get(genesis))
        .route("/eth/v1/config/spec", get(spec))
        .route("/eth/v1/node/version", get(version))
        .route("/trestle/v1/missing", get(missing))
        .with_state(Arc::new(server))
}

/// An error as the beacon API writes it.
fn refusal(code: StatusCode, message: &str) -> Response {
    let body = json!({ "code": code.as_u16(), "message": message });
    (code, axum::Json(body)).into_response()
}

fn data(data: Value) -> Response {
    axum::Json(json!({ "data": data })).into_response()
}

async fn version() -> Response {
    let version = concat!("trestle-archive/", env!("CARGO_PKG_VERSION"));
    data(json!({ "version": version }))
}

async fn missing(State(server): State<Arc<Server>>) -> Response {
    data(json!(server.shelf.missing()))
}

async fn genesis(State(server): State<Arc<Server>>) -> Response {
    match server.slots() {
        Some((genesis, _)) => data(json!({ "genesis_time": genesis.to_string() })),
        None => refusal(
            StatusCode::NOT_FOUND,
            "blocks are named by execution number",
        ),
    }
}

async fn spec(State(server): State<Arc<Server>>) -> Response {
    match server.slots() {
        Some((_, seconds)) => data(json!({
            "SECONDS_PER_SLOT": seconds.to_string(),
            "SLOT_DURATION_MS": seconds.saturating_mul(1_000).to_string(),
        })),
        None => refusal(
            StatusCode::NOT_FOUND,
            "blocks are named by execution number",
        ),
    }
}

async fn blobs(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(id) = id.parse::<u64>() else {
        return refusal(StatusCode::BAD_REQUEST, "the block id is no number");
    };
    let Some(asked) = hashes_in(query.as_deref().unwrap_or_default()) else {
        return refusal(StatusCode::BAD_REQUEST, "no versioned hash of 32 bytes");
    };
    if asked.len() > BLOBS {
        return refusal(StatusCode::BAD_REQUEST, "too many versioned hashes");
    }
    // Nobody closes the semaphore; without a permit the request would just not be counted.
    let _permit = server.permits.acquire().await;
    let worker = Arc::clone(&server);
    let read = tokio::task::spawn_blocking(move || worker.read(id, asked)).await;
    match read {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

/// The hashes that a query names; `None` when one is none.
fn hashes_in(query: &str) -> Option<Vec<B256>> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(|(key, _)| *key == "versioned_hashes");
    values
        .flat_map(|(_, value)| value.split("%2C").flat_map(|part| part.split(',')))
        .map(|text| text.parse().ok())
        .collect()
}

impl Server {
    fn slots(&self) -> Option<(u64, u64)> {
        match self.status.borrow().ids {
            Some(BeaconIds::Slots {
                genesis_time,
                seconds_per_slot,
            }) => Some((genesis_time, seconds_per_slot)),
            Some(BeaconIds::ExecutionNumbers) | None => None,
        }
    }

    /// The answer to a request; CPU and disk.
    fn read(&self, id: u64, asked: Vec<B256>) -> Result<Response, ArchiveError> {
        let hashes = match asked.is_empty() {
            false => asked,
            true => match self.slots() {
                Some((genesis, seconds)) => {
                    let time = id.saturating_mul(seconds).saturating_add(genesis);
                    self.shelf.hashes_at(time)?
                }
                None => self.shelf.hashes_of(id)?,
            },
        };
        let mut found = Vec::new();
        let mut lost = Vec::new();
        for hash in hashes.into_iter().take(BLOBS) {
            match self.shelf.get(hash) {
                Ok(Some(blob)) => found.push(blob),
                Ok(None) | Err(ArchiveError::Damaged(_)) => lost.push(hash.to_string()),
                Err(error) => return Err(error),
            }
        }
        if found.is_empty() || !lost.is_empty() {
            let message = match lost.is_empty() {
                true => format!("no blobs of block {id} are kept here"),
                false => format!("not kept here: {}", lost.join(", ")),
            };
            return Ok(refusal(StatusCode::NOT_FOUND, &message));
        }
        Ok(answer(&found))
    }
}

fn answer(blobs: &[Bytes]) -> Response {
    let blobs: Vec<String> = blobs.iter().map(ToString::to_string).collect();
    let body = json!({ "execution_optimistic": false, "finalized": false, "data": blobs });
    ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_from_repeated_and_from_joined_parameters() {
        let (one, two) = (B256::repeat_byte(1), B256::repeat_byte(2));
        for query in [
            format!("versioned_hashes={one}&versioned_hashes={two}"),
            format!("versioned_hashes={one},{two}"),
            format!("x=1&versioned_hashes={one}%2C{two}"),
        ] {
            assert_eq!(hashes_in(&query).unwrap(), [one, two]);
        }
        assert!(hashes_in("").unwrap().is_empty());
        assert!(hashes_in("versioned_hashes=0x12").is_none());
        assert!(hashes_in("versioned_hashes=").is_none());
    }
}
