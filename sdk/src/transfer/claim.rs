//! A withdrawal's way to its payment, one step at a time.
//!
//! Everything that it needs to know is on chain, so it can be stopped anywhere and taken up by anyone.

use std::time::Duration;

use alloy::primitives::B256;
use tokio::time::{Instant, sleep};

use super::{
    Game, OutputSource, PendingWithdrawal, Settlement, Status, TransferError, Wallet,
    node::kept_message,
};

/// `status` of a game that is not decided.
const IN_PROGRESS: u8 = 0;

/// A withdrawal, the account that claims it, and whose word on output roots is taken.
#[derive(Debug)]
pub struct Claim<'a, S> {
    /// L1.
    pub settlement: &'a Settlement,
    /// Pays for the transactions on L1.
    pub wallet: &'a Wallet,
    /// Output roots.
    pub source: &'a S,
    /// The withdrawal.
    pub pending: &'a PendingWithdrawal,
    /// Games that began before this are too old to hold the withdrawal; seconds since 1970, 0 for all.
    pub since: u64,
}

/// What was done, or what is waited for. Times in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// No true output root of a block that has the withdrawal is proposed yet.
    WaitingForOutput,
    /// It was proven.
    Proven {
        /// Against which game.
        game: Game,
        /// By which L1 transaction.
        tx: B256,
    },
    /// Time has to pass, or a dispute has to end.
    Waiting {
        /// When it is ready, at the earliest.
        ready_at: u64,
    },
    /// The guardian paused finalisation.
    Paused {
        /// When that ends.
        until: u64,
    },
    /// Two contradictory roots stand.
    Stopped,
    /// The dispute it waited for was brought to its end.
    Resolved {
        /// By which L1 transaction.
        tx: B256,
    },
    /// It was paid.
    Finalized {
        /// By which L1 transaction; `None` if that was not one of this claim's.
        tx: Option<B256>,
        /// Hash of the message in it, if that failed: L1's messenger keeps it, and anyone can relay it again.
        kept: Option<B256>,
    },
}

impl<S: OutputSource> Claim<'_, S> {
    /// Does the one thing that can be done now, if there is any. A message that failed when it was paid out is
    /// delivered again.
    ///
    /// # Errors
    /// [`TransferError`]; nothing is lost, call it again.
    pub async fn advance(&self) -> Result<Step, TransferError> {
        let hash = self.pending.withdrawal.hash();
        let status = self.settlement.status(hash, self.wallet.account()).await?;
        match status {
            Status::Unproven | Status::Reprove => self.prove(hash).await,
            Status::Waiting { ready_at } => self.wait(hash, ready_at).await,
            Status::Ready => self.finalize().await,
            Status::Finalized => self.relay().await,
            Status::Paused { until } => Ok(Step::Paused { until }),
            Status::Stopped => Ok(Step::Stopped),
        }
    }

    /// Advances until it is paid, however often an endpoint does not answer; `on_step` hears of every step once.
    ///
    /// # Errors
    /// [`TransferError::TimeUp`] after `limit`; the other errors of [`Self::advance`].
    pub async fn complete(
        &self,
        limit: Duration,
        on_step: &mut (dyn FnMut(&Step) + Send),
    ) -> Result<Step, TransferError> {
        let end = Instant::now() + limit;
        let mut last = None;
        loop {
            let step = match self.advance().await {
                Ok(step) => step,
                Err(error) if error.is_retryable() && Instant::now() < end => {
                    sleep(self.wallet.poll()).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if last != Some(step) {
                on_step(&step);
                last = Some(step);
            }
            match step {
                Step::Finalized { .. } => return Ok(step),
                _ if Instant::now() > end => {
                    return Err(TransferError::TimeUp {
                        seconds: limit.as_secs(),
                    });
                }
                _ => sleep(self.wallet.poll()).await,
            }
        }
    }

    async fn prove(&self, hash: B256) -> Result<Step, TransferError> {
        let block = self.pending.block;
        let found = self
            .settlement
            .find_game(self.source, block, self.since)
            .await?;
        let Some((game, output)) = found else {
            return Ok(Step::WaitingForOutput);
        };
        let proof = self.source.message_proof(game.block, hash).await?;
        let withdrawal = &self.pending.withdrawal;
        let receipt = self
            .settlement
            .prove(self.wallet, withdrawal, (&game, &output), proof)
            .await?;
        Ok(Step::Proven {
            game,
            tx: receipt.transaction_hash,
        })
    }

    /// A root that was disputed stands only once somebody has said so on chain.
    async fn wait(&self, hash: B256, ready_at: u64) -> Result<Step, TransferError> {
        let waiting = Step::Waiting { ready_at };
        let submitter = self.wallet.account();
        let at = self.settlement.proven_game(hash, submitter).await?;
        let game = self.settlement.game(at);
        let is_undecided = game.status().call().await? == IN_PROGRESS;
        if !is_undecided || game.resolve().call().await.is_err() {
            return Ok(waiting);
        }
        let request = game.resolve().into_transaction_request();
        match self.wallet.send("the end of the dispute", request).await {
            Ok(receipt) => Ok(Step::Resolved {
                tx: receipt.transaction_hash,
            }),
            // Somebody else was first.
            Err(TransferError::Refused { .. } | TransferError::Reverted { .. }) => Ok(waiting),
            Err(error) => Err(error),
        }
    }

    /// What was paid out to the messenger and failed there is delivered again.
    async fn relay(&self) -> Result<Step, TransferError> {
        let withdrawal = &self.pending.withdrawal;
        if !self.settlement.keeps(withdrawal).await? {
            return Ok(Step::Finalized {
                tx: None,
                kept: None,
            });
        }
        let (tx, kept) = self.settlement.relay(self.wallet, withdrawal).await?;
        Ok(Step::Finalized { tx: Some(tx), kept })
    }

    async fn finalize(&self) -> Result<Step, TransferError> {
        let withdrawal = &self.pending.withdrawal;
        let receipt = self.settlement.finalize(self.wallet, withdrawal).await?;
        let messenger = self.settlement.contracts().l1_cross_domain_messenger;
        Ok(Step::Finalized {
            tx: Some(receipt.transaction_hash),
            kept: kept_message(receipt.logs(), messenger),
        })
    }
}
