//! A key that is somewhere else: a signer that is asked by JSON-RPC with `eth_signTransaction`.
//!
//! Web3Signer, Clef and the OP Stack's signers have the method. What comes back is believed nothing: it must be the
//! very transaction that was asked for, under the account's signature. Batches in blobs need a signer that knows
//! transactions of type 3.

use super::SignerError;
use crate::l1::L1Client;
use alloy::{
    consensus::{
        SignableTransaction, TxEnvelope, TypedTransaction, transaction::SignerRecoverable,
    },
    eips::eip2718::Decodable2718,
    primitives::{Address, Bytes},
    rpc::types::TransactionRequest,
    transports::http::reqwest::Url,
};
use serde::Deserialize;
use std::time::Duration;

/// Longest wait for a signature.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An account whose key another program holds.
#[derive(Debug, Clone)]
pub(super) struct RemoteSigner {
    client: L1Client,
    account: Address,
}

/// What signers answer: the bytes, or an object that holds them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer {
    Bytes(Bytes),
    Object { raw: Bytes },
}

impl RemoteSigner {
    pub(super) fn new(url: Url, account: Address) -> Self {
        Self {
            client: L1Client::new(url, TIMEOUT),
            account,
        }
    }

    pub(super) const fn account(&self) -> Address {
        self.account
    }

    /// Has `tx` signed.
    ///
    /// # Errors
    /// [`SignerError::Remote`] when the signer cannot be asked or refuses, [`SignerError::RemoteLied`] when what
    /// it gives is not this transaction by this account.
    pub(super) async fn sign(&self, tx: &TypedTransaction) -> Result<TxEnvelope, SignerError> {
        let mut request: TransactionRequest = tx.clone().into();
        request.from = Some(self.account);
        let answer: Answer = self
            .client
            .call("eth_signTransaction", (request,))
            .await
            .map_err(|error| SignerError::Remote {
                reason: error.to_string().replace("l1 endpoint", "remote signer"),
            })?;
        let (Answer::Bytes(raw) | Answer::Object { raw }) = answer;
        let signed = TxEnvelope::decode_2718_exact(&raw).map_err(|_| SignerError::RemoteLied)?;
        let is_ours = signed.signature_hash() == tx.signature_hash()
            && signed.recover_signer().ok() == Some(self.account);
        match is_ours {
            true => Ok(signed),
            false => Err(SignerError::RemoteLied),
        }
    }
}
