//! The operator's parameters on L1: rotated at once, and carried to L2 through the deposit queue.
//!
//! `trestle operator` is this module behind arguments. Spec: `SPEC.md`, section 3.

use alloy::{
    primitives::{Address, B256},
    providers::DynProvider,
    rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use trestle_contracts::bindings::{SystemConfig, system_config::SystemConfig::setBatcherCall};

use crate::transfer::{TransferError, Wallet};

/// The SystemConfig of a chain.
#[derive(Debug, Clone)]
pub struct Operator {
    at: Address,
    provider: DynProvider,
}

impl Operator {
    /// The SystemConfig at `at`.
    #[must_use]
    pub const fn new(provider: DynProvider, at: Address) -> Self {
        Self { at, provider }
    }

    /// The account whose batches the Inbox takes.
    ///
    /// # Errors
    /// [`TransferError::Contract`] when L1 cannot be asked.
    pub async fn batcher(&self) -> Result<Address, TransferError> {
        let config = SystemConfig::new(self.at, &self.provider);
        let params = config.operatorParams().call().await;
        Ok(params?.batcher)
    }

    /// Makes `batcher` the account whose batches the Inbox takes, from the block of this transaction on.
    ///
    /// # Errors
    /// [`TransferError`]: the account of `wallet` is not the operator, cannot pay, or L1 does not include it.
    pub async fn set_batcher(
        &self,
        wallet: &Wallet,
        batcher: Address,
    ) -> Result<B256, TransferError> {
        let input = setBatcherCall { batcher }.abi_encode();
        let request = TransactionRequest::default().to(self.at);
        let request = request.input(alloy::primitives::Bytes::from(input).into());
        let receipt = wallet.send("rotation of the batcher", request).await?;
        Ok(receipt.transaction_hash)
    }
}
