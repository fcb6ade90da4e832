//! Why a transaction is skipped, in the order in which it is asked.
//!
//! The mempool asks the same questions through the same functions before it admits. Spec:
//! `SPEC.md`, section 5.5.

use crate::{ChainConfig, evm::SPEC_ID};
use alloy_consensus::Transaction;
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::U256;
use op_alloy_consensus::OpTxEnvelope;
use revm::{context_interface::cfg::gas::calculate_initial_tx_gas, state::AccountInfo};

/// Longest initcode in bytes (EIP-3860).
const MAX_INITCODE: usize = 49_152;
/// Bytes of an EIP-7702 delegation.
const DELEGATION_LEN: usize = 23;
/// Prefix of an EIP-7702 delegation.
const DELEGATION_PREFIX: [u8; 3] = [0xef, 0x01, 0x00];

/// Why a transaction cannot be included at its turn, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SkipReason {
    /// The bytes are no transaction.
    #[error("transaction does not decode")]
    Undecodable,
    /// The type is not 0, 1, 2 or 4.
    #[error("transaction type not supported")]
    Type,
    /// Signed for another chain.
    #[error("transaction is for another chain")]
    ChainId,
    /// `s` above half the order (EIP-2).
    #[error("signature has a high s")]
    HighS,
    /// Nobody made this signature.
    #[error("signature does not recover")]
    Signature,
    /// Above the gas limit of a transaction (EIP-7825).
    #[error("gas limit above that of a transaction")]
    TxGasLimit,
    /// More gas than the block has left.
    #[error("gas limit above what is left in the block")]
    BlockGas,
    /// Below the intrinsic gas or the floor of EIP-7623.
    #[error("gas limit below intrinsic gas {required}")]
    IntrinsicGas {
        /// The least gas limit of such a transaction.
        required: u64,
    },
    /// Initcode too long (EIP-3860).
    #[error("initcode too long")]
    InitcodeSize,
    /// An EIP-7702 transaction without authorisations.
    #[error("authorisation list is empty")]
    EmptyAuthorizationList,
    /// Maximal fee below the base fee.
    #[error("max fee per gas below base fee {base_fee}")]
    FeeBelowBase {
        /// Base fee of the block in wei per gas.
        base_fee: u64,
    },
    /// Tip above the maximal fee.
    #[error("max priority fee per gas above max fee per gas")]
    TipAboveFee,
    /// The sender is a contract (EIP-3607).
    #[error("sender is a contract")]
    SenderHasCode,
    /// The nonce was used.
    #[error("nonce too low: account is at {account}")]
    NonceTooLow {
        /// The account's nonce.
        account: u64,
    },
    /// The nonce's turn has not come.
    #[error("nonce too high: account is at {account}")]
    NonceTooHigh {
        /// The account's nonce.
        account: u64,
    },
    /// The nonce is 2^64 − 1 (EIP-2681).
    #[error("nonce has no successor")]
    NonceOverflow,
    /// Balance below `max fee · gas + value`.
    #[error("balance {balance} below cost {cost}")]
    Balance {
        /// The account's balance in wei.
        balance: U256,
        /// The most that the transaction may cost in wei.
        cost: U256,
    },
    /// The EVM refuses it for a reason that the checks above should have found.
    #[error("refused by the EVM")]
    Rejected,
}

/// Decodes a user transaction in its EIP-2718 form, without trailing bytes.
///
/// # Errors
/// [`SkipReason::Type`] for a type that is not 0, 1, 2 or 4, else [`SkipReason::Undecodable`].
pub fn decode_transaction(bytes: &[u8]) -> Result<OpTxEnvelope, SkipReason> {
    match bytes.first() {
        None => return Err(SkipReason::Undecodable),
        Some(0x01 | 0x02 | 0x04 | 0x80..) => {}
        Some(_) => return Err(SkipReason::Type),
    }
    OpTxEnvelope::decode_2718_exact(bytes).map_err(|_| SkipReason::Undecodable)
}

/// The least gas that a transaction must bring: intrinsic gas, or the floor of EIP-7623.
#[must_use]
pub fn required_gas(tx: &OpTxEnvelope) -> u64 {
    let (accounts, slots) = tx.access_list().map_or((0, 0), |list| {
        let slots: usize = list.iter().map(|item| item.storage_keys.len()).sum();
        (list.len(), slots)
    });
    let authorizations = tx.authorization_list().map_or(0, <[_]>::len);
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let gas = calculate_initial_tx_gas(
        SPEC_ID,
        tx.input(),
        tx.is_create(),
        count(accounts),
        count(slots),
        count(authorizations),
        None,
    );
    gas.initial_regular_gas.max(gas.floor_gas)
}

/// Checks that need only the transaction: type and chain, before its sender is recovered.
///
/// # Errors
/// [`SkipReason::Type`] and [`SkipReason::ChainId`].
pub fn check_chain(config: &ChainConfig, tx: &OpTxEnvelope) -> Result<(), SkipReason> {
    if matches!(tx, OpTxEnvelope::Deposit(_) | OpTxEnvelope::PostExec(_)) {
        return Err(SkipReason::Type);
    }
    match tx.chain_id() {
        Some(id) if id != config.l2_chain_id => Err(SkipReason::ChainId),
        None if !tx.is_legacy() => Err(SkipReason::ChainId),
        _ => Ok(()),
    }
}

/// Checks of gas and shape, given the gas that is left in the block.
///
/// # Errors
/// From [`SkipReason::TxGasLimit`] to [`SkipReason::EmptyAuthorizationList`].
pub fn check_shape(
    config: &ChainConfig,
    tx: &OpTxEnvelope,
    block_gas_left: u64,
) -> Result<(), SkipReason> {
    if tx.gas_limit() > config.tx_gas_limit {
        return Err(SkipReason::TxGasLimit);
    }
    if tx.gas_limit() > block_gas_left {
        return Err(SkipReason::BlockGas);
    }
    let required = required_gas(tx);
    if tx.gas_limit() < required {
        return Err(SkipReason::IntrinsicGas { required });
    }
    if tx.is_create() && tx.input().len() > MAX_INITCODE {
        return Err(SkipReason::InitcodeSize);
    }
    if tx.authorization_list().is_some_and(<[_]>::is_empty) {
        return Err(SkipReason::EmptyAuthorizationList);
    }
    Ok(())
}

/// Checks of the price, in wei per gas.
///
/// # Errors
/// [`SkipReason::FeeBelowBase`] and [`SkipReason::TipAboveFee`].
pub fn check_fee(tx: &OpTxEnvelope, base_fee: u64) -> Result<(), SkipReason> {
    if tx.max_fee_per_gas() < u128::from(base_fee) {
        return Err(SkipReason::FeeBelowBase { base_fee });
    }
    if tx
        .max_priority_fee_per_gas()
        .is_some_and(|tip| tip > tx.max_fee_per_gas())
    {
        return Err(SkipReason::TipAboveFee);
    }
    Ok(())
}

/// Checks against the sender's account; `code` is its code.
///
/// # Errors
/// From [`SkipReason::SenderHasCode`] to [`SkipReason::Balance`].
pub fn check_account(
    tx: &OpTxEnvelope,
    account: &AccountInfo,
    code: &[u8],
) -> Result<(), SkipReason> {
    if !code.is_empty() && !is_delegation(code) {
        return Err(SkipReason::SenderHasCode);
    }
    let (nonce, expected) = (tx.nonce(), account.nonce);
    if nonce < expected {
        return Err(SkipReason::NonceTooLow { account: expected });
    }
    if nonce > expected {
        return Err(SkipReason::NonceTooHigh { account: expected });
    }
    if nonce == u64::MAX {
        return Err(SkipReason::NonceOverflow);
    }
    let (cost, balance) = (max_cost(tx), account.balance);
    if cost > balance {
        return Err(SkipReason::Balance { balance, cost });
    }
    Ok(())
}

/// The most that a transaction may take from its sender, in wei; saturates.
#[must_use]
pub fn max_cost(tx: &OpTxEnvelope) -> U256 {
    U256::from(tx.max_fee_per_gas())
        .saturating_mul(U256::from(tx.gas_limit()))
        .saturating_add(tx.value())
}

/// Whether code is an EIP-7702 delegation: `0xef0100` and an address.
#[must_use]
pub fn is_delegation(code: &[u8]) -> bool {
    code.len() == DELEGATION_LEN && code.starts_with(&DELEGATION_PREFIX)
}
