//! The service's loop: look at L1, derive, choose, send.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U256};
use tokio::{sync::watch, task::JoinHandle};
use trestle_contracts::bindings::dispute_game::DisputeGame::creditCall;
use trestle_sequencer::l1::{ContractReader, SenderHandle, SubmitError, TxRequest, TxState};

use super::{
    Counts, GameReport, L1Head, Rules, ServiceError, Side, Sync, WatchedGame, Watcher,
    calls::{bond_of, claim_credit, name_of, request},
    report::as_float,
};
use crate::{
    ChoiceError, ClaimStatus, GameView, Level, Plan, Purse, Truth, choose_moves, host::HostError,
};

/// Wait for the moves of one game; who needs the machine takes longer, and the others go on meanwhile. It doubles with
/// every choice that was not ready in time, so that a slow choice is not made again for ever.
const PLAN_WAIT: Duration = Duration::from_millis(250);
/// Doublings of that wait, at most.
const DOUBLINGS: u32 = 5;
/// Games whose moves are being chosen at once, at most; each has a thread.
const PLANS: usize = 64;

/// What the service does with what it finds.
#[derive(Debug)]
pub enum Mode {
    /// It makes moves from an account.
    Play(SenderHandle),
    /// It says what it would do from an account with this much ether, in wei.
    DryRun(U256),
    /// It raises alarms.
    Watch,
}

/// Settings of the service.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// Pause between two looks at L1.
    pub poll: Duration,
    /// Longest pause after a fault.
    pub backoff_max: Duration,
    /// Ether kept for gas, in wei.
    pub reserve: U256,
    /// Whether to answer claims for their bonds alone.
    pub takes_profit: bool,
    /// Whether to run every proposed batch in the machine, and not only what is disputed.
    pub runs_batches: bool,
    /// Play in this game only; in all without. A liar has no business elsewhere.
    pub only: Option<Address>,
}

/// What the service is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceStatus {
    /// L1 block up to which everything is known.
    pub head: L1Head,
    /// Newest batch that is derived.
    pub batch: u64,
    /// What it found in the games that need attention.
    pub reports: Vec<GameReport>,
    /// Counts over all games.
    pub counts: Counts,
    /// What goes wrong at the moment, in words.
    pub fault: Option<String>,
    /// When the last look without a fault ended; none before the first.
    pub seen_at: Option<Instant>,
    /// Games whose moves wait for the machine.
    pub waiting: usize,
}

/// Moves that are being chosen.
type Choosing = JoinHandle<Result<Plan, ChoiceError<HostError>>>;

/// A challenger, ready to run.
#[derive(Debug)]
pub struct Service {
    config: ServiceConfig,
    mode: Mode,
    side: Side,
    watcher: Watcher,
    sync: Sync,
    reader: ContractReader,
    seen: Option<L1Head>,
    /// The batch that the machine runs at the moment, of those that it is to check.
    check: Option<JoinHandle<Result<(), HostError>>>,
    choosing: BTreeMap<Address, Choosing>,
    /// Choices in a row that were not ready in time, by game.
    late: BTreeMap<Address, u32>,
    status: watch::Sender<ServiceStatus>,
}

impl Service {
    /// A service and the place to watch it. Nothing happens before [`Self::run`].
    #[must_use]
    pub fn new(
        config: ServiceConfig,
        mode: Mode,
        side: Side,
        sources: (Watcher, Sync, ContractReader),
    ) -> (Self, watch::Receiver<ServiceStatus>) {
        let (status, receiver) = watch::channel(ServiceStatus::default());
        let (watcher, sync, reader) = sources;
        let service = Self {
            config,
            mode,
            side,
            watcher,
            sync,
            reader,
            seen: None,
            check: None,
            choosing: BTreeMap::new(),
            late: BTreeMap::new(),
            status,
        };
        (service, receiver)
    }

    /// Runs until the sender is gone; faults are retried without end.
    pub async fn run(mut self) {
        let mut pause = self.config.poll;
        loop {
            let result = self.look().await;
            if matches!(result, Err(ServiceError::Submit(SubmitError::Stopped))) {
                return;
            }
            pause = match &result {
                Ok(()) => self.config.poll,
                Err(_) => pause.saturating_mul(2).min(self.config.backoff_max),
            };
            self.note(result.err());
            tokio::time::sleep(pause).await;
        }
    }

    fn note(&self, fault: Option<ServiceError>) {
        let fault = fault.map(|error| error.to_string());
        self.status.send_if_modified(|status| {
            if status.fault == fault {
                return false;
            }
            if let Some(error) = &fault {
                tracing::warn!(%error, "challenger fault, retrying");
                metrics::counter!("trestle_challenger_faults_total").increment(1);
            }
            status.fault = fault;
            true
        });
    }

    /// One look at L1, and all that follows from it.
    ///
    /// # Errors
    /// [`ServiceError`]; what could be done is done.
    pub async fn look(&mut self) -> Result<(), ServiceError> {
        let head = self.watcher.refresh().await?;
        if self.seen == Some(head) {
            self.status
                .send_modify(|status| status.seen_at = Some(Instant::now()));
            return Ok(());
        }
        self.sync.advance(head.number).await?;
        self.check_next().await?;
        let games = self.games_by_urgency();
        let (mut reports, mut counts) = (Vec::new(), Counts::default());
        let (mut left, mut fault) = (self.spendable().await?, None);
        for game in games {
            match self.attend(&game, &mut left, &mut counts).await {
                Ok(Some(report)) => reports.push(report),
                Ok(None) => {}
                Err(ServiceError::Submit(SubmitError::Stopped)) => {
                    return Err(SubmitError::Stopped.into());
                }
                // One game that cannot be judged must not keep us from the others.
                Err(error) => fault = Some(error),
            }
        }
        counts.publish();
        let games = self.watcher.games();
        self.choosing.retain(|game, _| games.contains_key(game));
        self.late.retain(|game, _| games.contains_key(game));
        let waiting = self.choosing.len();
        metrics::gauge!("trestle_challenger_waiting_games").set(as_float(waiting as u64));
        let batch = self.side.oracle().newest().batch();
        metrics::gauge!("trestle_challenger_batch").set(as_float(batch));
        self.status.send_modify(|status| {
            (status.head, status.batch) = (head, batch);
            (status.reports, status.counts) = (reports, counts);
            status.waiting = waiting;
            if fault.is_none() {
                status.seen_at = Some(Instant::now());
            }
        });
        match fault {
            Some(error) => Err(error),
            None => {
                // Where the machine is still at work there is more to be done at this head.
                self.seen = (waiting == 0).then_some(head);
                Ok(())
            }
        }
    }

    /// Lets the machine run the next batch that is proposed and that it has not seen, one at a time, beside
    /// everything else.
    async fn check_next(&mut self) -> Result<(), ServiceError> {
        if !self.config.runs_batches {
            return Ok(());
        }
        if let Some(check) = self.check.take_if(|check| check.is_finished())
            && let Err(error) = check.await?
        {
            // It is tried again; the games do not wait for it.
            tracing::warn!(%error, "cannot run a batch in the machine");
            metrics::counter!("trestle_challenger_faults_total").increment(1);
        }
        if self.check.is_none()
            && let Some((image, batch)) = self.unchecked()?
        {
            let oracle = Arc::clone(self.side.oracle());
            self.check = Some(tokio::task::spawn_blocking(move || {
                oracle.check(image, batch)
            }));
        }
        Ok(())
    }

    /// A derived batch of an open game that the machine has not run, with its image.
    fn unchecked(&self) -> Result<Option<(B256, u64)>, ServiceError> {
        let oracle = self.side.oracle();
        let newest = oracle.newest().batch();
        for game in self.games_by_urgency() {
            let last = game.proposal.batch.min(newest);
            for batch in game.proposal.anchorBatch.saturating_add(1)..=last {
                let image = game.images.of(batch);
                if oracle.programs().get(&image).is_some() && !oracle.is_checked(image, batch)? {
                    return Ok(Some((image, batch)));
                }
            }
        }
        Ok(None)
    }

    fn games_by_urgency(&self) -> Vec<WatchedGame> {
        let wanted =
            |game: &&WatchedGame| self.config.only.is_none_or(|only| only == game.view.game);
        let mut games: Vec<_> = self
            .watcher
            .games()
            .values()
            .filter(wanted)
            .cloned()
            .collect();
        games.sort_by_key(|game| {
            let view = &game.view;
            let open = view
                .claims
                .values()
                .filter(|claim| view.is_answerable(claim));
            open.map(|claim| view.deadline(claim)).min()
        });
        games
    }

    const fn account(&self) -> Option<Address> {
        match &self.mode {
            Mode::Play(sender) => Some(sender.account()),
            Mode::DryRun(_) | Mode::Watch => None,
        }
    }

    async fn spendable(&self) -> Result<U256, ServiceError> {
        match &self.mode {
            Mode::Play(sender) => {
                let balance = self.reader.balance(sender.account()).await?;
                let gwei = (balance / U256::from(1_000_000_000)).saturating_to();
                metrics::gauge!("trestle_challenger_balance_gwei").set(as_float(gwei));
                Ok(balance.saturating_sub(self.config.reserve))
            }
            Mode::DryRun(balance) => Ok(*balance),
            Mode::Watch => Ok(U256::ZERO),
        }
    }

    /// Judges one game and does what is to be done in it.
    async fn attend(
        &mut self,
        game: &WatchedGame,
        left: &mut U256,
        counts: &mut Counts,
    ) -> Result<Option<GameReport>, ServiceError> {
        let Some(mut is_true) = self.judge(game)? else {
            return Ok(None);
        };
        let view = &game.view;
        counts.add(view, is_true, self.account());
        let (root, answers) = match view.root() {
            Some((_, root)) => (root.status, root.children),
            None => return Ok(None),
        };
        if root != ClaimStatus::Open {
            alarm_if_wrong(game, root, is_true);
            if self.finish(view, root).await? {
                self.watcher.forget(view.game);
                return Ok(None);
            }
        }
        if is_true && answers == 0 {
            return Ok(None);
        }
        let plan = match &self.mode {
            // Who only watches has nothing to run in the machine.
            Mode::Watch => Plan::default(),
            Mode::Play(_) | Mode::DryRun(_) => {
                let Some((judged, plan)) = self.plan(game, is_true, *left).await? else {
                    // The machine is at work for this game.
                    return Ok(None);
                };
                is_true = judged;
                plan
            }
        };
        let report = GameReport::new(view, (game.proposal.batch, is_true), &plan);
        self.say(&report);
        if !plan.unaffordable.is_zero() {
            tracing::error!(game = %view.game, wei = %plan.unaffordable, "cannot pay the bonds of needed moves");
            metrics::counter!("trestle_challenger_unaffordable_total").increment(1);
        }
        self.send_all(view, plan, left).await?;
        Ok(Some(report))
    }

    /// Whether the proposed root is ours; `None` while we have not derived it.
    fn judge(&self, game: &WatchedGame) -> Result<Option<bool>, ServiceError> {
        let at = game.view.game;
        let oracle = self.side.oracle();
        let expected = oracle.config_hash();
        if game.config_hash != expected {
            let got = game.config_hash;
            return Err(ServiceError::OtherConfig {
                game: at,
                got,
                expected,
            });
        }
        let (first, batch) = (
            game.proposal.anchorBatch.saturating_add(1),
            game.proposal.batch,
        );
        if let Some(image) = game.images.foreign(oracle.programs(), first, batch) {
            return Err(ServiceError::OtherImage { game: at, image });
        }
        if batch > oracle.newest().batch() {
            return Ok(None);
        }
        let record = oracle.record(batch)?;
        if record.position.batch_acc != game.proposal.batchAcc {
            // L1 is between two chains: game and log are not of the same one.
            return Ok(None);
        }
        let output = self.side.under(game.rules()).output(batch)?;
        Ok(Some(output == Some(game.proposal.outputRoot)))
    }

    /// Chooses the moves. The choice may be the first to run a batch in the machine, and so to learn that what is true
    /// is another thing than was thought; then it is made again. Gives whether the root is true as well; `None` while the
    /// choice needs the machine and it is at work.
    async fn plan(
        &mut self,
        game: &WatchedGame,
        mut is_true: bool,
        balance: U256,
    ) -> Result<Option<(bool, Plan)>, ServiceError> {
        loop {
            let known = self.side.oracle().disagreements();
            let plan = self.choose(&game.view, game.rules(), balance).await;
            if self.side.oracle().disagreements() == known {
                return Ok(plan?.map(|plan| (is_true, plan)));
            }
            is_true = self.judge(game)?.unwrap_or(is_true);
        }
    }

    async fn choose(
        &mut self,
        view: &GameView,
        rules: Rules,
        balance: U256,
    ) -> Result<Option<Plan>, ServiceError> {
        let game = view.game;
        if let Some(earlier) = self.choosing.remove(&game) {
            if !earlier.is_finished() {
                self.choosing.insert(game, earlier);
                return Ok(None);
            }
            // It chose for the game as it was. What the machine found is there now, so choosing again is quick.
            earlier.await?.map_err(|source| choice(game, source))?;
        }
        if self.choosing.len() >= PLANS {
            return Ok(None);
        }
        let purse = Purse {
            account: self.account().unwrap_or_default(),
            balance,
            credit: U256::ZERO,
            takes_profit: self.config.takes_profit,
        };
        let (side, view) = (self.side.clone(), view.clone());
        let mut chosen =
            tokio::task::spawn_blocking(move || choose_moves(&view, &side.under(rules), &purse));
        let late = self.late.entry(game).or_default();
        let wait = PLAN_WAIT.saturating_mul(1 << (*late).min(DOUBLINGS));
        let Ok(plan) = tokio::time::timeout(wait, &mut chosen).await else {
            *late = late.saturating_add(1);
            self.choosing.insert(game, chosen);
            return Ok(None);
        };
        self.late.remove(&game);
        plan?.map(Some).map_err(|source| choice(game, source))
    }

    fn say(&self, report: &GameReport) {
        match &self.mode {
            Mode::Play(_) => {}
            Mode::DryRun(_) => {
                tracing::info!(game = %report.game, batch = report.batch, is_true = report.is_true,
                claims = report.claims, moves = ?report.moves, bond = %report.bond, deadline = report.deadline, "would do")
            }
            Mode::Watch if !report.is_true => {
                tracing::error!(game = %report.game, batch = report.batch, claims = report.claims,
                    deadline = report.deadline, "a false output root is proposed");
            }
            Mode::Watch => {}
        }
    }

    async fn send_all(
        &self,
        view: &GameView,
        plan: Plan,
        left: &mut U256,
    ) -> Result<(), ServiceError> {
        let Mode::Play(sender) = &self.mode else {
            return Ok(());
        };
        for step in plan.moves {
            let name = name_of(&step);
            *left = left.saturating_sub(bond_of(&step));
            if submit(sender, request(view.game, &step)).await? {
                tracing::info!(game = %view.game, name, bond = %bond_of(&step), "move");
                metrics::counter!("trestle_challenger_moves_total", "move" => name).increment(1);
            }
        }
        Ok(())
    }

    /// Collects what a decided game owes us; whether nothing is left to do in it.
    async fn finish(&self, view: &GameView, root: ClaimStatus) -> Result<bool, ServiceError> {
        debug_assert_ne!(root, ClaimStatus::Open);
        let Mode::Play(sender) = &self.mode else {
            return Ok(true);
        };
        let account = sender.account();
        let credit = self.reader.read(view.game, &creditCall(account)).await?;
        if !credit.is_zero() {
            submit(sender, claim_credit(view.game, account, credit)).await?;
            return Ok(false);
        }
        let owes = |claim: &crate::ClaimView| {
            let is_ours = claim.claimant == account && claim.header.level != Level::Root;
            let parent = view.claims.get(&claim.header.parent);
            let may_win = parent.is_some_and(|parent| {
                parent.status == ClaimStatus::Falls
                    && !parent.is_settled
                    && parent.best_ordinal == claim.ordinal
            });
            is_ours && (claim.status == ClaimStatus::Open || may_win)
        };
        Ok(!view.claims.values().any(owes))
    }
}

fn choice(game: Address, source: ChoiceError<HostError>) -> ServiceError {
    ServiceError::Choice {
        game,
        source: Box::new(source),
    }
}

/// The outcome of a game is not what it should be: the chain's promise is broken.
fn alarm_if_wrong(game: &WatchedGame, root: ClaimStatus, is_true: bool) {
    if (root == ClaimStatus::Stands) != is_true {
        tracing::error!(game = %game.view.game, batch = game.proposal.batch, is_true, "game ended against the truth");
        metrics::counter!("trestle_challenger_lost_games_total").increment(1);
    }
}

/// Hands a transaction to the sender; whether it is on its way. What L1 refuses now is looked at again.
async fn submit(sender: &SenderHandle, request: TxRequest) -> Result<bool, ServiceError> {
    let key = request.key;
    let is_on_its_way = matches!(
        sender.state(key),
        Some(
            TxState::Pending { .. }
                | TxState::Included {
                    is_success: true,
                    ..
                }
        )
    );
    if is_on_its_way {
        return Ok(false);
    }
    match sender.submit(request).await {
        Ok(_) => Ok(true),
        Err(SubmitError::AlreadyIncluded { .. }) => Ok(false),
        Err(SubmitError::WouldRevert { key, reason, .. }) => {
            tracing::debug!(%key, reason, "l1 refuses for now");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
