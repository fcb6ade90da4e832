//! A replica's way to the sequencer: transactions are handed on, answers are handed back, and what only
//! the sequencer's pool knows is asked of it.

use crate::rpc::{Forward, RpcError, ToldStatus};
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
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Longest wait for the sequencer to take a transaction.
const SUBMIT: Duration = Duration::from_secs(30);
/// Longest wait for what it knows.
const LOOK_UP: Duration = Duration::from_secs(2);

/// Look-ups under way at once; others wait for their turn, and no longer than the look-up itself.
const LOOK_UPS: usize = 64;

/// The sequencer's JSON-RPC.
#[derive(Debug, Clone)]
pub(crate) struct Forwarder {
    client: RpcClient,
    /// Clients of a replica shall not multiply into a load on the sequencer.
    turns: Arc<Semaphore>,
}

impl Forwarder {
    pub(crate) fn new(sequencer: Url) -> Self {
        Self {
            client: RpcClient::new_http(sequencer),
            turns: Arc::new(Semaphore::new(LOOK_UPS)),
        }
    }

    fn look_up<P: RpcSend + 'static, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> BoxFuture<'static, Result<R, RpcError>> {
        let (asked, turns) = (self.ask(method, params, LOOK_UP), Arc::clone(&self.turns));
        async move {
            let turn = tokio::time::timeout(LOOK_UP, turns.acquire()).await;
            let Ok(Ok(_turn)) = turn else {
                return Err(RpcError::busy("too many questions to the sequencer"));
            };
            asked.await
        }
        .boxed()
    }

    fn ask<P: RpcSend + 'static, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
        patience: Duration,
    ) -> BoxFuture<'static, Result<R, RpcError>> {
        let call = self.client.request::<P, R>(method, params);
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
        let nonce = self.look_up::<_, U64>("eth_getTransactionCount", (address, "pending"));
        nonce.map(|nonce| nonce.map(|nonce| nonce.to())).boxed()
    }

    fn transaction(&self, hash: B256) -> BoxFuture<'static, Result<Option<Value>, RpcError>> {
        self.look_up("eth_getTransactionByHash", (hash,))
    }

    fn status(&self, hash: B256) -> BoxFuture<'static, Result<Option<ToldStatus>, RpcError>> {
        self.look_up("trestle_transactionStatus", (hash,))
    }
}
