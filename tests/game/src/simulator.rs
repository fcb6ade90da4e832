//! Whole disputes by seed: the challenger's choice of moves against attackers that combine freely, on the
//! compiled contracts.
//!
//! `GAME_SEEDS` sets how many games the big test plays, `GAME_SEED` replays one, `GAME_ATTACKERS` bounds the
//! attackers of one game.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use trestle_challenger::{ClaimStatus, ClaimView, Level, Move, choose_moves};

use crate::{
    bindings as abi,
    chain::address_of,
    liar::{KINDS, Kind, craft, run_of},
    random::Random,
    toy::Program,
    world::{CLOCKS, World, bond_min, stake},
};

/// One attacker of a game.
#[derive(Debug, Clone)]
struct Attacker {
    kind: Kind,
    account: Address,
    /// Counters that it may still try.
    tries: u32,
}

/// What a game was about, for the report of a violation and for the averages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub(crate) games: u64,
    pub(crate) claims: u64,
    pub(crate) transactions: u64,
    pub(crate) repeated: u64,
    pub(crate) most_gas: u64,
    pub(crate) longest: u64,
    pub(crate) reorgs: u64,
    pub(crate) most_locked: U256,
    pub(crate) honest_profit: U256,
}

/// How a run is set up.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) max_attackers: u64,
    /// Only this kind, or any mixture.
    pub(crate) kind: Option<Kind>,
    /// Name of a rule that the contracts lack.
    pub(crate) weakening: Option<&'static str>,
}

struct Simulation {
    setup: Setup,
    random: Random,
    world: World,
    honest: Address,
    attackers: Vec<Attacker>,
    /// What each game's outcome must be: true when its root is true.
    is_true: Vec<bool>,
    /// When the honest side first had something new to look at, by game.
    news: Vec<Option<u64>>,
    response: u64,
    takes_profit: bool,
    proposed_bonds: U256,
    report: Report,
    /// Transactions since the last snapshot, to be replayed after a reorg.
    sent: Vec<(Address, Address, U256, Bytes)>,
    initial: U256,
}

/// Plays the games of one seed. An `Err` tells which promise broke.
pub(crate) fn simulate(setup: Setup) -> Result<Report, String> {
    let seed = setup.seed;
    let mut simulation = Simulation::new(setup);
    simulation
        .run()
        .map_err(|what| format!("seed {seed}: {what}"))?;
    Ok(simulation.report)
}

impl Simulation {
    fn new(setup: Setup) -> Self {
        let mut random = Random::new(setup.seed);
        let lengths = [
            1,
            1,
            1,
            2,
            3,
            5,
            127,
            128,
            129,
            200,
            16_383,
            16_384,
            16_385,
            (1 << 21) - 1,
            1 << 21,
        ];
        let mut n = *random.pick(&lengths);
        if random.one_in(4) {
            let digits = random.between(1, 21);
            n = random.between(1, 1 << digits);
        }
        let mut world = World::new(setup.weakening, n);
        let honest = address_of("honest", 0);
        world.chain.fund(honest, stake());
        let count = random.between(1, setup.max_attackers);
        let attackers = (0..count)
            .map(|i| {
                let account = address_of("attacker", i);
                world.chain.fund(account, stake());
                let kind = setup.kind.unwrap_or_else(|| *random.pick(&KINDS));
                let share = if count > 8 { 4 } else { 10 };
                Attacker {
                    kind,
                    account,
                    tries: u32::try_from(random.between(2, share)).unwrap(),
                }
            })
            .collect();
        let response = *random.pick(&[12, 600, 3_600, CLOCKS.extension - 24]);
        Self {
            takes_profit: random.one_in(2),
            setup,
            random,
            world,
            honest,
            attackers,
            is_true: Vec::new(),
            news: Vec::new(),
            response,
            proposed_bonds: U256::ZERO,
            report: Report::default(),
            sent: Vec::new(),
            initial: stake(),
        }
    }

    fn run(&mut self) -> Result<(), String> {
        self.plant_failure();
        self.propose()?;
        let mut rounds = 0_u32;
        while !self.is_over() {
            rounds += 1;
            if rounds > 20_000 {
                return Err("the games do not end".into());
            }
            let may_fork = self.random.one_in(40);
            let fork = may_fork.then(|| self.world.clone());
            self.sent.clear();
            for _ in 0..if may_fork { 3 } else { 1 } {
                self.round()?;
            }
            if let Some(fork) = fork {
                self.reorganise(fork);
            }
        }
        self.check_end()
    }

    /// One batch in a fifth of the runs panics or never halts.
    fn plant_failure(&mut self) {
        let must = matches!(self.setup.kind, Some(Kind::Panicker | Kind::NonHalting));
        if !must && !self.random.one_in(5) {
            return;
        }
        let batch = self.random.between(1, self.world.batches);
        let program = self.world.toy.program(batch);
        let failing = if self.random.one_in(2) {
            Program {
                exit_code: 1 + self.random.next() % 9,
                ..program
            }
        } else {
            Program {
                halt_at: (1 << 42) + 1 + self.random.next() % 99,
                ..program
            }
        };
        self.world.set_program(batch, failing);
    }

    /// Proposals: a true one where there is a truth, false ones, and ones that must be refused.
    fn propose(&mut self) -> Result<(), String> {
        let n = self.world.batches;
        let truth = self.world.true_proposal(n);
        let truth_exists = self.world.toy.output_root(n) != B256::ZERO;
        let saboteur = self
            .attackers
            .iter()
            .find(|a| a.kind == Kind::SelfSaboteur)
            .cloned();
        if truth_exists && (saboteur.is_some() || self.random.one_in(2)) {
            let proposer = saboteur.map_or(self.honest, |a| a.account);
            self.open(proposer, &truth, true)?;
        }
        let false_roots = if self.is_true.is_empty() {
            self.random.between(1, 3)
        } else {
            self.random.between(0, 2)
        };
        for i in 0..false_roots {
            let state = keccak256([&b"false state"[..], &i.to_be_bytes()].concat());
            let batch = if self.random.one_in(3) {
                self.random.between(1, n)
            } else {
                n
            };
            let attacker = self.random.pick(&self.attackers).account;
            let proposed = self.world.proposed(batch, state);
            if self.world.games.iter().any(|g| {
                g.claims
                    .values()
                    .any(|c| c.header.points == proposed.proposal.outputRoot)
            }) {
                continue;
            }
            self.open(attacker, &proposed, false)?;
        }
        self.try_bad_proposals()
    }

    fn open(
        &mut self,
        from: Address,
        proposed: &crate::world::Proposed,
        is_true: bool,
    ) -> Result<(), String> {
        let bond = self.world.root_bond(proposed.proposal.batch);
        let receipt = self.world.create(from, proposed, bond);
        if !receipt.is_success {
            return Err(format!("a legal proposal reverted: {:?}", receipt.output));
        }
        if from == self.honest {
            self.proposed_bonds += bond;
        }
        self.is_true.push(is_true);
        self.news.push(Some(self.world.chain.time));
        Ok(())
    }

    /// Claims beyond the Inbox, absurd heights and copies of a running game are refused.
    fn try_bad_proposals(&mut self) -> Result<(), String> {
        let attacker = self.random.pick(&self.attackers).account;
        let (n, bond) = (self.world.batches, self.world.root_bond(self.world.batches));
        let beyond = self.world.proposed(n + 1, keccak256("beyond"));
        let receipt = self
            .world
            .create(attacker, &beyond, self.world.root_bond(n + 1));
        if !receipt.reverted_with(<abi::BatchBeyondInbox as alloy_sol_types::SolError>::SELECTOR) {
            return Err("a claim beyond the Inbox was not refused".into());
        }
        let mut absurd = self.world.proposed(n, keccak256("absurd"));
        absurd.proposal.l2BlockNumber = u64::MAX;
        let receipt = self.world.create(attacker, &absurd, bond);
        if !receipt.reverted_with(<abi::BlockNumberMismatch as alloy_sol_types::SolError>::SELECTOR)
        {
            return Err("an absurd height was not refused".into());
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.world.games.iter().all(|game| {
            game.claims
                .values()
                .all(|claim| claim.status != ClaimStatus::Open && claim.is_settled)
        })
    }

    /// Time passes to the next thing that can happen; attackers, the honest side and anyone who decides act.
    fn round(&mut self) -> Result<(), String> {
        let next = self.next_time();
        self.world.advance_to(next);
        let honest_first = self.random.one_in(2);
        if honest_first {
            self.act_honestly()?;
        }
        self.attack()?;
        if !honest_first {
            self.act_honestly()?;
        }
        self.decide_all()?;
        self.check_purse()
    }

    fn next_time(&mut self) -> u64 {
        let now = self.world.chain.time;
        let busy = |a: &Attacker| a.tries > 0 && !a.kind.waits();
        let mut next = u64::MAX;
        if self.attackers.iter().any(busy) {
            next = now + self.random.between(12, 7_200);
        }
        for since in self.news.iter().flatten() {
            next = next.min(since + self.response);
        }
        for game in &self.world.games {
            for claim in game
                .claims
                .values()
                .filter(|c| c.status == ClaimStatus::Open)
            {
                let deadline = game.deadline(claim);
                for time in [deadline - 1, deadline] {
                    if time > now {
                        next = next.min(time);
                    }
                }
            }
        }
        if next == u64::MAX {
            now + 12
        } else {
            next.max(now + 1)
        }
    }

    fn act_honestly(&mut self) -> Result<(), String> {
        for game in 0..self.world.games.len() {
            let due = self.news[game].is_some_and(|t| t + self.response <= self.world.chain.time);
            if !due {
                continue;
            }
            self.news[game] = None;
            let purse = self.world.purse(game, self.honest, self.takes_profit);
            let plan = choose_moves(&self.world.games[game], &self.world.toy, &purse)
                .map_err(|e| format!("no choice: {e}"))?;
            if !plan.unaffordable.is_zero() {
                return Err(format!("the purse is short of {} wei", plan.unaffordable));
            }
            for step in plan.moves {
                self.copy_first(game, &step);
                self.send_honestly(game, &step)?;
            }
        }
        Ok(())
    }

    /// A copycat that sees the transaction sends it first.
    fn copy_first(&mut self, game: usize, step: &Move) {
        let copycat = self
            .attackers
            .iter()
            .find(|a| a.kind == Kind::Copycat)
            .map(|a| a.account);
        if let Some(account) = copycat
            && self.random.one_in(2)
        {
            self.play(game, account, step);
        }
    }

    fn send_honestly(&mut self, game: usize, step: &Move) -> Result<(), String> {
        let receipt = self.play(game, self.honest, step);
        if receipt {
            return Ok(());
        }
        // A step that somebody sent first, and what depends on decisions that somebody made first, may fail.
        match step {
            Move::Counter { .. } => Err("an honest counter reverted".into()),
            Move::Step { claim, .. } => {
                let id = claim.id(self.world.games[game].game);
                let fell = self.world.claim(game, id).status == ClaimStatus::Falls;
                if fell {
                    Ok(())
                } else {
                    Err("an honest step reverted".into())
                }
            }
            Move::Decide { .. } | Move::Settle { .. } => Ok(()),
        }
    }

    fn play(&mut self, game: usize, from: Address, step: &Move) -> bool {
        let credit = self.world.credit(game, from);
        let (data, value) = World::encode(
            step,
            if matches!(step, Move::Counter { .. }) {
                credit
            } else {
                U256::ZERO
            },
        );
        let to = self.world.games[game].game;
        self.transact(from, to, value, data)
    }

    fn transact(&mut self, from: Address, to: Address, value: U256, data: Bytes) -> bool {
        self.sent.push((from, to, value, data.clone()));
        self.report.transactions += 1;
        let before: Vec<usize> = self.world.games.iter().map(|g| g.claims.len()).collect();
        let receipt = self.world.send(from, to, value, data);
        for (game, count) in before.into_iter().enumerate() {
            if self.world.games[game].claims.len() != count && from != self.honest {
                self.news[game].get_or_insert(self.world.chain.time);
            }
        }
        receipt.is_success
    }

    fn attack(&mut self) -> Result<(), String> {
        let mut order: Vec<usize> = (0..self.attackers.len()).collect();
        self.random.shuffle(&mut order);
        for i in order {
            let attacker = self.attackers[i].clone();
            if attacker.tries == 0 || (!attacker.kind.waits() && !self.random.one_in(3)) {
                continue;
            }
            let game = usize::try_from(self.random.next() % self.world.games.len() as u64).unwrap();
            let Some(target) = self.target(&attacker, game) else {
                continue;
            };
            let moves = if attacker.kind == Kind::Spammer {
                self.random.between(1, 5)
            } else {
                1
            };
            for _ in 0..moves {
                if self.attackers[i].tries > 0 {
                    self.attackers[i].tries -= 1;
                    self.attack_claim(&attacker, game, &target)?;
                }
            }
        }
        Ok(())
    }

    /// A claim that this attacker wants to answer now.
    fn target(&mut self, attacker: &Attacker, game: usize) -> Option<ClaimView> {
        let view = &self.world.games[game];
        let open: Vec<ClaimView> = view
            .claims
            .values()
            .filter(|c| view.is_answerable(c))
            .filter(|c| !attacker.kind.waits() || view.deadline(c) == view.now + 1)
            .filter(|c| {
                attacker
                    .kind
                    .targets(c.claimant == attacker.account, &mut self.random)
            })
            .cloned()
            .collect();
        if open.is_empty() {
            return None;
        }
        // Half of the time the newest one, so that some paths reach their leaf.
        let newest = open
            .iter()
            .max_by_key(|c| (c.made_at, c.header.level, u64::MAX - c.header.length()));
        if self.random.one_in(2) {
            newest.cloned()
        } else {
            Some(self.random.pick(&open).clone())
        }
    }

    fn attack_claim(
        &mut self,
        attacker: &Attacker,
        game: usize,
        claim: &ClaimView,
    ) -> Result<(), String> {
        if claim.header.is_leaf() {
            self.attack_leaf(attacker, game, claim);
            return Ok(());
        }
        let lie = attacker.kind.lie(claim, &mut self.random);
        if let Some(step) = craft(&self.world.games[game], &self.world.toy, claim, lie) {
            self.play(game, attacker.account, &step);
        }
        Ok(())
    }

    /// Steps a claim at a random segment: no true claim may fall by it.
    fn attack_leaf(&mut self, attacker: &Attacker, game: usize, claim: &ClaimView) {
        let index = self.random.between(0, claim.segment_count() - 1);
        let view = &self.world.games[game];
        let Some((batch, before)) = run_of(view, claim) else {
            return;
        };
        let witness = self.world.toy.state(batch, before, claim.boundary(index));
        let segment = claim.segment(index).unwrap();
        self.play(
            game,
            attacker.account,
            &Move::Step {
                claim: claim.header,
                segment,
                witness,
            },
        );
    }

    /// Whoever has an interest decides and settles what can be.
    fn decide_all(&mut self) -> Result<(), String> {
        let anyone = address_of("anyone", 0);
        for game in 0..self.world.games.len() {
            loop {
                let view = &self.world.games[game];
                let ready: Vec<_> = view
                    .claims
                    .values()
                    .filter(|c| view.is_decidable(c))
                    .map(|c| Move::Decide { claim: c.header })
                    .chain(view.claims.values().filter_map(|c| payout(view, c)))
                    .collect();
                if ready.is_empty() {
                    break;
                }
                for step in ready {
                    if !self.play(game, anyone, &step) {
                        return Err(format!("a due decision reverted: {step:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// An L1 reorg: the blocks since the snapshot are gone, some of their transactions come back in another
    /// order, and the honest side looks again.
    fn reorganise(&mut self, fork: World) {
        let now = self.world.chain.time;
        let mut back = std::mem::take(&mut self.sent);
        self.random.shuffle(&mut back);
        let keep =
            back.len() - usize::try_from(self.random.next() % (back.len() as u64 + 1)).unwrap();
        let most_gas = self.world.most_gas;
        self.world = fork;
        self.world.most_gas = most_gas;
        self.world.advance_to(now.min(self.world.chain.time + 24));
        for (from, to, value, data) in back.into_iter().take(keep) {
            self.world.send(from, to, value, data);
        }
        let time = self.world.chain.time;
        self.news
            .iter_mut()
            .for_each(|news| *news = Some(time.saturating_sub(self.response) + 12));
        self.report.reorgs += 1;
    }

    /// What the honest side has locked is at most four fifths of what it answers, and its own proposals.
    fn check_purse(&mut self) -> Result<(), String> {
        let games = self.world.games.len();
        let mut held = self.world.chain.balance(self.honest);
        for game in 0..games {
            held += self.world.credit(game, self.honest);
        }
        let locked = self.initial.saturating_sub(held);
        let mut answered = U256::ZERO;
        for view in &self.world.games {
            for claim in view.claims.values().filter(|c| c.claimant != self.honest) {
                answered += view.bond(&claim.header);
            }
        }
        let bound = self.proposed_bonds + answered * U256::from(4) / U256::from(5);
        self.report.most_locked = self.report.most_locked.max(locked);
        if locked > bound {
            return Err(format!(
                "the honest side has {locked} wei locked, the bound is {bound}"
            ));
        }
        Ok(())
    }

    fn check_end(&mut self) -> Result<(), String> {
        let mut held = self.world.chain.balance(self.honest);
        for game in 0..self.world.games.len() {
            self.check_outcome(game)?;
            self.check_books(game)?;
            held += self.world.credit(game, self.honest);
            self.report.games += 1;
            self.report.claims += self.world.games[game].claims.len() as u64;
        }
        if held < self.initial {
            return Err(format!("the honest side lost {} wei", self.initial - held));
        }
        self.report.honest_profit = held - self.initial;
        self.report.repeated = self.world.repeated;
        self.report.most_gas = self.world.most_gas;
        Ok(())
    }

    fn check_outcome(&mut self, game: usize) -> Result<(), String> {
        let expected = if self.is_true[game] { 2 } else { 1 };
        if self.world.status(game) != expected {
            return Err(format!(
                "game {game} ended with status {}",
                self.world.status(game)
            ));
        }
        let address = self.world.games[game].game;
        let resolved_at = self.world.chain.read(address, &abi::resolvedAtCall {});
        let view = &self.world.games[game];
        let length = view.root().unwrap().1.header.length();
        let took = resolved_at - view.created_at;
        self.report.longest = self.report.longest.max(took);
        let bounds = CLOCKS.bounds(length, self.response);
        let bound = if self.is_true[game] && self.report.reorgs == 0 {
            bounds.prompt_defender
        } else {
            bounds.absolute
        };
        if took > bound {
            return Err(format!("game {game} took {took} s, the bound is {bound}"));
        }
        Ok(())
    }

    /// The contract keeps what the events say, and holds exactly the credits.
    fn check_books(&mut self, game: usize) -> Result<(), String> {
        let view = self.world.games[game].clone();
        let mut accounts = BTreeSet::new();
        for (id, claim) in &view.claims {
            accounts.insert(claim.claimant);
            let kept = self
                .world
                .chain
                .read(view.game, &abi::claimsCall { claim: *id });
            let same = kept.claimant == claim.claimant
                && u64::from(kept.madeAt) == claim.made_at
                && u64::from(kept.used) == claim.used
                && kept.ordinal == claim.ordinal
                && kept.children == claim.children
                && kept.undecided == claim.undecided
                && kept.bestOrdinal == claim.best_ordinal
                && abi::status_of(kept.status) == claim.status
                && kept.isSettled == claim.is_settled;
            if !same {
                return Err(format!(
                    "the contract and the events disagree on claim {id}"
                ));
            }
        }
        accounts.extend(self.attackers.iter().map(|a| a.account));
        accounts.insert(self.honest);
        let mut credits = U256::ZERO;
        for account in accounts {
            credits += self.world.credit(game, account);
        }
        let balance = self.world.chain.balance(view.game);
        if credits != balance {
            return Err(format!(
                "game {game} holds {balance} wei and owes {credits}"
            ));
        }
        Ok(())
    }
}

/// The payout of a fallen claim, whoever gets it.
pub(crate) fn payout(view: &trestle_challenger::GameView, best: &ClaimView) -> Option<Move> {
    let claim = view.claims.get(&best.header.parent)?;
    let is_due = best.header.level != Level::Root
        && claim.status == ClaimStatus::Falls
        && !claim.is_settled
        && claim.undecided == 0
        && claim.best_ordinal == best.ordinal;
    is_due.then_some(Move::Settle {
        claim: claim.header,
        best: best.header,
    })
}

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn play_seeds(
    seeds: impl Iterator<Item = u64> + Send,
    max_attackers: u64,
    kind: Option<Kind>,
) -> Report {
    let mut total = Report::default();
    for seed in seeds {
        let report = simulate(Setup {
            seed,
            max_attackers,
            kind,
            weakening: None,
        })
        .unwrap();
        total.games += report.games;
        total.claims += report.claims;
        total.transactions += report.transactions;
        total.repeated += report.repeated;
        total.reorgs += report.reorgs;
        total.most_gas = total.most_gas.max(report.most_gas);
        total.longest = total.longest.max(report.longest);
        total.most_locked = total.most_locked.max(report.most_locked);
        total.honest_profit += report.honest_profit;
    }
    total
}

fn show(what: &str, total: &Report) {
    println!(
        "{what}: {} games, {} claims, {} transactions, {} repeated moves, {} reorgs; longest {} h, most gas {}, \
         most locked {} x bondMin",
        total.games,
        total.claims,
        total.transactions,
        total.repeated,
        total.reorgs,
        total.longest / 3_600,
        total.most_gas,
        total.most_locked / bond_min(),
    );
}

#[test]
fn truth_wins_in_every_seeded_game() {
    if let Ok(seed) = std::env::var("GAME_SEED") {
        let (seed, most) = (seed.parse().unwrap(), from_env("GAME_ATTACKERS", 8));
        show("replayed", &play_seeds(std::iter::once(seed), most, None));
        return;
    }
    let runs = from_env("GAME_SEEDS", 600);
    let most = from_env("GAME_ATTACKERS", 8);
    let threads: Vec<_> = (0..2)
        .map(|half| {
            std::thread::spawn(move || {
                play_seeds((0..runs).filter(move |s| s % 2 == half), most, None)
            })
        })
        .collect();
    let mut played = 0;
    for thread in threads {
        let total = thread.join().unwrap();
        played += total.games;
        show("mixed attackers", &total);
    }
    assert!(played >= runs, "every seed plays a game");
}

#[test]
fn truth_wins_against_up_to_64_attackers_at_once() {
    let runs = from_env("GAME_CROWDS", 12);
    show("crowds", &play_seeds(1_000_000..1_000_000 + runs, 64, None));
}

#[test]
fn truth_wins_against_each_kind_of_attacker_alone() {
    let runs = from_env("GAME_KINDS", 12);
    for (i, kind) in (0_u64..).zip(KINDS) {
        let first = 2_000_000 + i * 10_000;
        show(
            &format!("{kind:?}"),
            &play_seeds(first..first + runs, 4, Some(kind)),
        );
    }
}

#[test]
fn same_seed_plays_the_same_game() {
    let play = || {
        simulate(Setup {
            seed: 7,
            max_attackers: 6,
            kind: None,
            weakening: None,
        })
        .unwrap()
    };
    let (first, second) = (play(), play());
    assert_eq!(
        (first.claims, first.transactions, first.most_locked),
        (second.claims, second.transactions, second.most_locked)
    );
    let distinct: BTreeMap<u64, u64> = (0..6)
        .map(|seed| {
            let report = simulate(Setup {
                seed,
                max_attackers: 6,
                kind: None,
                weakening: None,
            })
            .unwrap();
            (report.transactions, seed)
        })
        .collect();
    assert!(distinct.len() > 1, "seeds differ");
}
