//! Forced inclusion: what the sequencer leaves out for too long, anyone brings in.

use alloy::primitives::B256;

use super::{Settlement, TransferError, Wallet};

/// Queue of what L1 tells L2, from its oldest entry that no batch consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// The oldest entry that no batch consumed.
    pub next: u64,
    /// Entries in all.
    pub count: u64,
    /// Entry after the last one that can be forced in now; equal to `next` when none is overdue.
    pub forced_to: u64,
    /// When the oldest entry is overdue, in seconds since 1970; 0 when all are consumed.
    pub overdue_at: u64,
}

impl Queue {
    /// Whether `forceInclude` has something to do.
    #[must_use]
    pub const fn is_overdue(&self) -> bool {
        self.forced_to > self.next
    }
}

impl Settlement {
    /// Seconds after which a queue entry is overdue.
    ///
    /// # Errors
    /// [`TransferError::Contract`].
    pub async fn forced_inclusion_delay(&self) -> Result<u64, TransferError> {
        Ok(self.inbox().forcedInclusionDelay().call().await?)
    }

    /// What waits in the queue.
    ///
    /// # Errors
    /// [`TransferError::Contract`].
    pub async fn queue(&self) -> Result<Queue, TransferError> {
        let inbox = self.inbox();
        let next = inbox.nextDeposit().call().await?;
        let count = inbox.depositCount().call().await?;
        let forced_to = inbox.forcedDepositTo().call().await?;
        let overdue_at = match inbox.entryTime(next).call().await? {
            0 => 0,
            time => time.saturating_add(inbox.forcedInclusionDelay().call().await?),
        };
        Ok(Queue {
            next,
            count,
            forced_to,
            overdue_at,
        })
    }

    /// Appends a batch of the entries that are overdue.
    ///
    /// # Errors
    /// As [`Wallet::send`]; the Inbox refuses with `NothingOverdue`.
    pub async fn force_include(&self, wallet: &Wallet) -> Result<B256, TransferError> {
        let request = self.inbox().forceInclude().into_transaction_request();
        let receipt = wallet.send("forced inclusion", request).await?;
        Ok(receipt.transaction_hash)
    }
}
