//! An account on one layer: tries a transaction out, sends it, waits for its receipt.

use std::time::Duration;

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
    transports::http::reqwest::Url,
};
use tokio::time::{Instant, sleep};

use super::{Layer, TransferError};

/// Longest wait for a receipt, in seconds.
const RECEIPT_SECONDS: u64 = 300;
/// Gas is estimated in the newest block, and spent in a later one where the deposit market may ask more.
const GAS_MARGIN: (u64, u64) = (3, 2);

/// A provider that signs for one account.
#[derive(Debug, Clone)]
pub struct Wallet {
    layer: Layer,
    provider: DynProvider,
    account: Address,
    poll: Duration,
}

/// What a transaction would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// Gas limit it would be sent with.
    pub gas_limit: u64,
    /// Most wei that the gas can cost at the present price.
    pub fee: U256,
    /// Wei that it carries.
    pub value: U256,
}

impl Wallet {
    /// The account of `signer` at the endpoint `url`, which is asked for receipts every `poll`.
    #[must_use]
    pub fn new(layer: Layer, url: Url, signer: PrivateKeySigner, poll: Duration) -> Self {
        let account = signer.address();
        let provider = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(EthereumWallet::from(signer))
            .connect_http(url)
            .erased();
        Self {
            layer,
            provider,
            account,
            poll,
        }
    }

    /// Whose wallet it is.
    #[must_use]
    pub const fn account(&self) -> Address {
        self.account
    }

    /// Which layer it is on.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// The endpoint, signing.
    #[must_use]
    pub const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// Time between two looks at the chain.
    #[must_use]
    pub const fn poll(&self) -> Duration {
        self.poll
    }

    /// Tries `request` out without sending it.
    ///
    /// # Errors
    /// [`TransferError::Refused`] with the contract's error, [`TransferError::Underfunded`],
    /// [`TransferError::Rpc`].
    pub async fn quote(
        &self,
        what: &'static str,
        request: TransactionRequest,
    ) -> Result<Quote, TransferError> {
        let failed = TransferError::rpc(self.layer);
        let value = request.value.unwrap_or_default();
        let balance = self.provider.get_balance(self.account).await;
        let balance = balance.map_err(&failed)?;
        if balance < value {
            return Err(self.underfunded(balance, value));
        }
        let request = request.with_from(self.account);
        let sorted = |source| TransferError::of_simulation(self.layer, what, source);
        self.provider.call(request.clone()).await.map_err(sorted)?;
        let gas = self.provider.estimate_gas(request).await.map_err(sorted)?;
        let gas_limit = gas.saturating_mul(GAS_MARGIN.0) / GAS_MARGIN.1;
        let price = self.provider.get_gas_price().await.map_err(&failed)?;
        let fee = U256::from(gas_limit).saturating_mul(U256::from(price));
        let needed = value.saturating_add(fee);
        if balance < needed {
            return Err(self.underfunded(balance, needed));
        }
        Ok(Quote {
            gas_limit,
            fee,
            value,
        })
    }

    /// Tries `request` out, sends it and waits until it is included.
    ///
    /// # Errors
    /// As [`Self::quote`]; [`TransferError::NotIncluded`], [`TransferError::Reverted`].
    pub async fn send(
        &self,
        what: &'static str,
        request: TransactionRequest,
    ) -> Result<TransactionReceipt, TransferError> {
        self.send_with(what, request, 0).await
    }

    /// As [`Self::send`], with a gas limit of at least `gas`: for calls that succeed with less and then do less.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(super) async fn send_with(
        &self,
        what: &'static str,
        request: TransactionRequest,
        gas: u64,
    ) -> Result<TransactionReceipt, TransferError> {
        let quote = self.quote(what, request.clone()).await?;
        let request = request
            .with_from(self.account)
            .with_gas_limit(quote.gas_limit.max(gas));
        let pending = self.provider.send_transaction(request).await;
        let tx = *pending.map_err(TransferError::rpc(self.layer))?.tx_hash();
        let receipt = self.receipt(what, tx).await?;
        if receipt.status() {
            Ok(receipt)
        } else {
            Err(TransferError::Reverted { what, tx })
        }
    }

    async fn receipt(
        &self,
        what: &'static str,
        tx: B256,
    ) -> Result<TransactionReceipt, TransferError> {
        let limit = Instant::now() + Duration::from_secs(RECEIPT_SECONDS);
        loop {
            let receipt = self.provider.get_transaction_receipt(tx).await;
            if let Some(receipt) = receipt.map_err(TransferError::rpc(self.layer))? {
                return Ok(receipt);
            }
            if Instant::now() > limit {
                return Err(TransferError::NotIncluded {
                    what,
                    tx,
                    seconds: RECEIPT_SECONDS,
                });
            }
            sleep(self.poll).await;
        }
    }

    const fn underfunded(&self, balance: U256, needed: U256) -> TransferError {
        TransferError::Underfunded {
            account: self.account,
            layer: self.layer,
            balance,
            needed,
        }
    }
}
