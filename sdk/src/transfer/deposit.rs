//! Deposits: calls from L1 that L2 executes, with the ETH that they bring.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::types::{TransactionReceipt, TransactionRequest},
    sol_types::SolEvent,
};
use trestle_contracts::bindings::inbox::Inbox::EntryEnqueued;
use trestle_protocol::{ChainConfig, EntryBody, QueueEntry, QueuedEntry, deposit_transaction};

use super::{Settlement, TransferError, Wallet};

/// L2 gas of a deposit that only carries ETH to an account.
pub const MIN_DEPOSIT_GAS: u64 = 100_000;

/// A call that L2 shall execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepositRequest {
    /// Whom to call on L2.
    pub to: Address,
    /// Wei that are locked on L1 and minted to the sender on L2.
    pub mint: U256,
    /// Wei that the call carries, out of the sender's balance on L2.
    pub value: U256,
    /// L2 gas of the call; paid for on L1.
    pub gas_limit: u64,
    /// Data of the call.
    pub data: Bytes,
}

impl DepositRequest {
    /// ETH for an account.
    #[must_use]
    pub const fn of_ether(to: Address, value: U256) -> Self {
        Self {
            to,
            mint: value,
            value,
            gas_limit: MIN_DEPOSIT_GAS,
            data: Bytes::new(),
        }
    }
}

/// A deposit that L1 has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deposited {
    /// Index of the queue entry.
    pub index: u64,
    /// L1 transaction.
    pub l1_tx: B256,
    /// Hash that the transaction has on L2, whenever it gets there.
    pub l2_tx: B256,
}

impl Settlement {
    /// The L1 transaction of a deposit.
    #[must_use]
    pub fn deposit_request(&self, request: &DepositRequest) -> TransactionRequest {
        let portal = self.portal();
        let DepositRequest {
            to,
            mint,
            value,
            gas_limit,
            data,
        } = request;
        portal
            .depositTransaction(*to, *value, *gas_limit, false, data.clone())
            .value(*mint)
            .into_transaction_request()
    }

    /// Deposits, from the account of `wallet`.
    ///
    /// # Errors
    /// As [`Wallet::send`]; [`TransferError::NoEvent`].
    pub async fn deposit(
        &self,
        wallet: &Wallet,
        chain: &ChainConfig,
        request: &DepositRequest,
    ) -> Result<Deposited, TransferError> {
        let receipt = wallet
            .send("the deposit", self.deposit_request(request))
            .await?;
        let found = self.deposits_in(&receipt, chain).into_iter().next();
        found.ok_or(TransferError::NoEvent {
            tx: receipt.transaction_hash,
            event: "EntryEnqueued",
        })
    }

    /// The deposits of an L1 transaction, in order.
    #[must_use]
    pub fn deposits_in(&self, receipt: &TransactionReceipt, chain: &ChainConfig) -> Vec<Deposited> {
        let logs = receipt.logs().iter();
        let ours = logs.filter(|log| log.address() == self.contracts().inbox);
        ours.filter_map(|log| EntryEnqueued::decode_log(&log.inner).ok())
            .filter_map(|event| deposited(chain, receipt.transaction_hash, event.data))
            .collect()
    }
}

/// The deposit that a queue entry is; `None` for entries of the system.
pub(super) fn deposited(
    chain: &ChainConfig,
    l1_tx: B256,
    event: EntryEnqueued,
) -> Option<Deposited> {
    let entry = QueueEntry::decode(&event.entry, event.data).ok()?;
    if !matches!(entry.body, EntryBody::Deposit(_)) {
        return None;
    }
    let queued = QueuedEntry {
        index: event.index,
        acc: event.acc,
        entry,
    };
    Some(Deposited {
        index: event.index,
        l1_tx,
        l2_tx: deposit_transaction(chain, &queued).tx_hash(),
    })
}
