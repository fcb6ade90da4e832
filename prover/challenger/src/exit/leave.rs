//! Leaving, step by step.

use std::{sync::Arc, time::Duration};

use alloy_primitives::{Address, B256, U256};
use tokio::time::{Instant, sleep};
use trestle_protocol::ChainConfig;
use trestle_sdk::transfer::{
    Claim, Deposited, Initiation, Offer, PendingWithdrawal, Settlement, Step, TransferError, Wallet,
};

use super::{ExitError, L1Truth};

/// Somebody who leaves.
#[derive(Debug)]
pub struct Exit {
    /// L2 as L1 says it is.
    pub truth: Arc<L1Truth>,
    /// The chain's contracts.
    pub settlement: Settlement,
    /// The account, on L1.
    pub wallet: Wallet,
    /// The chain's configuration.
    pub chain: ChainConfig,
    /// Longest that each stage may take.
    pub limit: Duration,
}

/// What was done. Amounts in wei.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The withdrawal is in L1's queue for L2.
    Enqueued(Deposited),
    /// The sequencer left it out for too long, so it was forced in.
    Forced {
        /// L1 transaction.
        tx: B256,
    },
    /// L2 has begun the withdrawal.
    Initiated(PendingWithdrawal),
    /// An output root that holds it was proposed.
    Proposed {
        /// The game.
        game: Address,
        /// Batch whose root it is.
        batch: u64,
        /// Bond that it locks.
        bond: U256,
        /// L1 transaction.
        tx: B256,
    },
    /// On the way to the payment.
    Claim(Step),
    /// The proposal's bond is back.
    Collected {
        /// L1 transaction.
        tx: B256,
        /// How much.
        amount: U256,
    },
}

/// Hears of what was done.
type OnStage<'a> = &'a mut (dyn FnMut(&Stage) + Send);

impl Exit {
    /// What proposing the newest batch's output root takes now; `None` when that is settled already.
    ///
    /// # Errors
    /// [`ExitError`].
    pub async fn offer(&self) -> Result<Option<Offer>, ExitError> {
        Ok(self.settlement.offer(&self.truth.proposable()?).await?)
    }

    /// Makes L2 execute these calls through L1's queue, forcing them in when the sequencer leaves them out; gives the
    /// withdrawals that they began.
    ///
    /// # Errors
    /// [`ExitError::Refused`] when they began none: the account has less on L2 than it asked for;
    /// [`ExitError::TimeUp`], others of [`ExitError`].
    pub async fn initiate(
        &self,
        calls: &[Initiation],
        on_stage: OnStage<'_>,
    ) -> Result<Vec<PendingWithdrawal>, ExitError> {
        self.truth.sync().await?;
        let known = self.truth.withdrawals();
        let mut entry = 0;
        for call in calls {
            let sent = self
                .settlement
                .deposit(&self.wallet, &self.chain, &call.deposit())
                .await?;
            on_stage(&Stage::Enqueued(sent));
            entry = sent.index;
        }
        self.see_in(entry, on_stage).await?;
        let is_new =
            |one: &PendingWithdrawal| known.iter().all(|old| old.withdrawal != one.withdrawal);
        let mut begun = self.truth.withdrawals();
        begun.retain(is_new);
        if begun.is_empty() {
            return Err(ExitError::Refused { entry });
        }
        for one in &begun {
            on_stage(&Stage::Initiated(one.clone()));
        }
        Ok(begun)
    }

    /// Derives until a batch has consumed the queue entry.
    async fn see_in(&self, entry: u64, on_stage: OnStage<'_>) -> Result<(), ExitError> {
        let end = Instant::now() + self.limit;
        loop {
            self.truth.sync().await?;
            if self.truth.newest().position.entries > entry {
                return Ok(());
            }
            let queue = self.settlement.queue().await?;
            if queue.is_overdue() {
                match self.settlement.force_include(&self.wallet).await {
                    Ok(tx) => on_stage(&Stage::Forced { tx }),
                    // Somebody else was first.
                    Err(TransferError::Refused { .. } | TransferError::Reverted { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.pause(end).await?;
        }
    }

    /// Proves and finalises a withdrawal, by an output root of one's own if nobody proposed a true one.
    ///
    /// # Errors
    /// [`ExitError::TimeUp`], others of [`ExitError`].
    pub async fn settle(
        &self,
        pending: &PendingWithdrawal,
        on_stage: OnStage<'_>,
    ) -> Result<(), ExitError> {
        let end = Instant::now() + self.limit;
        let claim = Claim {
            settlement: &self.settlement,
            wallet: &self.wallet,
            source: self.truth.as_ref(),
            pending,
            since: 0,
        };
        let mut proposed = None;
        let mut last = None;
        loop {
            let step = claim.advance().await?;
            if last != Some(step) {
                on_stage(&Stage::Claim(step));
                last = Some(step);
            }
            match step {
                Step::Finalized { .. } => break,
                Step::WaitingForOutput => {
                    self.truth.sync().await?;
                    proposed = self.propose(on_stage).await?.or(proposed);
                }
                _ => {}
            }
            self.pause(end).await?;
        }
        match proposed {
            Some(game) => self.collect(game, on_stage).await,
            None => Ok(()),
        }
    }

    /// Proposes the newest batch's output root, unless somebody has.
    async fn propose(&self, on_stage: OnStage<'_>) -> Result<Option<Address>, ExitError> {
        let batch = self.truth.proposable()?;
        let offer = self.settlement.offer(&batch).await?;
        let Some(offer) = offer.filter(|offer| !offer.is_made) else {
            return Ok(None);
        };
        let tx = self.settlement.propose(&self.wallet, &offer).await?;
        on_stage(&Stage::Proposed {
            game: offer.game,
            batch: batch.batch,
            bond: offer.bond,
            tx,
        });
        Ok(Some(offer.game))
    }

    async fn collect(&self, game: Address, on_stage: OnStage<'_>) -> Result<(), ExitError> {
        if let Some((tx, amount)) = self.settlement.collect(&self.wallet, game).await? {
            on_stage(&Stage::Collected { tx, amount });
        }
        Ok(())
    }

    async fn pause(&self, end: Instant) -> Result<(), ExitError> {
        if Instant::now() > end {
            return Err(ExitError::TimeUp {
                seconds: self.limit.as_secs(),
            });
        }
        sleep(self.wallet.poll()).await;
        Ok(())
    }
}
