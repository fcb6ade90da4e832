//! What was played, summed over seeds.

use std::fmt;

use alloy_primitives::U256;

use crate::world::bond_min;

/// What a game was about, for the report of a violation and for the averages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub(crate) games: u64,
    pub(crate) claims: u64,
    pub(crate) transactions: u64,
    pub(crate) repeated: u64,
    /// Honest counters that had to be sent again because somebody had paid out the credit for them.
    pub(crate) pushed: u64,
    pub(crate) most_attackers: usize,
    pub(crate) most_gas: u64,
    pub(crate) longest: u64,
    pub(crate) reorgs: u64,
    pub(crate) most_locked: U256,
    pub(crate) honest_profit: U256,
}

impl Report {
    /// Takes in another run.
    pub(crate) fn add(&mut self, other: &Self) {
        self.games += other.games;
        self.claims += other.claims;
        self.transactions += other.transactions;
        self.repeated += other.repeated;
        self.pushed += other.pushed;
        self.reorgs += other.reorgs;
        self.most_attackers = self.most_attackers.max(other.most_attackers);
        self.most_gas = self.most_gas.max(other.most_gas);
        self.longest = self.longest.max(other.longest);
        self.most_locked = self.most_locked.max(other.most_locked);
        self.honest_profit += other.honest_profit;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} games, {} claims, {} transactions, {} repeated moves, {} moves without their credit, {} reorgs; \
             at most {} attackers, {} h, {} gas, {} x bondMin locked",
            self.games,
            self.claims,
            self.transactions,
            self.repeated,
            self.pushed,
            self.reorgs,
            self.most_attackers,
            self.longest / 3_600,
            self.most_gas,
            self.most_locked / bond_min(),
        )
    }
}
