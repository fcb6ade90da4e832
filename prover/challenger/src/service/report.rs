//! What the service finds in a game, for logs, metrics and `--dry-run`.

use alloy_primitives::{Address, U256};
use serde::Serialize;

use super::calls::{bond_of, name_of};
use crate::{ClaimStatus, GameView, Plan};

/// What the service would do in a game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GameReport {
    /// The game.
    pub game: Address,
    /// Batch whose output root it settles.
    pub batch: u64,
    /// Whether the proposed root is what this program derives.
    pub is_true: bool,
    /// Claims in it, the root included.
    pub claims: usize,
    /// Moves by name.
    pub moves: Vec<&'static str>,
    /// Ether that they lock, in wei.
    pub bond: U256,
    /// Ether of needed moves that the account cannot pay, in wei.
    pub unaffordable: U256,
    /// Last second in which the most urgent claim can be answered, since 1970; none when nothing is open.
    pub deadline: Option<u64>,
}

impl GameReport {
    pub(super) fn new(view: &GameView, (batch, is_true): (u64, bool), plan: &Plan) -> Self {
        let open = view
            .claims
            .values()
            .filter(|claim| view.is_answerable(claim));
        Self {
            game: view.game,
            batch,
            is_true,
            claims: view.claims.len(),
            moves: plan.moves.iter().map(name_of).collect(),
            bond: plan
                .moves
                .iter()
                .map(bond_of)
                .fold(U256::ZERO, U256::saturating_add),
            unaffordable: plan.unaffordable,
            deadline: open.map(|claim| view.deadline(claim)).min(),
        }
    }
}

/// What the metrics count over all games.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Games watched.
    pub games: usize,
    /// Games with a false root that is not defeated yet.
    pub false_roots: usize,
    /// Games with more claims than the root.
    pub disputes: usize,
    /// Seconds left to answer the most urgent claim.
    pub clock_left: Option<u64>,
    /// Our bonds that are locked, in wei.
    pub locked: U256,
}

impl Counts {
    pub(super) fn add(&mut self, view: &GameView, is_true: bool, account: Option<Address>) {
        let root = view
            .root()
            .map_or(ClaimStatus::Open, |(_, root)| root.status);
        self.games = self.games.saturating_add(1);
        if !is_true && root == ClaimStatus::Open {
            self.false_roots = self.false_roots.saturating_add(1);
        }
        if view.claims.len() > 1 {
            self.disputes = self.disputes.saturating_add(1);
            let open = view
                .claims
                .values()
                .filter(|claim| view.is_answerable(claim));
            let left = open
                .map(|claim| view.deadline(claim).saturating_sub(view.now))
                .min();
            self.clock_left = [self.clock_left, left].into_iter().flatten().min();
        }
        for claim in view.claims.values() {
            if Some(claim.claimant) == account && !claim.is_settled {
                self.locked = self.locked.saturating_add(view.bond(&claim.header));
            }
        }
    }

    pub(super) fn publish(&self) {
        metrics::gauge!("trestle_challenger_games").set(as_float(self.games as u64));
        metrics::gauge!("trestle_challenger_false_roots").set(as_float(self.false_roots as u64));
        metrics::gauge!("trestle_challenger_disputes").set(as_float(self.disputes as u64));
        let gwei = (self.locked / U256::from(1_000_000_000)).saturating_to();
        metrics::gauge!("trestle_challenger_bonds_locked_gwei").set(as_float(gwei));
        if let Some(left) = self.clock_left {
            metrics::gauge!("trestle_challenger_clock_left_seconds").set(as_float(left));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric")]
pub(super) fn as_float(value: u64) -> f64 {
    value as f64
}
