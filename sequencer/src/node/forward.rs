//! A replica's way to the sequencer: transactions are handed on, answers are handed back, and what only
//! the sequencer's pool knows is asked of it.

use crate::rpc::{Forward, RpcError};
use alloy::{
    rpc::{
        client::RpcClient,
        json_rpc::{RpcRecv, RpcSend},
    },
    transports::{RpcError as TransportError, http::reqwest::Url},
};
use alloy_primitives::{Address, B256, Bytes, U64};
use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;
use std::time::Duration;

/// Longest wait for the sequencer to take a transaction.
const SUBMIT: Duration = Duration::from_secs(30);
/// Longest wait for what it knows.
const LOOK_UP: Duration = Duration::from_secs(2);

/// The sequencer's JSON-RPC.
#[derive(Debug, Clone)]
pub(super) struct Forwarder(RpcClient);

impl Forwarder {
    pub(super) fn new(sequencer: Url) -> Self {
        Self(RpcClient::new_http(sequencer))
    }

    fn ask<P: RpcSend + 'static, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
        patience: Duration,
    ) -> BoxFuture<'static, Result<R, RpcError>> {
        let call = self.0.request::<P, R>(method, params);
        async move {
            match tokio::time::timeout(patience, call).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(TransportError::ErrorResp(payload))) => {
                    let code = i32::try_from(payload.code).unwrap_or(-32000);
                    Err(RpcError::with_code(code, payload.message))
                }
                Ok(Err(_)) | Err(_) => Err(RpcError::busy("sequencer cannot be reached")),
            }
        }
        .boxed()
    }
}

impl Forward for Forwarder {
    fn submit(&self, encoded: Bytes) -> BoxFuture<'static, Result<B256, RpcError>> {
        self.ask("eth_sendRawTransaction", (encoded,), SUBMIT)
    }

    fn pending_nonce(&self, address: Address) -> BoxFuture<'static, Result<u64, RpcError>> {
        let nonce = self.ask::<_, U64>("eth_getTransactionCount", (address, "pending"), LOOK_UP);
        nonce.map(|nonce| nonce.map(|nonce| nonce.to())).boxed()
    }

    fn transaction(&self, hash: B256) -> BoxFuture<'static, Result<Option<Value>, RpcError>> {
        self.ask("eth_getTransactionByHash", (hash,), LOOK_UP)
    }
}
