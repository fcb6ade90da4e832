//! A replica's way to the sequencer: transactions are handed on, answers are handed back.

use crate::rpc::{Forward, RpcError};
use alloy::{
    rpc::client::RpcClient,
    transports::{RpcError as TransportError, http::reqwest::Url},
};
use alloy_primitives::{B256, Bytes};
use futures::future::BoxFuture;

/// The sequencer's JSON-RPC.
#[derive(Debug, Clone)]
pub(super) struct Forwarder(RpcClient);

impl Forwarder {
    pub(super) fn new(sequencer: Url) -> Self {
        Self(RpcClient::new_http(sequencer))
    }
}

impl Forward for Forwarder {
    fn submit(&self, encoded: Bytes) -> BoxFuture<'static, Result<B256, RpcError>> {
        let call = self
            .0
            .request::<_, B256>("eth_sendRawTransaction", (encoded,));
        Box::pin(async move {
            call.await.map_err(|error| match error {
                TransportError::ErrorResp(payload) => {
                    let code = i32::try_from(payload.code).unwrap_or(-32000);
                    RpcError::with_code(code, payload.message)
                }
                _ => RpcError::busy("sequencer cannot be reached; the transaction was not taken"),
            })
        })
    }
}
