//! Typed reads of contracts on L1 through the endpoint's `eth_call`, for proposer and challenger.

use super::{L1Client, RpcError};
use alloy::{
    eips::BlockNumberOrTag,
    rpc::types::{Block, TransactionRequest},
    sol_types::SolCall,
};
use alloy_primitives::{Address, Bytes, U256};

/// Why a contract could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// L1 could not be asked, or the call reverted.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The contract answered with something else than its function returns.
    #[error("{contract} on l1 gave a malformed answer")]
    Malformed {
        /// The contract.
        contract: Address,
    },
}

/// Reads contracts, at the newest block where nothing else is said.
#[derive(Debug, Clone)]
pub struct ContractReader {
    client: L1Client,
}

impl ContractReader {
    /// A reader over `client`.
    #[must_use]
    pub const fn new(client: L1Client) -> Self {
        Self { client }
    }

    /// Calls a function of the contract at `to`.
    ///
    /// # Errors
    /// [`ReadError::Rpc`] when it reverts or L1 does not answer, [`ReadError::Malformed`].
    pub async fn read<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, ReadError> {
        self.read_at(to, call, BlockNumberOrTag::Latest).await
    }

    /// Calls a function of the contract at `to` in the state after block `at`.
    ///
    /// # Errors
    /// As [`Self::read`]; also when the endpoint has that state no more.
    pub async fn read_at<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        at: BlockNumberOrTag,
    ) -> Result<C::Return, ReadError> {
        let output = self.raw(None, to, call.abi_encode().into(), at).await?;
        C::abi_decode_returns(&output).map_err(|_| ReadError::Malformed { contract: to })
    }

    /// Code at an address.
    ///
    /// # Errors
    /// [`ReadError::Rpc`].
    pub async fn code(&self, at: Address) -> Result<Bytes, ReadError> {
        let latest = BlockNumberOrTag::Latest;
        Ok(self.client.call("eth_getCode", (at, latest)).await?)
    }

    /// Whether a call from `from` would succeed now.
    ///
    /// # Errors
    /// [`ReadError::Rpc`] when L1 does not answer.
    pub async fn would_succeed(
        &self,
        from: Address,
        to: Address,
        call: &impl SolCall,
    ) -> Result<bool, ReadError> {
        let latest = BlockNumberOrTag::Latest;
        match self
            .raw(Some(from), to, call.abi_encode().into(), latest)
            .await
        {
            Ok(_) => Ok(true),
            Err(error) if error.is_revert() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn raw(
        &self,
        from: Option<Address>,
        to: Address,
        data: Bytes,
        at: BlockNumberOrTag,
    ) -> Result<Bytes, RpcError> {
        let request = TransactionRequest {
            from,
            ..TransactionRequest::default().to(to).input(data.into())
        };
        self.client.call("eth_call", (request, at)).await
    }

    /// Balance of an account in wei.
    ///
    /// # Errors
    /// [`ReadError::Rpc`].
    pub async fn balance(&self, account: Address) -> Result<U256, ReadError> {
        let latest = BlockNumberOrTag::Latest;
        Ok(self
            .client
            .call("eth_getBalance", (account, latest))
            .await?)
    }

    /// Timestamp of the newest block in seconds.
    ///
    /// # Errors
    /// [`ReadError::Rpc`].
    pub async fn time(&self) -> Result<u64, ReadError> {
        let latest = BlockNumberOrTag::Latest;
        let block: Block = self
            .client
            .call("eth_getBlockByNumber", (latest, false))
            .await?;
        Ok(block.header.timestamp)
    }
}
