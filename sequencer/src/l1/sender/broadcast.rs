//! From a request to signed, journaled, broadcast bytes.

use super::{
    blobs::{BlobSet, with_sidecar},
    chain_view::Broadcast,
    fees::{FeeMarket, Fees},
    journal::JournaledTx,
    request::{SenderError, SubmitError, TxKey, TxRequest},
    signer::encode,
    slot::{Attempt, Slot},
    spend,
    task::L1Sender,
};
use crate::l1::RpcError;
use alloy::{
    consensus::{TxEip1559, TxEip4844, TxEnvelope, TypedTransaction},
    primitives::{Bytes, TxKind, U256},
};
use tokio::time::Instant;

/// L1 gas of a transaction that does nothing.
const PLAIN_TRANSFER: u64 = 21_000;
/// Room above an estimate, for state that changes before inclusion, in L1 gas.
const GAS_ROOM: u64 = 60_000;

/// How a broadcast went. Either way the bytes are journaled and will be sent again.
#[derive(Debug)]
pub(super) enum Attempted {
    /// The endpoint has them.
    Sent,
    /// It does not, for now.
    Fault(SenderError),
}

impl L1Sender {
    /// Signs, journals and broadcasts `request` at `nonce`, replacing what waits there.
    pub(super) async fn attempt(
        &mut self,
        nonce: u64,
        request: TxRequest,
    ) -> Result<Attempted, SubmitError> {
        self.check_kind(&request)?;
        let gas_limit = self.checked_gas(nonce, &request).await?;
        let market = self.client.fee_market().await?;
        let fees = self.fees_at(nonce, &market, request.blobs.is_some())?;
        self.sign_and_send(nonce, request, gas_limit, fees)
            .await
            .map_err(Into::into)
    }

    /// Refuses a request of another kind than what waits: L1's pools would.
    fn check_kind(&self, request: &TxRequest) -> Result<(), SubmitError> {
        let carries_blobs = request.blobs.is_some();
        match self.waiting() {
            Some(slot) if slot.carries_blobs() != carries_blobs => Err(SubmitError::OtherKind {
                key: request.key,
                nonce: slot.nonce,
            }),
            _ => Ok(()),
        }
    }

    /// Gas limit of a request that would not revert now.
    async fn checked_gas(&self, nonce: u64, request: &TxRequest) -> Result<u64, SubmitError> {
        let key = request.key;
        if nonce != self.l1_nonce {
            return request.gas_limit.ok_or(SubmitError::NeedsGasLimit { key });
        }
        let account = self.signer.address();
        match self.client.estimate(account, request, self.head.hash).await {
            Ok(gas) => Ok(request.gas_limit.unwrap_or_else(|| {
                gas.saturating_add(gas / 10)
                    .saturating_add(GAS_ROOM)
                    .min(self.config.max_gas)
            })),
            Err(RpcError::Refused {
                message,
                revert,
                code,
                method,
            }) => {
                let error = RpcError::Refused {
                    method,
                    code,
                    message,
                    revert,
                };
                if error.is_revert() {
                    let RpcError::Refused {
                        message, revert, ..
                    } = error
                    else {
                        return Err(SubmitError::Stopped);
                    };
                    return Err(SubmitError::WouldRevert {
                        key,
                        reason: message,
                        data: revert,
                    });
                }
                if error.refusal().contains("insufficient funds") {
                    return Err(SenderError::InsufficientFunds { account }.into());
                }
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn fees_at(
        &self,
        nonce: u64,
        market: &FeeMarket,
        carries_blobs: bool,
    ) -> Result<Fees, SenderError> {
        let policy = &self.config.fees;
        self.slots.get(&nonce).map_or_else(
            || Ok(policy.first(market, carries_blobs)),
            |slot| {
                policy
                    .replacement(&slot.newest().fees, market)
                    .ok_or(SenderError::FeeCapReached {
                        cap: policy.max_fee,
                        nonce,
                    })
            },
        )
    }

    async fn sign_and_send(
        &mut self,
        nonce: u64,
        mut request: TxRequest,
        gas_limit: u64,
        fees: Fees,
    ) -> Result<Attempted, SenderError> {
        self.check_spending(nonce, spend::most(&request, gas_limit, &fees))?;
        let sidecar = request.blobs.as_mut().and_then(BlobSet::take_sidecar);
        let envelope = self.sign(nonce, &request, gas_limit, fees).await?;
        let (raw, hash) = (encode(&envelope), *envelope.tx_hash());
        let attempts = self.slots.get(&nonce).map_or(0, Slot::attempts);
        let (key, bytes) = (request.key, raw.len());
        let blobs = request
            .blobs
            .as_ref()
            .map_or(0, |blobs| blobs.hashes().len());
        let attempt = u32::try_from(attempts).unwrap_or(u32::MAX);
        let journaled = JournaledTx {
            nonce,
            attempt,
            key,
            raw: raw.clone(),
        };
        self.journal.append(&journaled, sidecar.as_ref())?;
        let signed = Attempt {
            request,
            gas_limit,
            fees,
            hash,
            raw,
        };
        let head = self.head.number;
        match self.slots.get_mut(&nonce) {
            Some(slot) => slot.replace(signed, head),
            None => {
                self.slots.insert(nonce, Slot::new(nonce, signed, head));
            }
        }
        self.next_nonce = self.next_nonce.max(nonce.saturating_add(1));
        metrics::counter!("trestle_l1_sender_attempts_total").increment(1);
        tracing::info!(%key, nonce, attempt, %hash, bytes, gas_limit, max_fee = fees.max_fee, tip = fees.tip, blobs, blob_fee = fees.max_blob_fee, "l1 transaction signed");
        Ok(self.send_newest(nonce).await)
    }

    async fn sign(
        &self,
        nonce: u64,
        request: &TxRequest,
        gas_limit: u64,
        fees: Fees,
    ) -> Result<TxEnvelope, SenderError> {
        let (chain_id, input) = (self.config.chain_id, request.data.clone());
        let (to, value) = (request.to, request.value);
        let tx: TypedTransaction = match &request.blobs {
            None => TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: fees.max_fee,
                max_priority_fee_per_gas: fees.tip,
                to: TxKind::Call(to),
                value,
                access_list: Default::default(),
                input,
            }
            .into(),
            Some(blobs) => TxEip4844 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: fees.max_fee,
                max_priority_fee_per_gas: fees.tip,
                to,
                value,
                access_list: Default::default(),
                blob_versioned_hashes: blobs.hashes().to_vec(),
                max_fee_per_blob_gas: fees.max_blob_fee.unwrap_or_default(),
                input,
            }
            .into(),
        };
        Ok(self.signer.sign(tx).await?)
    }

    /// What L1 takes of the newest attempt at `nonce`: with blobs, their sidecar is read from the journal, so that
    /// memory holds none.
    fn bytes_of(&self, slot: &Slot) -> Result<Bytes, SenderError> {
        let nonce = slot.nonce;
        let raw = &slot.newest().raw;
        if !slot.carries_blobs() {
            return Ok(raw.clone());
        }
        let sidecar = self.journal.sidecar(nonce)?;
        let sidecar = sidecar.ok_or(SenderError::NoSidecar { nonce })?;
        Ok(with_sidecar(raw, &sidecar))
    }

    /// Broadcasts the newest attempt at `nonce`.
    pub(super) async fn send_newest(&mut self, nonce: u64) -> Attempted {
        let Some(slot) = self.slots.get_mut(&nonce) else {
            return Attempted::Sent;
        };
        slot.last_broadcast = Some(Instant::now());
        let raw = match self.slots.get(&nonce).map(|slot| self.bytes_of(slot)) {
            Some(Ok(raw)) => raw,
            Some(Err(error)) => return Attempted::Fault(error),
            None => return Attempted::Sent,
        };
        match self.client.broadcast(&raw).await {
            Ok(Broadcast::Accepted | Broadcast::NonceUsed) => Attempted::Sent,
            Ok(Broadcast::InsufficientFunds) => {
                let account = self.signer.address();
                Attempted::Fault(SenderError::InsufficientFunds { account })
            }
            Ok(Broadcast::OtherKind) => Attempted::Fault(SenderError::OtherKindWaits { nonce }),
            Ok(Broadcast::Underpriced) => match self.bump(nonce).await {
                Ok(()) => Attempted::Sent,
                Err(error) => Attempted::Fault(error),
            },
            Err(error) => Attempted::Fault(error.into()),
        }
    }

    /// Replaces the newest attempt at `nonce` by itself at higher fees.
    pub(super) async fn bump(&mut self, nonce: u64) -> Result<(), SenderError> {
        let Some(slot) = self.slots.get(&nonce) else {
            return Ok(());
        };
        let (request, gas_limit) = (slot.newest().request.clone(), slot.newest().gas_limit);
        let market = self.client.fee_market().await?;
        let fees = self.fees_at(nonce, &market, request.blobs.is_some())?;
        metrics::counter!("trestle_l1_sender_fee_bumps_total").increment(1);
        match Box::pin(self.sign_and_send(nonce, request, gas_limit, fees)).await? {
            Attempted::Sent => Ok(()),
            Attempted::Fault(error) => Err(error),
        }
    }

    /// Uses up `nonce` by a transfer of nothing to ourselves, with a blob of zeros where only blobs replace blobs.
    pub(super) async fn cancel(&mut self, nonce: u64) -> Result<(), SenderError> {
        let carries_blobs = self.slots.get(&nonce).is_some_and(Slot::carries_blobs);
        let request = TxRequest {
            key: TxKey::CANCEL,
            to: self.signer.address(),
            data: Bytes::new(),
            value: U256::ZERO,
            gas_limit: Some(PLAIN_TRANSFER),
            blobs: carries_blobs.then(BlobSet::filler),
        };
        let market = self.client.fee_market().await?;
        let fees = self.fees_at(nonce, &market, carries_blobs)?;
        tracing::warn!(
            nonce,
            "using up the nonce of a transaction that would revert"
        );
        match self
            .sign_and_send(nonce, request, PLAIN_TRANSFER, fees)
            .await?
        {
            Attempted::Sent => Ok(()),
            Attempted::Fault(error) => Err(error),
        }
    }
}
