//! The accounts that send, what gives them funds, and their signed transactions.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use trestle_contracts::bindings::SampleToken;

use crate::load::Kind;

/// Highest fee that a transaction offers, in wei per gas: the base fee of a loaded chain rises.
const MAX_FEE: u128 = 100_000_000_000;
/// Tip, in wei per gas.
const TIP: u128 = 1_000_000;

/// An account that sends.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    signer: PrivateKeySigner,
    nonce: u64,
    chain_id: u64,
}

/// A transaction as it is sent: the parameters of `eth_sendRawTransaction`, and its hash.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    /// `["0x…"]`
    pub(crate) params: String,
    /// Its hash.
    pub(crate) hash: B256,
}

impl Sender {
    /// Account of a private key, whose next nonce is `nonce`.
    ///
    /// # Errors
    /// When the key is none.
    pub(crate) fn new(key: &B256, nonce: u64, chain_id: u64) -> eyre::Result<Self> {
        Ok(Self {
            signer: PrivateKeySigner::from_bytes(key)?,
            nonce,
            chain_id,
        })
    }

    /// The account of number `index`, always the same.
    ///
    /// # Errors
    /// Never in practice: a hash is a private key but for one in 2^128.
    pub(crate) fn numbered(index: usize, chain_id: u64) -> eyre::Result<Self> {
        Self::new(
            &keccak256(format!("trestle load sender {index}")),
            0,
            chain_id,
        )
    }

    /// Its address.
    pub(crate) const fn address(&self) -> Address {
        self.signer.address()
    }

    /// Signs the next transaction.
    ///
    /// # Errors
    /// When signing fails.
    pub(crate) fn sign(
        &mut self,
        to: TxKind,
        value: U256,
        input: Bytes,
        gas_limit: u64,
    ) -> eyre::Result<Signed> {
        let mut tx = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit,
            max_fee_per_gas: MAX_FEE,
            max_priority_fee_per_gas: TIP,
            to,
            value,
            input,
            ..Default::default()
        };
        let signature = self.signer.sign_transaction_sync(&mut tx)?;
        self.nonce += 1;
        let envelope = TxEnvelope::from(tx.into_signed(signature));
        let params = format!("[\"{}\"]", hex::encode_prefixed(envelope.encoded_2718()));
        Ok(Signed {
            params,
            hash: *envelope.tx_hash(),
        })
    }

    /// Signs the transfer that the load consists of.
    ///
    /// # Errors
    /// When signing fails.
    pub(crate) fn transfer(
        &mut self,
        kind: Kind,
        token: Address,
        to: Address,
    ) -> eyre::Result<Signed> {
        match kind {
            Kind::Ether => self.sign(to.into(), U256::from(1), Bytes::new(), 21_000),
            Kind::Token => {
                let call = SampleToken::transferCall {
                    to,
                    value: U256::from(1),
                };
                self.sign(token.into(), U256::ZERO, call.abi_encode().into(), 80_000)
            }
        }
    }
}
