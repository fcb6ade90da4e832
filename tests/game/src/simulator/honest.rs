//! The honest side's moves, those that others send ahead of them, and decisions that anyone sends.

use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use trestle_challenger::{ClaimStatus, ClaimView, GameView, Level, Move, choose_moves};

use super::Simulation;
use crate::{bindings as abi, chain::address_of, liar::Kind, world::World};

impl Simulation {
    pub(super) fn act_honestly(&mut self) -> Result<(), String> {
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
    pub(super) fn copy_first(&mut self, game: usize, step: &Move) {
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

    pub(super) fn send_honestly(&mut self, game: usize, step: &Move) -> Result<(), String> {
        let is_pushed = self.push_credit(game, step);
        let mut is_sent = self.send_as_planned(game, step, is_pushed);
        if !is_sent && is_pushed.is_some() {
            // The credit that was to pay for the move is in the balance now.
            self.report.pushed += 1;
            is_sent = self.play(game, self.honest, step);
        }
        if is_sent {
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

    /// An attacker pays the honest side's credit out just before a counter that was to be paid from it. Gives the
    /// credit that the honest side counted on.
    pub(super) fn push_credit(&mut self, game: usize, step: &Move) -> Option<U256> {
        if !matches!(step, Move::Counter { .. }) || !self.random.one_in(8) {
            return None;
        }
        let account = self.honest;
        let counted_on = self.world.credit(game, account);
        let to = self.world.games[game].game;
        let data = abi::claimCreditCall { account }.abi_encode().into();
        let attacker = self.random.pick(&self.attackers).account;
        self.transact(attacker, to, U256::ZERO, data)
            .then_some(counted_on)
    }

    /// Sends a move with the value that is right if the credit is as it was when the move was planned.
    pub(super) fn send_as_planned(
        &mut self,
        game: usize,
        step: &Move,
        credit: Option<U256>,
    ) -> bool {
        let Some(credit) = credit else {
            return self.play(game, self.honest, step);
        };
        let (data, value) = World::encode(step, credit);
        let to = self.world.games[game].game;
        self.transact(self.honest, to, value, data)
    }

    /// Whoever has an interest decides and settles what can be.
    pub(super) fn decide_all(&mut self) -> Result<(), String> {
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
}

/// The payout of a fallen claim, whoever gets it.
pub(crate) fn payout(view: &GameView, best: &ClaimView) -> Option<Move> {
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
