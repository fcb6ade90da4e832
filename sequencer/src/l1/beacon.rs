//! One endpoint of the beacon API: blobs by the block that carried them.
//!
//! What it gives is held against the versioned hash by KZG, so any server may be asked: a beacon node, an archive,
//! anvil. Beacon nodes name blocks by slot, which follows from the time by `/eth/v1/beacon/genesis` and
//! `/eth/v1/config/spec`; an endpoint without the latter (anvil) names them by execution number. The endpoint's URL often
//! carries an API key, so it never appears in an error, a log or `Debug` output.

use super::blobs::{BLOB_BYTES, BlobPlace, is_blob, versioned_hash};
use alloy::{
    primitives::{B256, Bytes, hex},
    transports::http::reqwest::{Client, Response, StatusCode, Url},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// Longest answer that is read, in bytes: the sidecars of a block of 128 blobs.
const ANSWER_MAX: usize = 64 << 20;
/// Longest slot that is believed, in seconds.
const SLOT_MAX: u64 = 3_600;

/// How an endpoint names the block of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BeaconIds {
    /// By slot, as a beacon node does: `(time − genesis) / seconds per slot`.
    Slots {
        /// Time of slot 0, in seconds since 1970.
        genesis_time: u64,
        /// Length of a slot, in seconds, at least 1.
        seconds_per_slot: u64,
    },
    /// By the number of the execution block, as anvil does.
    ExecutionNumbers,
}

impl BeaconIds {
    /// Name of the L1 block at `place`.
    #[must_use]
    pub fn id(&self, place: BlobPlace) -> u64 {
        match self {
            Self::Slots {
                genesis_time,
                seconds_per_slot,
            } => place
                .time
                .saturating_sub(*genesis_time)
                .checked_div(*seconds_per_slot)
                .unwrap_or_default(),
            Self::ExecutionNumbers => place.number,
        }
    }
}

/// Why an endpoint gave no blob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BeaconError {
    /// It could not be reached, or not in time.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// It refused.
    #[error("http status {0}")]
    Status(u16),
    /// Its answer is longer than any answer can be.
    #[error("the answer is longer than {ANSWER_MAX} bytes")]
    TooLong,
    /// Its answer to this path is not of the shape that the path has.
    #[error("malformed answer to {0}")]
    Malformed(&'static str),
    /// It answered, and the blob is not among what it has.
    #[error("has no such blob at block {0}")]
    Missing(u64),
    /// It gave bytes for the blob that do not open its versioned hash.
    #[error("gave another blob in its place at block {0}")]
    Wrong(u64),
    /// The thread that checks blobs died.
    #[error("internal: the check of a blob did not end")]
    Internal,
}

/// A beacon endpoint over HTTP.
#[derive(Clone)]
pub struct BeaconClient {
    http: Client,
    url: Url,
    timeout: Duration,
    ids: Arc<OnceCell<BeaconIds>>,
}

impl fmt::Debug for BeaconClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeaconClient")
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

impl BeaconClient {
    /// A client that gives up on a request after `timeout`. It connects with the first one, and asks then how the
    /// endpoint names blocks.
    #[must_use]
    pub fn new(url: Url, timeout: Duration) -> Self {
        Self {
            http: Client::new(),
            url,
            timeout,
            ids: Arc::default(),
        }
    }

    /// Host and port of the endpoint: what may be shown of its URL.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or("unknown");
        self.url
            .port_or_known_default()
            .map_or_else(|| host.into(), |port| format!("{host}:{port}"))
    }

    /// How the endpoint names blocks; asked for once.
    ///
    /// # Errors
    /// [`BeaconError`] when it does not answer, or nonsense.
    pub async fn ids(&self) -> Result<BeaconIds, BeaconError> {
        self.ids.get_or_try_init(|| self.ask_ids()).await.copied()
    }

    async fn ask_ids(&self) -> Result<BeaconIds, BeaconError> {
        let spec = match self.get(&["config", "spec"], None).await {
            Ok(spec) => spec,
            Err(BeaconError::Status(404 | 405 | 501)) => return Ok(BeaconIds::ExecutionNumbers),
            Err(error) => return Err(error),
        };
        let genesis = self.get(&["beacon", "genesis"], None).await?;
        let seconds = number(&spec, "SECONDS_PER_SLOT")
            .or_else(|| Some(number(&spec, "SLOT_DURATION_MS")? / 1_000))
            .filter(|seconds| (1..=SLOT_MAX).contains(seconds));
        Ok(BeaconIds::Slots {
            seconds_per_slot: seconds.ok_or(BeaconError::Malformed("config/spec"))?,
            genesis_time: number(&genesis, "genesis_time")
                .ok_or(BeaconError::Malformed("beacon/genesis"))?,
        })
    }

    /// The blob with this versioned hash, carried by the L1 block at `place`; it is what the hash names.
    ///
    /// # Errors
    /// [`BeaconError`].
    pub async fn blob(&self, place: BlobPlace, hash: B256) -> Result<Bytes, BeaconError> {
        let id = self.ids().await?.id(place);
        let name = id.to_string();
        let answer = match self.get(&["beacon", "blobs", &name], Some(hash)).await {
            // Older nodes know the blobs of a block by their sidecars only.
            Err(BeaconError::Status(status @ (400 | 404 | 405 | 501))) => self
                .get(&["beacon", "blob_sidecars", &name], None)
                .await
                .map_err(|_| BeaconError::Status(status))?,
            answer => answer?,
        };
        let check = move || pick(&answer, hash, id);
        // A commitment takes some 50 ms, the first one of a process seconds.
        tokio::task::spawn_blocking(check)
            .await
            .map_err(|_| BeaconError::Internal)?
    }

    /// The `data` of an answer.
    async fn get(&self, path: &[&str], hash: Option<B256>) -> Result<Value, BeaconError> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["eth", "v1"]).extend(path);
        }
        if let Some(hash) = hash {
            url.query_pairs_mut()
                .append_pair("versioned_hashes", &hash.to_string());
        }
        let asked = async {
            let response = self.http.get(url).send().await.map_err(unreachable)?;
            match response.status() {
                StatusCode::OK => body(response).await,
                status => Err(BeaconError::Status(status.as_u16())),
            }
        };
        let body = tokio::time::timeout(self.timeout, asked)
            .await
            .map_err(|_| BeaconError::Unreachable("no answer in time".into()))??;
        let mut body: Value =
            serde_json::from_slice(&body).map_err(|_| BeaconError::Malformed("a request"))?;
        body.get_mut("data")
            .map(Value::take)
            .ok_or(BeaconError::Malformed("a request"))
    }
}

fn unreachable(error: alloy::transports::http::reqwest::Error) -> BeaconError {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    BeaconError::Unreachable(cause.unwrap_or_else(|| error.to_string()))
}

async fn body(mut response: Response) -> Result<Vec<u8>, BeaconError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len().saturating_add(chunk.len()) > ANSWER_MAX {
            return Err(BeaconError::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A decimal number in an object of strings, as the beacon API writes numbers.
fn number(object: &Value, field: &str) -> Option<u64> {
    object.get(field)?.as_str()?.parse().ok()
}

/// The blob that `hash` names among those of an answer: strings, or sidecars.
fn pick(data: &Value, hash: B256, id: u64) -> Result<Bytes, BeaconError> {
    let items = data.as_array().ok_or(BeaconError::Malformed("blobs"))?;
    let mut is_wrong = false;
    for item in items {
        let commitment = item.get("kzg_commitment").and_then(Value::as_str);
        let commitment = commitment.and_then(|text| hex::decode_to_array::<_, 48>(text).ok());
        if commitment.is_some_and(|commitment| versioned_hash(&commitment) != hash) {
            continue;
        }
        let text = item.as_str().or_else(|| item.get("blob")?.as_str());
        let bytes = text.and_then(|text| hex::decode(text).ok());
        match bytes.filter(|bytes| bytes.len() == BLOB_BYTES) {
            Some(bytes) if is_blob(&bytes, hash) => return Ok(bytes.into()),
            _ => is_wrong = true,
        }
    }
    Err(if is_wrong {
        BeaconError::Wrong(id)
    } else {
        BeaconError::Missing(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::l1::commitment_of;
    use axum::{Json, Router, routing::get};
    use serde_json::json;
    use tokio::net::TcpListener;

    /// A server of these routes, and a client of it.
    async fn serving(routes: Router) -> BeaconClient {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let url = format!("http://{address}/v1/canary-key/").parse().unwrap();
        BeaconClient::new(url, Duration::from_secs(5))
    }

    fn answer(data: Value) -> axum::routing::MethodRouter {
        get(move || async move { Json(json!({ "data": data })) })
    }

    const BASE: &str = "/v1/canary-key/eth/v1";

    fn slots() -> Router {
        let spec = json!({ "SECONDS_PER_SLOT": "12", "MAX_BLOBS_PER_BLOCK": "9" });
        Router::new()
            .route(&format!("{BASE}/config/spec"), answer(spec))
            .route(
                &format!("{BASE}/beacon/genesis"),
                answer(json!({ "genesis_time": "1000" })),
            )
    }

    fn blob(first: u8) -> (Vec<u8>, [u8; 48], B256) {
        let mut bytes = vec![0; BLOB_BYTES];
        bytes[31] = first;
        let commitment = commitment_of(&bytes).unwrap();
        (bytes, commitment, versioned_hash(&commitment))
    }

    const PLACE: BlobPlace = BlobPlace {
        number: 5,
        time: 1_000 + 12 * 7,
    };

    #[tokio::test]
    async fn beacon_node_is_asked_by_slot_and_an_older_one_for_sidecars() {
        let ((bytes, _, hash), (other, commitment, other_hash)) = (blob(1), blob(2));
        let sidecar = json!({
            "index": "0", "kzg_commitment": hex::encode_prefixed(commitment), "blob": hex::encode_prefixed(&other),
        });
        let newer = slots().route(
            &format!("{BASE}/beacon/blobs/7"),
            answer(json!([hex::encode_prefixed(&bytes)])),
        );
        let client = serving(newer).await;
        assert_eq!(client.blob(PLACE, hash).await.unwrap(), bytes);
        let error = client.blob(PLACE, other_hash).await.unwrap_err();
        assert_eq!(error, BeaconError::Wrong(7), "bytes of another blob");

        let older = slots().route(
            &format!("{BASE}/beacon/blob_sidecars/7"),
            answer(json!([sidecar])),
        );
        let client = serving(older).await;
        assert_eq!(client.blob(PLACE, other_hash).await.unwrap(), other);
        let error = client.blob(PLACE, hash).await.unwrap_err();
        assert_eq!(error, BeaconError::Missing(7));
    }

    #[tokio::test]
    async fn endpoint_without_a_spec_is_asked_by_number() {
        let client = serving(Router::new()).await;
        assert_eq!(client.ids().await.unwrap(), BeaconIds::ExecutionNumbers);
        let error = client.blob(PLACE, B256::ZERO).await.unwrap_err();
        assert_eq!(error, BeaconError::Status(404));
    }

    #[tokio::test]
    async fn nonsense_is_refused_and_the_key_stays_hidden() {
        let path = format!("{BASE}/config/spec");
        let wrong = json!({ "SECONDS_PER_SLOT": "0" });
        for spec in [wrong, json!(7), json!({ "SECONDS_PER_SLOT": 12 })] {
            let routes = Router::new()
                .route(&path, answer(spec))
                .route(&format!("{BASE}/beacon/genesis"), answer(json!({})));
            let error = serving(routes).await.ids().await.unwrap_err();
            assert_eq!(error, BeaconError::Malformed("config/spec"));
        }
        let url = "http://127.0.0.1:1/canary-key".parse().unwrap();
        let client = BeaconClient::new(url, Duration::from_secs(5));
        let error = client.blob(PLACE, B256::ZERO).await.unwrap_err();
        assert!(matches!(error, BeaconError::Unreachable(_)), "{error:?}");
        assert!(!format!("{error:?} {error} {client:?}").contains("canary-key"));
    }
}
