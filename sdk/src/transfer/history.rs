//! Transfers of an account, from the logs of both layers.

use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use trestle_contracts::{
    bindings::{
        l1_standard_bridge::L1StandardBridge::{ERC20BridgeInitiated, ETHBridgeInitiated},
        l2_to_l1_message_passer::L2ToL1MessagePasser::MessagePassed,
        portal::Portal::TransactionDeposited,
    },
    predeploys::{L2_CROSS_DOMAIN_MESSENGER, L2_TO_L1_MESSAGE_PASSER},
};

use super::{Layer, PendingWithdrawal, Settlement, TransferError, Withdrawal};

/// Blocks asked for at a time.
const SPAN: u64 = 10_000;

/// A deposit that an account made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentDeposit {
    /// Recipient on L2.
    pub to: Address,
    /// Token of L1; `None` for ETH.
    pub token: Option<Address>,
    /// Wei that were minted, or units of the token.
    pub amount: U256,
    /// L1 block.
    pub block: u64,
    /// L1 transaction.
    pub transaction: B256,
}

/// Withdrawals that `account` began on L2 from block `from` on, by itself, through the messenger or through the
/// bridge; oldest first.
///
/// # Errors
/// [`TransferError::Rpc`].
pub async fn withdrawals_of(
    l2: &DynProvider,
    account: Address,
    from: u64,
) -> Result<Vec<PendingWithdrawal>, TransferError> {
    let senders = [account, L2_CROSS_DOMAIN_MESSENGER].map(|sender| sender.into_word());
    let filter = Filter::new()
        .address(L2_TO_L1_MESSAGE_PASSER)
        .event_signature(MessagePassed::SIGNATURE_HASH)
        .topic2(senders.to_vec());
    let logs = logs(l2, Layer::L2, filter, from).await?;
    let found = logs.iter().filter_map(|log| {
        Some(PendingWithdrawal {
            withdrawal: Withdrawal::of_log(log)?,
            block: log.block_number?,
            transaction: log.transaction_hash,
        })
    });
    let mut found: Vec<_> = found.collect();
    found.retain(|pending| pending.withdrawal.is_of(account));
    Ok(found)
}

/// Deposits that `sender` made on L1 from block `from` on, by the Portal or the bridge; oldest first.
///
/// # Errors
/// [`TransferError::Rpc`].
pub async fn deposits_of(
    settlement: &Settlement,
    sender: Address,
    from: u64,
) -> Result<Vec<SentDeposit>, TransferError> {
    let contracts = settlement.contracts();
    let by_portal = Filter::new()
        .address(contracts.portal)
        .event_signature(TransactionDeposited::SIGNATURE_HASH)
        .topic1(sender.into_word());
    let bridge = Filter::new().address(contracts.l1_standard_bridge);
    let ether = bridge
        .clone()
        .event_signature(ETHBridgeInitiated::SIGNATURE_HASH)
        .topic1(sender.into_word());
    let tokens = bridge
        .event_signature(ERC20BridgeInitiated::SIGNATURE_HASH)
        .topic3(sender.into_word());
    let mut all = Vec::new();
    for filter in [by_portal, ether, tokens] {
        let found = logs(settlement.provider(), Layer::L1, filter, from).await?;
        all.extend(found.iter().filter_map(SentDeposit::of_log));
    }
    all.sort_by_key(|deposit| deposit.block);
    Ok(all)
}

impl SentDeposit {
    /// The deposit that the Portal or the bridge logged.
    fn of_log(log: &Log) -> Option<Self> {
        let (to, token, amount) = content(log)?;
        Some(Self {
            to,
            token,
            amount,
            block: log.block_number?,
            transaction: log.transaction_hash?,
        })
    }
}

/// Recipient, token and amount.
fn content(log: &Log) -> Option<(Address, Option<Address>, U256)> {
    if let Ok(event) = TransactionDeposited::decode_log(&log.inner) {
        let mint = event.opaqueData.first_chunk::<32>()?;
        return Some((event.to, None, U256::from_be_bytes(*mint)));
    }
    if let Ok(event) = ETHBridgeInitiated::decode_log(&log.inner) {
        return Some((event.to, None, event.amount));
    }
    let event = ERC20BridgeInitiated::decode_log(&log.inner).ok()?;
    Some((event.to, Some(event.localToken), event.amount))
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
