//! One JSON-RPC endpoint of L1: every call has a deadline and an error that says what to do.
//!
//! The reader and the sender call L1 only through this file. The endpoint's URL often carries an API
//! key, so it never appears in an error, a log or `Debug` output.

use alloy::{
    primitives::{Bytes, U64},
    rpc::{
        client::RpcClient,
        json_rpc::{ErrorPayload, RpcError as AlloyRpcError, RpcRecv, RpcSend},
    },
    transports::{TransportError, TransportErrorKind, http::reqwest::Url},
};
use std::{fmt, sync::Arc, time::Duration};

/// Longest text of an endpoint's answer that an error quotes, in characters.
const QUOTED: usize = 300;

/// Why a call to L1 gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// No answer within the deadline.
    #[error("l1 endpoint did not answer {method} in time")]
    Timeout {
        /// Method called.
        method: &'static str,
    },
    /// The endpoint could not be reached, or refused the request at the HTTP level.
    #[error("l1 endpoint unreachable for {method}: {message}")]
    Unreachable {
        /// Method called.
        method: &'static str,
        /// Cause, without the endpoint's URL.
        message: String,
    },
    /// The endpoint answered with a JSON-RPC error.
    #[error("l1 endpoint refused {method}: {message} ({code})")]
    Refused {
        /// Method called.
        method: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// The endpoint's words.
        message: String,
        /// Data of a reverted call; empty when it reverted without data.
        revert: Option<Bytes>,
    },
    /// The answer is not of the shape that the method has.
    #[error("l1 endpoint gave a malformed answer to {method}: {message}")]
    Malformed {
        /// Method called.
        method: &'static str,
        /// What does not fit.
        message: String,
    },
}

impl RpcError {
    /// Whether the endpoint does not know the method.
    #[must_use]
    pub fn is_unknown_method(&self) -> bool {
        match self {
            Self::Refused { code: -32601, .. } => true,
            Self::Refused { message, .. } => {
                let message = message.to_lowercase();
                message.contains("method not found") || message.contains("does not exist")
            }
            _ => false,
        }
    }

    /// Whether the call ran and reverted, so that sending it would cost gas for nothing.
    #[must_use]
    pub fn is_revert(&self) -> bool {
        match self {
            Self::Refused {
                revert: Some(_), ..
            }
            | Self::Refused { code: 3, .. } => true,
            Self::Refused { message, .. } => message.to_lowercase().contains("revert"),
            _ => false,
        }
    }

    /// The endpoint's words, in lower case; empty unless it refused.
    #[must_use]
    pub fn refusal(&self) -> String {
        match self {
            Self::Refused { message, .. } => message.to_lowercase(),
            _ => String::new(),
        }
    }
}

/// A connection to one L1 endpoint over HTTP.
#[derive(Clone)]
pub struct L1Client {
    rpc: RpcClient,
    url: Arc<Url>,
    timeout: Duration,
}

impl fmt::Debug for L1Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("L1Client")
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

impl L1Client {
    /// A client that gives up on a call after `timeout`. It connects with the first call.
    #[must_use]
    pub fn new(url: Url, timeout: Duration) -> Self {
        Self {
            rpc: RpcClient::new_http(url.clone()),
            url: Arc::new(url),
            timeout,
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

    /// Calls `method`; a `null` answer is an error unless `R` has room for it.
    ///
    /// # Errors
    /// Every [`RpcError`].
    pub async fn call<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, RpcError> {
        let call = self.rpc.request::<P, R>(method, params);
        match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => answer.map_err(|error| self.classify(method, error)),
            Err(_) => Err(RpcError::Timeout { method }),
        }
    }

    /// Chain id served.
    ///
    /// # Errors
    /// Every [`RpcError`].
    pub async fn served_chain(&self) -> Result<u64, RpcError> {
        Ok(self.call::<_, U64>("eth_chainId", ()).await?.to())
    }

    fn classify(&self, method: &'static str, error: TransportError) -> RpcError {
        match error {
            AlloyRpcError::ErrorResp(payload) => refused(method, &payload),
            AlloyRpcError::Transport(TransportErrorKind::HttpError(http)) => {
                serde_json::from_str::<HttpErrorBody>(&http.body).map_or_else(
                    |_| RpcError::Unreachable {
                        method,
                        message: format!("http status {}", http.status),
                    },
                    |body| refused(method, &body.error),
                )
            }
            AlloyRpcError::Transport(kind) => RpcError::Unreachable {
                method,
                message: self.redact(&kind.to_string()),
            },
            AlloyRpcError::DeserError { err, .. } | AlloyRpcError::SerError(err) => {
                RpcError::Malformed {
                    method,
                    message: quote(&err.to_string()),
                }
            }
            AlloyRpcError::NullResp => RpcError::Malformed {
                method,
                message: "null instead of a value".into(),
            },
            other => RpcError::Malformed {
                method,
                message: self.redact(&other.to_string()),
            },
        }
    }

    fn redact(&self, text: &str) -> String {
        quote(&text.replace(self.url.as_str(), &self.host()))
    }
}

#[derive(serde::Deserialize)]
struct HttpErrorBody {
    error: ErrorPayload,
}

fn refused(method: &'static str, payload: &ErrorPayload) -> RpcError {
    RpcError::Refused {
        method,
        code: payload.code,
        message: quote(&payload.message),
        revert: payload.as_revert_data(),
    }
}

fn quote(text: &str) -> String {
    text.chars().take(QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn client_of_closed_port_names_the_method_and_hides_the_key() {
        let url = "http://127.0.0.1:1/v3/canary-key".parse().unwrap();
        let client = L1Client::new(url, Duration::from_secs(5));
        let error = client.call::<_, u64>("eth_chainId", ()).await.unwrap_err();
        assert!(
            matches!(
                error,
                RpcError::Unreachable {
                    method: "eth_chainId",
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(!format!("{error:?} {error} {client:?}").contains("canary-key"));
    }

    #[test]
    fn refusal_with_code_three_is_a_revert() {
        let refused = |code, message: &str| RpcError::Refused {
            method: "eth_call",
            code,
            message: message.into(),
            revert: None,
        };
        assert!(refused(3, "execution failed").is_revert());
        assert!(refused(-32000, "Execution reverted").is_revert());
        assert!(!refused(-32000, "header not found").is_revert());
        assert!(refused(-32601, "x").is_unknown_method());
    }
}
