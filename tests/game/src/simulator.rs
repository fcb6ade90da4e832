//! Whole disputes by seed: the challenger's choice of moves against attackers that combine freely, on the
//! compiled contracts.
//!
//! `GAME_SEEDS`, `GAME_CROWDS` and `GAME_KINDS` set how many seeds are played with mixed attackers, with crowds of
//! them, and with each kind alone; `GAME_SEED` replays one.

mod attacks;
mod checks;
mod honest;
mod proposals;
mod report;
mod seeds;

use alloy_primitives::{Address, Bytes, U256};
use trestle_challenger::{ClaimStatus, Move};

pub(crate) use self::honest::payout;
use self::report::Report;
use crate::{
    chain::address_of,
    liar::{KINDS, Kind},
    random::Random,
    world::{CLOCKS, World, stake},
};

/// One attacker of a game.
#[derive(Debug, Clone)]
struct Attacker {
    kind: Kind,
    account: Address,
    /// Counters that it may still try.
    tries: u32,
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
}
