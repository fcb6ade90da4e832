//! The promises that every run is held to: outcome, delay, purse and books.

use std::collections::BTreeSet;

use alloy_primitives::U256;

use super::Simulation;
use crate::{bindings as abi, world::CLOCKS};

impl Simulation {
    /// What the honest side has locked is at most four fifths of what others have locked at the same time, and its
    /// own proposals.
    pub(super) fn check_purse(&mut self) -> Result<(), String> {
        let games = self.world.games.len();
        let mut held = self.world.chain.balance(self.honest);
        for game in 0..games {
            held += self.world.credit(game, self.honest);
        }
        let locked = self.initial.saturating_sub(held);
        let mut answered = U256::ZERO;
        for view in &self.world.games {
            let others = view.claims.values();
            for claim in others.filter(|c| c.claimant != self.honest && !c.is_settled) {
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

    pub(super) fn check_end(&mut self) -> Result<(), String> {
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
        self.report.most_attackers = self.attackers.len();
        Ok(())
    }

    pub(super) fn check_outcome(&mut self, game: usize) -> Result<(), String> {
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
    pub(super) fn check_books(&mut self, game: usize) -> Result<(), String> {
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
