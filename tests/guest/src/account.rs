//! Keys that sign transactions of the test chain.

use crate::CHAIN_ID;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use k256::ecdsa::SigningKey;
use op_alloy_consensus::OpTxEnvelope;

/// A key and its address.
#[derive(Debug, Clone)]
pub struct Account {
    key: SigningKey,
    pub address: Address,
}

impl Account {
    pub fn new(seed: u64) -> Self {
        let secret = keccak256(seed.to_be_bytes());
        let key = SigningKey::from_slice(secret.as_slice()).unwrap();
        let public = key.verifying_key().to_encoded_point(false);
        let address = Address::from_raw_public_key(&public.as_bytes()[1..]);
        Self { key, address }
    }

    pub fn sign_hash(&self, hash: B256) -> Signature {
        let (signature, id) = self.key.sign_prehash_recoverable(hash.as_slice()).unwrap();
        Signature::from((signature, id))
    }

    pub fn sign(&self, tx: TxEip1559) -> OpTxEnvelope {
        let signature = self.sign_hash(tx.signature_hash());
        OpTxEnvelope::Eip1559(tx.into_signed(signature))
    }

    pub fn sign_legacy(&self, tx: TxLegacy) -> OpTxEnvelope {
        let signature = self.sign_hash(tx.signature_hash());
        OpTxEnvelope::Legacy(tx.into_signed(signature))
    }

    pub fn sign_2930(&self, tx: TxEip2930) -> OpTxEnvelope {
        let signature = self.sign_hash(tx.signature_hash());
        OpTxEnvelope::Eip2930(tx.into_signed(signature))
    }

    pub fn sign_7702(&self, tx: TxEip7702) -> OpTxEnvelope {
        let signature = self.sign_hash(tx.signature_hash());
        OpTxEnvelope::Eip7702(tx.into_signed(signature))
    }

    pub fn authorize(&self, chain_id: u64, address: Address, nonce: u64) -> SignedAuthorization {
        let authorization = Authorization {
            chain_id: U256::from(chain_id),
            address,
            nonce,
        };
        let signature = self.sign_hash(authorization.signature_hash());
        authorization.into_signed(signature)
    }

    /// A call with enough fee.
    pub fn call(
        &self,
        nonce: u64,
        to: Address,
        gas_limit: u64,
        data: impl Into<Bytes>,
    ) -> OpTxEnvelope {
        self.sign(call(nonce, to, gas_limit, data))
    }
}

pub fn call(nonce: u64, to: Address, gas_limit: u64, data: impl Into<Bytes>) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        input: data.into(),
        ..TxEip1559::default()
    }
}

pub fn create(nonce: u64, gas_limit: u64, init: impl Into<Bytes>) -> TxEip1559 {
    TxEip1559 {
        to: TxKind::Create,
        ..call(nonce, Address::ZERO, gas_limit, init)
    }
}
