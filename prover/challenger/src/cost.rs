//! What a dispute costs: the attacker per hour of delay, the honest side in capital.
//!
//! All figures follow from the bond table, the delay formula and the measured gas of each transaction.

use alloy_primitives::U256;

use crate::{
    bond::BondTable,
    claim::Level,
    delay::{Clocks, DelayBounds},
    dissection::moves_below,
};

/// L1 gas of each transaction of a game, as measured by the gas snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasSchedule {
    /// Proposal of a root.
    pub create: u64,
    /// Counter at the dearest level.
    pub counter: u64,
    /// Step with a small witness, without the step verifier's own work.
    pub step: u64,
    /// Decision on a claim.
    pub decide: u64,
    /// Payout of a fallen claim.
    pub settle: u64,
}

impl GasSchedule {
    /// The figures of `tests/vectors/game/gas.json`, rounded up; a step as the toy machine's.
    pub const MEASURED: Self = Self {
        create: 280_000,
        counter: 250_000,
        step: 145_000,
        decide: 91_000,
        settle: 84_000,
    };
}

/// Inputs of the calculation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisputeCosts {
    /// Bond of a claim that only a step answers, in wei.
    pub bond_min: U256,
    /// Clocks, in seconds.
    pub clocks: Clocks,
    /// Batches between the anchor and the disputed root.
    pub batches: u64,
    /// Price of L1 gas, in wei.
    pub gas_price: U256,
    /// The defender's time from a claim to its answer's inclusion, in seconds.
    pub response: u64,
    /// Value that the chain holds, in wei: what an attack could win.
    pub tvl: U256,
    /// Gas of each transaction.
    pub gas: GasSchedule,
}

/// Results of the calculation. Ether in wei, time in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostReport {
    /// Bonds by number of moves below, 0 to 9.
    pub bonds: BondTable,
    /// Moves below the root of a game over this many batches.
    pub root_moves: u32,
    /// How long games can last.
    pub delay: DelayBounds,
    /// Bonds that the honest side locks on the deepest path against one false root.
    pub refute_root: U256,
    /// Bonds that the honest side locks on the deepest path in defence of one true root.
    pub defend_root: U256,
    /// Gas of the honest side on the deepest path, answers, step, decisions and payouts together.
    pub honest_gas: u64,
    /// Bonds that the attacker loses in delaying one true root to the bound.
    pub attacker_loss: U256,
    /// Of these, burned rather than paid to the honest side.
    pub attacker_burn: U256,
    /// Seconds of delay beyond the window that every root waits, bought by that loss.
    pub bought_delay: u64,
    /// The attacker's loss per hour of such delay, bonds and gas.
    pub loss_per_hour: U256,
    /// Games that an attacker who locks the whole value can run against one honest side at once.
    pub parallel_attacks: U256,
    /// What the honest side must be able to lock, in case an attacker locks the whole value: 4/5 of it at most.
    pub honest_capital: U256,
}

impl DisputeCosts {
    /// Calculates the report.
    pub fn report(&self) -> CostReport {
        let bonds = BondTable::new(self.bond_min);
        let root_moves = moves_below(Level::Root, self.batches);
        let delay = self.clocks.bounds(self.batches, self.response);
        let (refute_root, defend_root) = (
            bonds.side_total(root_moves, false),
            bonds.side_total(root_moves, true),
        );
        // Against a true root the attacker makes the claims of odd depth, which are those that refute a false one.
        let attacker_loss = refute_root;
        let bought_delay = delay.prompt_defender.saturating_sub(delay.undisputed);
        let attack_gas = u64::from(root_moves.div_ceil(2)).saturating_mul(self.gas.counter);
        let attack_fee = self.gas_price.saturating_mul(U256::from(attack_gas));
        CostReport {
            root_moves,
            delay,
            refute_root,
            defend_root,
            honest_gas: self.honest_gas(root_moves),
            attacker_loss,
            attacker_burn: attacker_loss / U256::from(5),
            bought_delay,
            loss_per_hour: attacker_loss
                .saturating_add(attack_fee)
                .saturating_mul(U256::from(3_600))
                .checked_div(U256::from(bought_delay))
                .unwrap_or_default(),
            parallel_attacks: self.tvl.checked_div(attacker_loss).unwrap_or_default(),
            honest_capital: self.tvl.saturating_mul(U256::from(4)) / U256::from(5),
            bonds,
        }
    }

    /// Gas of one honest player on the deepest path: every second counter, the step, all decisions, its payouts.
    fn honest_gas(&self, root_moves: u32) -> u64 {
        let (all, own) = (u64::from(root_moves), u64::from(root_moves.div_ceil(2)));
        let decisions = all.saturating_add(1).saturating_mul(self.gas.decide);
        own.saturating_mul(self.gas.counter.saturating_add(self.gas.settle))
            .saturating_add(self.gas.step)
            .saturating_add(decisions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> DisputeCosts {
        DisputeCosts {
            bond_min: U256::from(40_000_000_002_097_152_u64),
            clocks: Clocks {
                max_clock: 302_400,
                extension: 14_400,
            },
            batches: 1 << 21,
            gas_price: U256::from(20_000_000_000_u64),
            response: 600,
            tvl: U256::from(1_000) * U256::from(10_u64.pow(18)),
            gas: GasSchedule::MEASURED,
        }
    }

    #[test]
    fn honest_path_of_the_longest_game_stays_below_four_million_gas() {
        assert!(defaults().report().honest_gas <= 4_000_000);
    }

    #[test]
    fn an_attacker_loses_more_than_the_honest_side_locks() {
        for batches in [1, 2, 128, 129, 16_384, 1 << 21] {
            let report = DisputeCosts {
                batches,
                ..defaults()
            }
            .report();
            assert!(report.attacker_loss * U256::from(4) >= report.defend_root * U256::from(5));
            assert!(report.loss_per_hour > U256::ZERO);
        }
    }
}
