//! Why a transaction is refused or dropped, in the words that wallets look for.
//!
//! viem, ethers and forge recognise these conditions by regular expressions over the message, so the
//! texts are those of geth and reth. The RPC layer passes them on unchanged with
//! [`PoolError::code`].

use alloy_consensus::Transaction;
use alloy_primitives::{ChainId, U256};
use op_alloy_consensus::OpTxEnvelope;
use trestle_protocol::SkipReason;

/// Why a transaction was not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The bytes are no signed transaction.
    #[error("failed to decode signed transaction")]
    Decode,
    /// Nothing was sent.
    #[error("empty transaction data")]
    Empty,
    /// The encoding is longer than a batch could carry; sizes in bytes.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Encoded length in bytes.
        size: usize,
        /// Longest encoding that is admitted, in bytes.
        limit: usize,
    },
    /// Blob transactions, deposits and types of the future.
    #[error("transaction type not supported")]
    TypeNotSupported,
    /// The transaction is signed for another chain.
    #[error("invalid chain id for signer: have {have} want {want}")]
    ChainId {
        /// Chain id in the transaction.
        have: ChainId,
        /// Chain id of this chain.
        want: ChainId,
    },
    /// The signature recovers to nobody, or has a high `s` (EIP-2).
    #[error("invalid sender: {0}")]
    Signature(&'static str),
    /// Gas limit below the intrinsic gas or the calldata floor of EIP-7623, in gas.
    #[error("intrinsic gas too low: gas {have}, minimum needed {want}")]
    IntrinsicGas {
        /// Gas limit of the transaction.
        have: u64,
        /// Least gas limit it needs.
        want: u64,
    },
    /// Gas limit above the cap of EIP-7825, in gas.
    #[error("transaction gas limit too high (cap: {cap}, tx: {have})")]
    GasCap {
        /// Gas limit of the transaction.
        have: u64,
        /// Cap of one transaction.
        cap: u64,
    },
    /// Gas limit above what a block gives to user transactions.
    #[error("exceeds block gas limit")]
    BlockGas,
    /// Creation code longer than EIP-3860 permits.
    #[error("max initcode size exceeded: code size {size}")]
    InitCode {
        /// Length of the creation code in bytes.
        size: usize,
    },
    /// An EIP-7702 transaction without authorizations.
    #[error("EIP-7702 transaction with empty authorization list")]
    NoAuthorizations,
    /// The tip exceeds the fee cap.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFee,
    /// The fee cap is below the least fee at which a block will take it; wei per gas.
    #[error("max fee per gas less than block base fee: maxFeePerGas: {have}, baseFee: {want}")]
    Underpriced {
        /// Fee cap of the transaction.
        have: u128,
        /// Least fee at present.
        want: u128,
    },
    /// The sender has code that is no EIP-7702 delegation (EIP-3607).
    #[error("sender not an eoa")]
    SenderHasCode,
    /// The nonce is used already.
    #[error("nonce too low: next nonce {next}, tx nonce {got}")]
    NonceTooLow {
        /// Next nonce of the sender.
        next: u64,
        /// Nonce of the transaction.
        got: u64,
    },
    /// The nonce is further ahead than the pool keeps.
    #[error("nonce too high: next nonce {next}, tx nonce {got}, kept ahead at most {ahead}")]
    NonceTooHigh {
        /// Next nonce of the sender.
        next: u64,
        /// Nonce of the transaction.
        got: u64,
        /// Nonces ahead of the next one that are kept.
        ahead: u64,
    },
    /// The nonce is 2^64 - 1 (EIP-2681).
    #[error("nonce has max value")]
    NonceOverflow,
    /// The EVM would refuse it.
    #[error("transaction rejected by the EVM")]
    Rejected,
    /// The balance does not cover this transaction and those queued with it, in wei.
    #[error("insufficient funds for gas * price + value: have {have} want {want}")]
    InsufficientFunds {
        /// Balance of the sender.
        have: U256,
        /// Most that the sender's pooled transactions and this one may cost.
        want: U256,
    },
    /// The very transaction is in the pool.
    #[error("already known")]
    AlreadyKnown,
    /// A replacement must raise both fees by a tenth.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// One sender holds as many bytes as it may.
    #[error("txpool is full: sender's transactions exceed {limit} bytes")]
    SenderFull {
        /// Bytes that one sender may hold.
        limit: usize,
    },
    /// The sender's account can be spent by others, so that it may have only this many transactions here.
    #[error("in-flight transaction limit reached for delegated accounts: {limit}")]
    DelegatedFull {
        /// Transactions that it may have here.
        limit: usize,
    },
    /// It would delegate an account that has more than this many transactions here.
    #[error("authority already reserved: it has more than {limit} transactions in the pool")]
    AuthorityBusy {
        /// Transactions that it may have here.
        limit: usize,
    },
    /// The pool is full of transactions that are worth more.
    #[error("txpool is full")]
    Full,
    /// The node takes no transactions for now.
    #[error("transaction intake is paused: {0}")]
    Paused(&'static str),
    /// So much waits for L1, or for the node's database, that nothing more is taken.
    #[error(
        "the chain waits for L1, or the node for its disk, and takes no transactions at present: try again later"
    )]
    Backlogged,
    /// The state could not be read, or the transaction not be journaled.
    #[error("node storage failed: {0}")]
    Storage(String),
}

impl PoolError {
    /// JSON-RPC error code.
    ///
    /// Clients retry -32603, so only a failing disk gets it; -32005 asks to slow down.
    pub const fn code(&self) -> i32 {
        match self {
            Self::Decode | Self::Empty => -32602,
            Self::Storage(_) => -32603,
            Self::Paused(_)
            | Self::Backlogged
            | Self::Full
            | Self::SenderFull { .. }
            | Self::DelegatedFull { .. }
            | Self::AuthorityBusy { .. } => -32005,
            Self::InsufficientFunds { .. } | Self::TypeNotSupported => -32003,
            _ => -32000,
        }
    }
}

/// What became of a transaction that left the pool without being included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropReason {
    /// Another transaction with the same nonce was included or took its place.
    Replaced,
    /// It made room for a transaction that can be executed, or pays more.
    Evicted,
    /// Execution found it invalid, for this reason.
    Invalid(String),
}

/// The refusal that stands for derivation's reason to skip `tx`.
pub(super) fn refusal(reason: SkipReason, tx: Option<&OpTxEnvelope>) -> PoolError {
    let gas = tx.map_or(0, |tx| tx.gas_limit());
    let nonce = tx.map_or(0, |tx| tx.nonce());
    let max_fee = tx.map_or(0, |tx| tx.max_fee_per_gas());
    match reason {
        SkipReason::Undecodable => PoolError::Decode,
        SkipReason::Type => PoolError::TypeNotSupported,
        SkipReason::ChainId => PoolError::ChainId { have: 0, want: 0 },
        SkipReason::HighS => PoolError::Signature("signature with a high s value"),
        SkipReason::Signature => PoolError::Signature("signature recovers to no account"),
        SkipReason::TxGasLimit => PoolError::GasCap { have: gas, cap: 0 },
        SkipReason::BlockGas => PoolError::BlockGas,
        SkipReason::IntrinsicGas { required } => PoolError::IntrinsicGas {
            have: gas,
            want: required,
        },
        SkipReason::InitcodeSize => PoolError::InitCode {
            size: tx.map_or(0, |tx| tx.input().len()),
        },
        SkipReason::EmptyAuthorizationList => PoolError::NoAuthorizations,
        SkipReason::FeeBelowBase { base_fee } => PoolError::Underpriced {
            have: max_fee,
            want: u128::from(base_fee),
        },
        SkipReason::TipAboveFee => PoolError::TipAboveFee,
        SkipReason::SenderHasCode => PoolError::SenderHasCode,
        SkipReason::NonceTooLow { account } => PoolError::NonceTooLow {
            next: account,
            got: nonce,
        },
        SkipReason::NonceTooHigh { account } => PoolError::NonceTooHigh {
            next: account,
            got: nonce,
            ahead: 0,
        },
        SkipReason::NonceOverflow => PoolError::NonceOverflow,
        SkipReason::Balance { balance, cost } => PoolError::InsufficientFunds {
            have: balance,
            want: cost,
        },
        SkipReason::Rejected => PoolError::Rejected,
    }
}
