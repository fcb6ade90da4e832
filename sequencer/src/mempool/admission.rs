//! The checks that a transaction passes before it enters the pool: derivation's skip list, asked
//! through the same functions, so that what passes here only fails later if the state moved on.

use alloy_consensus::Transaction;
use trestle_protocol::{
    AccountInfo, ChainConfig, SkipReason, check_account, check_chain, check_fee, check_shape,
};

use super::{FeeView, PoolError, PooledTransaction, SenderAccount, error::refusal};

/// Checks that depend on nothing but the transaction, the chain and the price.
pub(super) fn check_transaction(
    config: &ChainConfig,
    pooled: &PooledTransaction,
    fees: &FeeView,
) -> Result<(), PoolError> {
    let tx = &pooled.tx;
    let checks = || {
        check_chain(config, tx)?;
        check_shape(config, tx, fees.block_gas)?;
        check_fee(tx, 0)
    };
    checks().map_err(|reason| match reason {
        SkipReason::ChainId => {
            let have = tx.chain_id().unwrap_or_default();
            PoolError::ChainId {
                have,
                want: config.l2_chain_id,
            }
        }
        SkipReason::TxGasLimit => PoolError::GasCap {
            have: tx.gas_limit(),
            cap: config.tx_gas_limit,
        },
        other => refusal(other, Some(tx)),
    })?;
    if pooled.max_fee() < fees.least_fee {
        return Err(PoolError::Underpriced {
            have: pooled.max_fee(),
            want: fees.least_fee,
        });
    }
    Ok(())
}

/// Checks of the sender's account at the newest state; a nonce ahead of it is the queue's concern.
pub(super) fn check_sender(
    pooled: &PooledTransaction,
    sender: &SenderAccount,
) -> Result<(), PoolError> {
    let SenderAccount {
        info: AccountInfo {
            nonce,
            balance,
            code_hash,
        },
        code,
    } = sender;
    let account = revm::state::AccountInfo {
        nonce: (*nonce).max(pooled.nonce()),
        balance: *balance,
        code_hash: *code_hash,
        ..revm::state::AccountInfo::default()
    };
    if pooled.nonce() < *nonce {
        return Err(PoolError::NonceTooLow {
            next: *nonce,
            got: pooled.nonce(),
        });
    }
    check_account(&pooled.tx, &account, code).map_err(|reason| refusal(reason, Some(&pooled.tx)))
}
