//! The accounts that send, what gives them funds, and their signed transactions.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Address, B256, Bytes, TxKind, U256, address, hex, keccak256},
    signers::local::PrivateKeySigner,
    sol,
    sol_types::SolCall,
};
use trestle_contracts::bindings::SampleToken;

/// Preinstall that makes several calls at once.
const MULTICALL: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
/// What the marketplace keeps of a payment.
const FEE_ACCOUNT: Address = address!("000000000000000000000000000000000000fee5");

sol! {
    struct Call3Value {
        address target;
        bool allowFailure;
        uint256 value;
        bytes callData;
    }

    function aggregate3Value(Call3Value[] calls) payable;
}

/// What the load consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// ETH.
    Ether,
    /// An ERC-20.
    Token,
    /// Of five transactions two pay in ETH, two in an ERC-20, and one in ETH of which a twentieth is
    /// commission, through Multicall3.
    Market,
}

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

    /// Signs the next transaction of the load.
    ///
    /// # Errors
    /// When signing fails.
    pub(crate) fn transfer(
        &mut self,
        kind: Kind,
        token: Address,
        to: Address,
    ) -> eyre::Result<Signed> {
        match (kind, self.nonce % 5) {
            (Kind::Ether, _) | (Kind::Market, 0 | 3) => self.pay(to),
            (Kind::Token, _) | (Kind::Market, 1 | 4) => self.pay_token(token, to),
            (Kind::Market, _) => self.pay_with_commission(to),
        }
    }

    /// Some amount that differs from payment to payment.
    fn amount(&self) -> U256 {
        U256::from(self.nonce.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24)
    }

    fn pay(&mut self, to: Address) -> eyre::Result<Signed> {
        self.sign(to.into(), self.amount(), Bytes::new(), 21_000)
    }

    fn pay_token(&mut self, token: Address, to: Address) -> eyre::Result<Signed> {
        let value = self.amount();
        let call = SampleToken::transferCall { to, value };
        self.sign(token.into(), U256::ZERO, call.abi_encode().into(), 80_000)
    }

    fn pay_with_commission(&mut self, seller: Address) -> eyre::Result<Signed> {
        let value = self.amount();
        let fee = value / U256::from(20);
        let to = |target, value| Call3Value {
            target,
            allowFailure: false,
            value,
            callData: Bytes::new(),
        };
        let calls = vec![to(seller, value - fee), to(FEE_ACCOUNT, fee)];
        let input = aggregate3ValueCall { calls }.abi_encode().into();
        self.sign(MULTICALL.into(), value, input, 150_000)
    }
}
