//! The sender's own view of L1: what it asks the endpoint, pinned to one block where that matters.

use super::{fees::FeeMarket, request::TxRequest};
use crate::l1::{L1Client, RpcError};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, U64, U256},
    rpc::types::FeeHistory,
};
use serde::Deserialize;
use serde_json::json;

/// Blocks over which tips are observed.
const TIP_BLOCKS: u64 = 5;

/// A block, as far as the sender cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Head {
    /// Its number.
    #[serde(deserialize_with = "alloy::serde::quantity::deserialize")]
    pub(super) number: u64,
    /// Its hash.
    pub(super) hash: B256,
}

/// Where a transaction landed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Landing {
    /// Block number.
    #[serde(deserialize_with = "alloy::serde::quantity::deserialize")]
    pub(super) block_number: u64,
    /// 1 for success.
    #[serde(deserialize_with = "alloy::serde::quantity::deserialize")]
    pub(super) status: u64,
    /// Gas used.
    #[serde(deserialize_with = "alloy::serde::quantity::deserialize")]
    gas_used: u64,
    /// Price paid, in wei per gas.
    #[serde(deserialize_with = "alloy::serde::quantity::deserialize")]
    effective_gas_price: u128,
    /// Blob gas used.
    #[serde(default, deserialize_with = "alloy::serde::quantity::opt::deserialize")]
    blob_gas_used: Option<u64>,
    /// Price paid for it, in wei per blob gas.
    #[serde(default, deserialize_with = "alloy::serde::quantity::opt::deserialize")]
    blob_gas_price: Option<u128>,
}

impl Landing {
    /// What it cost in fees, in wei.
    pub(super) fn cost(&self) -> U256 {
        let fees = |gas: u64, price: u128| U256::from(gas).saturating_mul(U256::from(price));
        let blob_gas = self.blob_gas_used.unwrap_or_default();
        let blob_price = self.blob_gas_price.unwrap_or_default();
        fees(self.gas_used, self.effective_gas_price).saturating_add(fees(blob_gas, blob_price))
    }
}

/// What became of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broadcast {
    /// The endpoint has it, now or before.
    Accepted,
    /// The nonce is used: the tracker finds out by what.
    NonceUsed,
    /// Another transaction waits at this nonce, or the fees are below what is taken.
    Underpriced,
    /// The account cannot pay.
    InsufficientFunds,
    /// A transaction of the account with blobs waits and this has none, or the other way round.
    OtherKind,
}

impl L1Client {
    /// The block with this tag; `None` when the endpoint has none.
    pub(super) async fn tagged(&self, tag: BlockNumberOrTag) -> Result<Option<Head>, RpcError> {
        self.call("eth_getBlockByNumber", (tag, false)).await
    }

    /// Next nonce of `account` at the state of block `at`.
    pub(super) async fn nonce_at(&self, account: Address, at: B256) -> Result<u64, RpcError> {
        let params = (account, json!({ "blockHash": at }));
        Ok(self
            .call::<_, U64>("eth_getTransactionCount", params)
            .await?
            .to())
    }

    /// Next nonce of `account` past everything that waits in the endpoint's pool.
    pub(super) async fn nonce_pending(&self, account: Address) -> Result<u64, RpcError> {
        Ok(self
            .call::<_, U64>("eth_getTransactionCount", (account, "pending"))
            .await?
            .to())
    }

    /// L1 gas that `request` takes on top of block `at`.
    pub(super) async fn estimate(
        &self,
        from: Address,
        request: &TxRequest,
        at: B256,
    ) -> Result<u64, RpcError> {
        let mut tx = json!({ "from": from, "to": request.to, "input": request.data, "value": request.value });
        if let (Some(blobs), Some(fields)) = (&request.blobs, tx.as_object_mut()) {
            fields.insert("blobVersionedHashes".into(), json!(blobs.hashes()));
        }
        let params = (tx, json!({ "blockHash": at }));
        Ok(self.call::<_, U64>("eth_estimateGas", params).await?.to())
    }

    /// Fees that the market asks.
    pub(crate) async fn fee_market(&self) -> Result<FeeMarket, RpcError> {
        let params = (U64::from(TIP_BLOCKS), BlockNumberOrTag::Latest, [50.0]);
        let history: FeeHistory = self.call("eth_feeHistory", params).await?;
        let mut tips: Vec<u128> = history
            .reward
            .iter()
            .flatten()
            .filter_map(|tips| tips.first().copied())
            .collect();
        tips.sort_unstable();
        let median_tip = tips.get(tips.len() / 2).copied().unwrap_or_default();
        let next_base_fee = history.base_fee_per_gas.last().copied().unwrap_or_default();
        let next_blob_base_fee = history.base_fee_per_blob_gas.last().copied();
        Ok(FeeMarket {
            next_base_fee,
            median_tip,
            next_blob_base_fee: next_blob_base_fee.unwrap_or_default(),
        })
    }

    /// Where the transaction landed, if it did.
    pub(super) async fn landing(&self, hash: B256) -> Result<Option<Landing>, RpcError> {
        self.call("eth_getTransactionReceipt", (hash,)).await
    }

    /// Whether the endpoint's pool or chain has the transaction.
    pub(super) async fn knows(&self, hash: B256) -> Result<bool, RpcError> {
        let found: Option<serde_json::Value> =
            self.call("eth_getTransactionByHash", (hash,)).await?;
        Ok(found.is_some())
    }

    /// Hands a signed transaction to the endpoint.
    pub(super) async fn broadcast(&self, raw: &Bytes) -> Result<Broadcast, RpcError> {
        match self.call::<_, B256>("eth_sendRawTransaction", (raw,)).await {
            Ok(_) => Ok(Broadcast::Accepted),
            Err(error) => judge_refusal(&error).ok_or(error),
        }
    }
}

/// Reads the words in which the L1 clients (geth, reth, nethermind, besu, erigon, anvil) refuse.
fn judge_refusal(error: &RpcError) -> Option<Broadcast> {
    let words = error.refusal();
    let says = |any: &[&str]| any.iter().any(|text| words.contains(text));
    if says(&[
        "already known",
        "already imported",
        "known transaction",
        "alreadyknown",
    ]) {
        Some(Broadcast::Accepted)
    } else if says(&["nonce too low", "nonce is too low", "oldnonce"]) {
        Some(Broadcast::NonceUsed)
    } else if says(&[
        "already reserved",
        "alreadyreserved",
        "existing transaction had blobs",
    ]) {
        Some(Broadcast::OtherKind)
    } else if says(&[
        "underpriced",
        "less than block base fee",
        "less than block blob gas price",
        "blob gas fee cap too low",
        "feetoolow",
        "fee too low",
    ]) {
        Some(Broadcast::Underpriced)
    } else if says(&[
        "insufficient funds",
        "insufficientfunds",
        "upfront cost exceeds",
    ]) {
        Some(Broadcast::InsufficientFunds)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &str) -> RpcError {
        RpcError::Refused {
            method: "eth_sendRawTransaction",
            code: -32000,
            message: message.into(),
            revert: None,
        }
    }

    #[test]
    fn refusals_of_l1_clients_are_told_apart() {
        let cases = [
            ("already known", Some(Broadcast::Accepted)),
            ("transaction already imported", Some(Broadcast::Accepted)),
            (
                "nonce too low: next nonce 5, tx nonce 4",
                Some(Broadcast::NonceUsed),
            ),
            (
                "replacement transaction underpriced",
                Some(Broadcast::Underpriced),
            ),
            (
                "max fee per gas less than block base fee",
                Some(Broadcast::Underpriced),
            ),
            (
                "Insufficient funds for gas * price + value",
                Some(Broadcast::InsufficientFunds),
            ),
            ("address already reserved", Some(Broadcast::OtherKind)),
            (
                "max fee per blob gas less than block blob gas price",
                Some(Broadcast::Underpriced),
            ),
            ("exceeds block gas limit", None),
        ];
        for (message, expected) in cases {
            assert_eq!(judge_refusal(&refused(message)), expected, "{message}");
        }
    }
}
