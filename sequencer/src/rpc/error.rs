//! What a failed request answers.
//!
//! Codes follow EIP-1474, except 3 for a revert. viem retries -32603 and -32005, so nothing that
//! would fail again carries them.

use alloy::sol_types::{GenericContractError, PanicKind, SolInterface};
use alloy_primitives::Bytes;
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::{Value, json};

use crate::{mempool::PoolError, store::StoreError};

/// A JSON-RPC error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RpcError {
    code: i32,
    message: String,
    data: Option<Value>,
}

impl RpcError {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// An error with a code of its own.
    pub fn with_code(code: i32, message: impl Into<String>) -> Self {
        Self::new(code, message)
    }

    /// The parameters are wrong (-32602).
    pub fn params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// The request cannot be served as it stands, and never will (-32000).
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(-32000, message)
    }

    /// What is asked about does not exist (-32001).
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(-32001, message)
    }

    /// The transaction is refused (-32003).
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::new(-32003, message)
    }

    /// A bound of this node is exceeded for now (-32005).
    pub fn busy(message: impl Into<String>) -> Self {
        Self::new(-32005, message)
    }

    /// The node itself failed; asking again may help (-32603).
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(-32603, message)
    }

    /// geth's words: ethers matches `/the method .* does not exist/`.
    pub fn unknown_method(name: &str) -> Self {
        Self::new(
            -32601,
            format!("the method {name} does not exist/is not available"),
        )
    }

    /// An error with a code of its own and data.
    pub fn with_data(code: i32, message: impl Into<String>, data: Value) -> Self {
        Self {
            code,
            message: message.into(),
            data: Some(data),
        }
    }

    /// The call reverted with `output`.
    pub fn revert(output: &Bytes) -> Self {
        let message = match GenericContractError::abi_decode(output) {
            Ok(GenericContractError::Revert(revert)) => {
                format!("execution reverted: {}", revert.reason)
            }
            Ok(GenericContractError::Panic(panic)) => {
                let reason = panic
                    .kind()
                    .map_or("unknown panic code", PanicKind::as_geth_str);
                format!("execution reverted: {reason}")
            }
            Err(_) => "execution reverted".to_owned(),
        };
        Self::with_data(3, message, json!(output))
    }

    /// The code.
    pub const fn code(&self) -> i32 {
        self.code
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        Self::owned(error.code, error.message, error.data)
    }
}

impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownBlock { number } => {
                Self::not_found(format!("block not found: {number:#x}"))
            }
            other => {
                tracing::error!(error = %other, "store failed a request");
                Self::internal(other.to_string())
            }
        }
    }
}

impl From<PoolError> for RpcError {
    fn from(error: PoolError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
