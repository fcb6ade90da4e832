//! What is proposed at the start of a run: the truth, lies, and proposals that must be refused.

use alloy_primitives::{Address, B256, keccak256};
use alloy_sol_types::SolError;

use super::Simulation;
use crate::{
    bindings as abi,
    liar::{Kind, Trace as _},
    toy::Program,
    world::Proposed,
};

impl Simulation {
    /// One batch in a fifth of the runs panics or never halts.
    pub(super) fn plant_failure(&mut self) {
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
    pub(super) fn propose(&mut self) -> Result<(), String> {
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

    pub(super) fn open(
        &mut self,
        from: Address,
        proposed: &Proposed,
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
    pub(super) fn try_bad_proposals(&mut self) -> Result<(), String> {
        let attacker = self.random.pick(&self.attackers).account;
        let (n, bond) = (self.world.batches, self.world.root_bond(self.world.batches));
        let beyond = self.world.proposed(n + 1, keccak256("beyond"));
        let receipt = self
            .world
            .create(attacker, &beyond, self.world.root_bond(n + 1));
        if !receipt.reverted_with(abi::BatchBeyondInbox::SELECTOR) {
            return Err("a claim beyond the Inbox was not refused".into());
        }
        let mut absurd = self.world.proposed(n, keccak256("absurd"));
        absurd.proposal.l2BlockNumber = u64::MAX;
        let receipt = self.world.create(attacker, &absurd, bond);
        if !receipt.reverted_with(abi::BlockNumberMismatch::SELECTOR) {
            return Err("an absurd height was not refused".into());
        }
        Ok(())
    }
}
