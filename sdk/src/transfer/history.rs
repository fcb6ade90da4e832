//! Transfers of an account, from the logs of both layers.

use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use trestle_contracts::{
    bindings::{
        l2_to_l1_message_passer::L2ToL1MessagePasser::MessagePassed,
        portal::Portal::TransactionDeposited,
    },
    predeploys::L2_TO_L1_MESSAGE_PASSER,
};

use super::{Layer, PendingWithdrawal, Settlement, TransferError, Withdrawal};

/// Blocks asked for at a time.
const SPAN: u64 = 10_000;

/// A deposit that an account made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentDeposit {
    /// Recipient on L2.
    pub to: Address,
    /// Wei that were minted.
    pub mint: U256,
    /// L1 block.
    pub block: u64,
    /// L1 transaction.
    pub transaction: B256,
}

/// Withdrawals that `sender` began on L2 from block `from` on, oldest first.
///
/// # Errors
/// [`TransferError::Rpc`].
pub async fn withdrawals_of(
    l2: &DynProvider,
    sender: Address,
    from: u64,
) -> Result<Vec<PendingWithdrawal>, TransferError> {
    let filter = Filter::new()
        .address(L2_TO_L1_MESSAGE_PASSER)
        .event_signature(MessagePassed::SIGNATURE_HASH)
        .topic2(sender.into_word());
    let logs = logs(l2, Layer::L2, filter, from).await?;
    let found = logs.iter().filter_map(|log| {
        Some(PendingWithdrawal {
            withdrawal: Withdrawal::of_log(log)?,
            block: log.block_number?,
            transaction: log.transaction_hash,
        })
    });
    Ok(found.collect())
}

/// Deposits that `sender` made on L1 from block `from` on, oldest first.
///
/// # Errors
/// [`TransferError::Rpc`].
pub async fn deposits_of(
    settlement: &Settlement,
    sender: Address,
    from: u64,
) -> Result<Vec<SentDeposit>, TransferError> {
    let filter = Filter::new()
        .address(settlement.contracts().portal)
        .event_signature(TransactionDeposited::SIGNATURE_HASH)
        .topic1(sender.into_word());
    let logs = logs(settlement.provider(), Layer::L1, filter, from).await?;
    let found = logs.iter().filter_map(|log| {
        let event = TransactionDeposited::decode_log(&log.inner).ok()?;
        let mint = event.opaqueData.first_chunk::<32>()?;
        Some(SentDeposit {
            to: event.to,
            mint: U256::from_be_bytes(*mint),
            block: log.block_number?,
            transaction: log.transaction_hash?,
        })
    });
    Ok(found.collect())
}

async fn logs(
    provider: &DynProvider,
    layer: Layer,
    filter: Filter,
    from: u64,
) -> Result<Vec<Log>, TransferError> {
    let failed = TransferError::rpc(layer);
    let head = provider.get_block_number().await.map_err(&failed)?;
    let mut all = Vec::new();
    let mut first = from;
    while first <= head {
        let last = head.min(first.saturating_add(SPAN - 1));
        let span = filter.clone().from_block(first).to_block(last);
        all.extend(provider.get_logs(&span).await.map_err(&failed)?);
        first = last.saturating_add(1);
    }
    Ok(all)
}
