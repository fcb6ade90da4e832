//! Clocks, bonds and the guest image of a chain's dispute games.
//!
//! Spec: `SPEC.md`, chapter "Claims and disputes", section "Defaults".

use alloy::primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};
use trestle_contracts::bindings::deployment::Deployment::GameConfig;

use super::{ConfigError, in_range};

/// Kind of the dissection game over the RV64IM machine: "TRST".
pub const GAME_TYPE: u32 = 0x5452_5354;
/// Bonds of every level are whole multiples of 5/4 of the one below: 4^9 wei.
const BOND_GRAIN: u128 = 1 << 18;
/// Instructions per second of the slowest supported executor.
const SLOWEST_STEPS_PER_SECOND: u64 = 250_000_000;
/// Seconds in which those who do not like an upgrade can leave after the last game under the old rules.
const EXIT_MARGIN: u64 = 7 * 86_400;
/// Longest clock, in seconds: a year.
const MAX_SECONDS: u128 = 365 * 86_400;

/// Parameters of dispute games, as `deploy.json` holds them under `dispute`; every one has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DisputeConfig {
    /// Root of the guest image that batches are proven with.
    pub image_root: B256,
    /// Chess clock of one side, in seconds.
    pub max_clock: u32,
    /// Least time to answer any claim, in seconds.
    pub extension: u32,
    /// Machine steps of the worst legal batch; sets the least extension.
    pub step_cap: u64,
    /// Time to get a transaction into L1, in seconds; part of the least extension.
    pub inclusion_time: u32,
    /// Bond of a claim that only a step can answer, in wei; a multiple of 4^9.
    pub bond_min: u128,
    /// What the sender of a step gets out of the fallen bond, in wei; at most a quarter of `bond_min`.
    pub step_refund: u128,
    /// Seconds between a game's outcome and reliance on it.
    pub air_gap: u64,
}

/// Root of the committed guest image; zero, which is refused, if its file were malformed.
fn committed_image_root() -> B256 {
    /// What is said about the committed image.
    #[derive(Deserialize)]
    struct Image {
        root: B256,
    }
    let text = include_str!("../../../../prover/guest/image/image.json");
    serde_json::from_str::<Image>(text).map_or(B256::ZERO, |image| image.root)
}

impl Default for DisputeConfig {
    fn default() -> Self {
        Self {
            image_root: committed_image_root(),
            max_clock: 302_400,
            extension: 14_400,
            step_cap: 1 << 39,
            inclusion_time: 3_600,
            bond_min: 40_000_000_002_097_152,
            step_refund: 5_000_000_000_000_000,
            air_gap: 302_400,
        }
    }
}

impl DisputeConfig {
    /// Seconds from a proposal until its root can be relied on, whatever the attackers do: two clocks, nine
    /// extensions and the air gap.
    #[must_use]
    pub fn longest_wait(&self) -> u64 {
        2 * u64::from(self.max_clock) + 9 * u64::from(self.extension) + self.air_gap
    }

    /// Checks what the contracts would refuse, and that no upgrade can overtake a game and the withdrawals that were
    /// proven against it, which wait for `proof_maturity_delay` seconds.
    pub(super) fn validate(
        &self,
        timelock_delay: u64,
        proof_maturity_delay: u64,
    ) -> Result<(), ConfigError> {
        let least = (self.step_cap.saturating_mul(2) / SLOWEST_STEPS_PER_SECOND)
            .saturating_add(self.inclusion_time.into());
        if self.image_root.is_zero() {
            return Err(ConfigError::NoImage);
        }
        in_range("dispute.maxClock", self.max_clock.into(), 1, MAX_SECONDS)?;
        in_range(
            "dispute.extension",
            self.extension.into(),
            u128::from(least.max(1)),
            self.max_clock.into(),
        )?;
        in_range("dispute.bondMin", self.bond_min, BOND_GRAIN, 1 << 80)?;
        if !self.bond_min.is_multiple_of(BOND_GRAIN) {
            return Err(ConfigError::BondGrain { got: self.bond_min });
        }
        in_range("dispute.stepRefund", self.step_refund, 0, self.bond_min / 4)?;
        in_range("dispute.airGap", self.air_gap.into(), 0, MAX_SECONDS)?;
        in_range(
            "timelockDelay",
            timelock_delay.into(),
            u128::from(self.longest_wait() + EXIT_MARGIN + proof_maturity_delay),
            10 * MAX_SECONDS,
        )
    }

    /// The contracts' form; the Deployment fills in the addresses and hashes that are zero here.
    pub(crate) fn game_config(&self, verifier: Address) -> GameConfig {
        GameConfig {
            gameType: GAME_TYPE,
            factory: Address::ZERO,
            registry: Address::ZERO,
            inbox: Address::ZERO,
            verifier,
            configHash: B256::ZERO,
            imageRoot: self.image_root,
            previousImageRoot: self.image_root,
            imageFromBatch: 0,
            maxClock: self.max_clock,
            extension: self.extension,
            stepCap: self.step_cap,
            inclusionTime: self.inclusion_time,
            bondMin: U256::from(self.bond_min),
            stepRefund: U256::from(self.step_refund),
        }
    }
}
