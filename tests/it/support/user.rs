//! A user of L2 who signs by hand, so that every transaction's hash is known before it is sent.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Address, B256, Bytes, TxKind, U256, hex},
    signers::local::PrivateKeySigner,
};
use serde_json::{Value, json};

use super::{
    Rpc, eventually,
    json::{RpcError, quantity},
};

/// Highest fee that a user offers, in wei per gas.
const MAX_FEE: u128 = 100_000_000_000;

/// An account of L2 and its next nonce.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) signer: PrivateKeySigner,
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
}

/// What a transaction offers, in wei per gas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prices {
    pub(crate) max_fee: u128,
    pub(crate) tip: u128,
}

impl Prices {
    /// What a wallet offers by what a node suggests: room for the base fee to double.
    pub(crate) async fn of(rpc: &Rpc) -> Self {
        let base_fee = quantity(&rpc.call("eth_baseFee", json!([])).await);
        let tip = quantity(&rpc.call("eth_maxPriorityFeePerGas", json!([])).await);
        let [base_fee, tip] = [base_fee, tip].map(u128::from);
        Self {
            max_fee: base_fee * 2 + tip,
            tip,
        }
    }
}

/// A signed transaction.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) raw: Bytes,
    pub(crate) hash: B256,
}

impl User {
    pub(crate) fn new(signer: PrivateKeySigner, chain_id: u64) -> Self {
        Self {
            signer,
            chain_id,
            nonce: 0,
        }
    }

    pub(crate) fn random(chain_id: u64) -> Self {
        Self::new(PrivateKeySigner::random(), chain_id)
    }

    pub(crate) fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs the next transaction.
    pub(crate) fn sign(&mut self, to: TxKind, value: u64, input: Bytes, gas_limit: u64) -> Signed {
        let prices = Prices {
            max_fee: MAX_FEE,
            tip: 1_000_000,
        };
        self.sign_priced(to, U256::from(value), input, gas_limit, prices)
    }

    /// Signs the next transaction, at these prices.
    #[expect(clippy::too_many_arguments, reason = "a transaction has these")]
    pub(crate) fn sign_priced(
        &mut self,
        to: TxKind,
        value: U256,
        input: Bytes,
        gas_limit: u64,
        prices: Prices,
    ) -> Signed {
        let mut tx = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit,
            max_fee_per_gas: prices.max_fee,
            max_priority_fee_per_gas: prices.tip,
            to,
            value,
            input,
            ..Default::default()
        };
        let signature = self.signer.sign_transaction_sync(&mut tx).unwrap();
        self.nonce += 1;
        let envelope = TxEnvelope::from(tx.into_signed(signature));
        Signed {
            raw: envelope.encoded_2718().into(),
            hash: *envelope.tx_hash(),
        }
    }

    /// Signs a transfer of `value` wei.
    pub(crate) fn transfer(&mut self, to: Address, value: u64) -> Signed {
        self.sign(to.into(), value, Bytes::new(), 21_000)
    }

    /// Deploys a contract and gives its address.
    pub(crate) async fn deploy(&mut self, rpc: &Rpc, code: &Bytes) -> Address {
        let create = self.sign(TxKind::Create, 0, code.clone(), 5_000_000);
        let receipt = create.included(rpc).await;
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        receipt["contractAddress"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    }
}

impl Signed {
    /// Hands it to a node.
    pub(crate) async fn send(&self, rpc: &Rpc) -> Result<B256, RpcError> {
        let raw = hex::encode_prefixed(&self.raw);
        let hash = rpc.outcome("eth_sendRawTransaction", json!([raw])).await?;
        assert_eq!(hash, json!(self.hash));
        Ok(self.hash)
    }

    /// Sends it and waits for its receipt.
    pub(crate) async fn included(&self, rpc: &Rpc) -> Value {
        self.send(rpc).await.unwrap();
        let what = format!("receipt of {}", self.hash);
        eventually(&what, 30, || rpc.receipt(self.hash)).await
    }
}
