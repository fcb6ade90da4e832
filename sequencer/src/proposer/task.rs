//! The proposer's loop: look at L1, propose what is due, see our games through.

use super::{
    ProposalSource, ProposerError, Provable,
    games::{OwnGame, OwnGames},
};
use crate::l1::{
    ContractReader, L1Client, L1View, SenderHandle, SubmitError, TxKey, TxRequest, TxState,
};
use alloy::sol_types::SolCall;
use alloy_primitives::{Address, B256, U256};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use trestle_contracts::{
    bindings::{
        anchor_registry::AnchorRegistry::{anchorCall, finalAtCall, updateAnchorCall},
        dispute_game::DisputeGame::{
            bondOfCall, claimCreditCall, creditCall, extensionCall, maxClockCall, resolveCall,
            statusCall,
        },
        dispute_game_factory::DisputeGameFactory::{
            Proposal, createCall, gameImplsCall, gameOfCall,
        },
    },
    root_claim,
};

/// Most batches between the anchor and a proposal.
const MAX_BATCHES: u64 = 1 << 21;
/// L1 gas limit of a proposal: about twice what it takes.
const PROPOSAL_GAS: u64 = 700_000;
/// L1 gas limit of every other transaction.
const UPKEEP_GAS: u64 = 300_000;
/// Outcomes of a game, as its `status` numbers them.
const IN_PROGRESS: u8 = 0;
const CHALLENGER_WINS: u8 = 1;

/// Settings of the proposer.
#[derive(Debug, Clone)]
pub struct ProposerConfig {
    /// Factory of dispute games.
    pub factory: Address,
    /// Registry of what counts as settled.
    pub registry: Address,
    /// Kind of game.
    pub game_type: u32,
    /// Least time between two proposals.
    pub interval: Duration,
    /// Pause between two looks at L1.
    pub poll: Duration,
    /// Longest pause after a fault.
    pub backoff_max: Duration,
}

/// What the proposer is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProposerStatus {
    /// Batch of the newest proposal on L1; 0 before the first.
    pub proposed: u64,
    /// Games of ours in which something is left to do.
    pub games: usize,
    /// What goes wrong at the moment, in words.
    pub fault: Option<String>,
}

/// A proposer, ready to run.
#[derive(Debug)]
pub struct Proposer {
    config: ProposerConfig,
    source: Arc<dyn ProposalSource>,
    sender: SenderHandle,
    l1: ContractReader,
    view: watch::Receiver<L1View>,
    rules: Option<Rules>,
    status: watch::Sender<ProposerStatus>,
}

/// What the current implementation of the game says, and our games.
#[derive(Debug)]
struct Rules {
    implementation: Address,
    max_clock: u64,
    games: OwnGames,
}

impl Proposer {
    /// A proposer and the place to watch it. Nothing happens before [`Self::run`].
    #[must_use]
    pub fn new(
        config: ProposerConfig,
        source: Arc<dyn ProposalSource>,
        sender: SenderHandle,
        client: L1Client,
        view: watch::Receiver<L1View>,
    ) -> (Self, watch::Receiver<ProposerStatus>) {
        let (status, receiver) = watch::channel(ProposerStatus::default());
        let proposer = Self {
            config,
            source,
            sender,
            l1: ContractReader::new(client),
            view,
            rules: None,
            status,
        };
        (proposer, receiver)
    }

    /// Runs until the sender or the reader is gone; faults are retried without end.
    pub async fn run(mut self) {
        let mut pause = self.config.poll;
        loop {
            let result = self.step().await;
            if matches!(result, Err(ProposerError::Submit(SubmitError::Stopped))) {
                return;
            }
            pause = match &result {
                Ok(()) => self.config.poll,
                Err(_) => (pause * 2).min(self.config.backoff_max),
            };
            self.publish(result.err());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = self.view.changed() => if changed.is_err() { return },
            }
        }
    }

    fn publish(&self, fault: Option<ProposerError>) {
        let games = self.rules.as_ref().map(|rules| &rules.games);
        let status = ProposerStatus {
            proposed: games
                .and_then(OwnGames::newest)
                .map_or(0, |game| game.batch),
            games: games.map_or(0, OwnGames::len),
            fault: fault.map(|error| error.to_string()),
        };
        metrics::gauge!("trestle_proposer_batch").set(as_float(status.proposed));
        metrics::gauge!("trestle_proposer_games").set(as_float(status.games as u64));
        self.status.send_if_modified(|old| {
            let is_new = *old != status;
            if let Some(error) = status.fault.as_ref().filter(|_| old.fault != status.fault) {
                tracing::warn!(%error, "proposer fault, retrying");
                metrics::counter!("trestle_proposer_faults_total").increment(1);
            }
            *old = status;
            is_new
        });
    }

    async fn step(&mut self) -> Result<(), ProposerError> {
        if !self.view.borrow_and_update().is_live {
            return Ok(());
        }
        let now = self.l1.time().await?;
        self.read_rules().await?;
        let Some(rules) = &mut self.rules else {
            return Ok(());
        };
        rules.games.refresh(&self.l1, now).await?;
        self.tend(now).await?;
        self.propose(now).await
    }

    /// Reads the game's parameters again whenever the timelock has put another one in place.
    async fn read_rules(&mut self) -> Result<(), ProposerError> {
        let game_type = self.config.game_type;
        let implementation = self
            .l1
            .read(self.config.factory, &gameImplsCall(game_type))
            .await?;
        if self
            .rules
            .as_ref()
            .is_some_and(|rules| rules.implementation == implementation)
        {
            return Ok(());
        }
        let max_clock = self
            .l1
            .read(implementation, &maxClockCall {})
            .await?
            .saturating_to::<u64>();
        let extension = self
            .l1
            .read(implementation, &extensionCall {})
            .await?
            .saturating_to::<u64>();
        // Longest game, and as long again to collect what it paid.
        let oldest = max_clock
            .saturating_add(extension.saturating_mul(5))
            .saturating_mul(4);
        let account = self.sender.account();
        self.rules = Some(Rules {
            implementation,
            max_clock,
            games: OwnGames::new(self.config.factory, account, oldest),
        });
        Ok(())
    }

    /// Resolves our games, collects their bonds and moves the anchor to the newest final one.
    async fn tend(&mut self, now: u64) -> Result<(), ProposerError> {
        let Some(rules) = &self.rules else {
            return Ok(());
        };
        let anchor = self
            .l1
            .read(self.config.registry, &anchorCall {})
            .await?
            .batch;
        let due = |game: &OwnGame| game.created_at.saturating_add(rules.max_clock) <= now;
        let games: Vec<_> = rules
            .games
            .open()
            .into_iter()
            .filter(|(_, game)| due(game))
            .collect();
        let mut newest_final = None;
        for (index, own) in games {
            let status = self.l1.read(own.game, &statusCall {}).await?;
            if status == IN_PROGRESS {
                self.resolve(own).await?;
                continue;
            }
            let collected = self.collect(own).await?;
            let is_final = self.is_final(own, now).await?;
            if status == CHALLENGER_WINS {
                tracing::error!(game = %own.game, batch = own.batch, "our proposal was defeated");
                metrics::counter!("trestle_proposer_lost_total").increment(1);
            } else if is_final && own.batch > anchor {
                newest_final = Some(own);
                continue;
            }
            if collected && (status == CHALLENGER_WINS || own.batch <= anchor) {
                self.forget(index);
            }
        }
        match newest_final {
            Some(own) => self.move_anchor(own).await,
            None => Ok(()),
        }
    }

    fn forget(&mut self, index: u64) {
        if let Some(rules) = &mut self.rules {
            rules.games.forget(index);
        }
    }

    async fn resolve(&self, own: OwnGame) -> Result<(), ProposerError> {
        let account = self.sender.account();
        let call = resolveCall {};
        if self.l1.would_succeed(account, own.game, &call).await? {
            self.upkeep("resolve", own.game, own.game, &call).await?;
        }
        Ok(())
    }

    /// Takes our credit out of a decided game; whether there is none left.
    async fn collect(&self, own: OwnGame) -> Result<bool, ProposerError> {
        let account = self.sender.account();
        let credit = self.l1.read(own.game, &creditCall(account)).await?;
        if credit.is_zero() {
            return Ok(true);
        }
        let call = claimCreditCall { account };
        self.upkeep("credit", own.game, own.game, &call).await?;
        Ok(false)
    }

    async fn is_final(&self, own: OwnGame, now: u64) -> Result<bool, ProposerError> {
        let call = finalAtCall { game: own.game };
        let at = self
            .l1
            .read(self.config.registry, &call)
            .await?
            .saturating_to::<u64>();
        Ok(at != 0 && at <= now)
    }

    async fn move_anchor(&self, own: OwnGame) -> Result<(), ProposerError> {
        let call = updateAnchorCall { game: own.game };
        let account = self.sender.account();
        if self
            .l1
            .would_succeed(account, self.config.registry, &call)
            .await?
        {
            self.upkeep("anchor", own.game, self.config.registry, &call)
                .await?;
        }
        Ok(())
    }

    async fn upkeep(
        &self,
        topic: &str,
        game: Address,
        to: Address,
        call: &impl SolCall,
    ) -> Result<(), ProposerError> {
        self.send(TxRequest {
            key: game_key(topic, game),
            to,
            data: call.abi_encode().into(),
            value: U256::ZERO,
            gas_limit: Some(UPKEEP_GAS),
            blobs: None,
        })
        .await
    }

    /// What L1 refuses just now, because somebody else did it or the anchor moved, is looked at again.
    async fn send(&self, request: TxRequest) -> Result<(), ProposerError> {
        match self.sender.submit(request).await {
            Ok(_) | Err(SubmitError::AlreadyIncluded { .. }) => Ok(()),
            Err(SubmitError::WouldRevert { key, reason, .. }) => {
                tracing::info!(%key, reason, "l1 refuses for now");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn propose(&mut self, now: u64) -> Result<(), ProposerError> {
        let Some(rules) = &self.rules else {
            return Ok(());
        };
        let newest = rules.games.newest();
        let is_too_soon = newest.is_some_and(|game| {
            game.created_at
                .saturating_add(self.config.interval.as_secs())
                > now
        });
        let Some(provable) = self.source.newest_final()?.filter(|_| !is_too_soon) else {
            return Ok(());
        };
        let key = TxKey::numbered("propose", provable.batch);
        let is_under_way = matches!(self.sender.state(key), Some(TxState::Pending { .. }));
        if is_under_way || newest.is_some_and(|game| game.batch >= provable.batch) {
            return Ok(());
        }
        let anchor = self.l1.read(self.config.registry, &anchorCall {}).await?;
        let length = provable.batch.saturating_sub(anchor.batch);
        if length == 0 || length > MAX_BATCHES {
            return Ok(());
        }
        let proposal = proposal(&provable, anchor.batch, anchor.root);
        let bond = self.bond(rules.implementation, &proposal).await?;
        self.check_funds(bond).await?;
        let game_type = self.config.game_type;
        let at = gameOfCall {
            gameType: game_type,
            proposal: proposal.clone(),
        };
        if self.l1.read(self.config.factory, &at).await?.exists {
            // Somebody else's proposal of the same root serves as well.
            return Ok(());
        }
        let call = createCall {
            gameType: game_type,
            proposal,
            messagePasserRoot: provable.message_passer_root,
            headerRlp: provable.header,
        };
        tracing::info!(batch = provable.batch, root = %provable.output_root, %bond, "proposing");
        self.send(TxRequest {
            key,
            to: self.config.factory,
            data: call.abi_encode().into(),
            value: bond,
            gas_limit: Some(PROPOSAL_GAS),
            blobs: None,
        })
        .await
    }

    async fn bond(
        &self,
        implementation: Address,
        proposal: &Proposal,
    ) -> Result<U256, ProposerError> {
        let header = root_claim(proposal);
        Ok(self.l1.read(implementation, &bondOfCall { header }).await?)
    }

    async fn check_funds(&self, needed: U256) -> Result<(), ProposerError> {
        let account = self.sender.account();
        let balance = self.l1.balance(account).await?;
        metrics::gauge!("trestle_proposer_balance_gwei").set(as_float(
            (balance / U256::from(1_000_000_000)).saturating_to(),
        ));
        if balance > needed {
            return Ok(());
        }
        Err(ProposerError::Underfunded {
            account,
            balance,
            needed,
        })
    }
}

fn proposal(provable: &Provable, anchor_batch: u64, anchor_root: B256) -> Proposal {
    Proposal {
        outputRoot: provable.output_root,
        batchAcc: provable.batch_acc,
        anchorRoot: anchor_root,
        batch: provable.batch,
        anchorBatch: anchor_batch,
        l2BlockNumber: provable.block_number,
    }
}

/// Key of what is done once in a game.
fn game_key(topic: &str, game: Address) -> TxKey {
    let low = game.into_array().into_iter().skip(12);
    TxKey::numbered(topic, low.fold(0, |sum, byte| (sum << 8) | u64::from(byte)))
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
fn as_float(value: u64) -> f64 {
    value as f64
}
