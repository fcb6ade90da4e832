//! What an operator decides about a chain before it exists.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use trestle_contracts::{GenesisParams, bindings::Deployment::OperatorParams};
use trestle_protocol::ChainConfig;

use super::plan::l1_bridge;

mod dispute;
pub use dispute::{DisputeConfig, GAME_TYPE};

/// Chain ids stay below this, so that JavaScript can hold them.
const MAX_CHAIN_ID: u64 = 1 << 53;
/// Seconds of an L1 slot; the deposit market is dimensioned by it.
const L1_SLOT_SECONDS: u64 = 12;

/// A chain's parameters, as `deploy.json` holds them; only ids, roles and governors have no default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeployConfig {
    /// Chain id of L1; the deployment refuses another L1.
    pub l1_chain_id: u64,
    /// Chain id of L2, below 2^53.
    pub l2_chain_id: u64,
    /// Account that rotates operator parameters at once.
    pub operator: Address,
    /// Account that appends batches.
    pub batcher: Address,
    /// Account that may pause the finalisation of withdrawals for a time; the operator without a value, and nobody
    /// with the zero address.
    #[serde(default)]
    pub guardian: Option<Address>,
    /// Accounts that announce changes to the timelock, and cancel them.
    pub governors: Vec<Address>,
    /// Accounts that execute announced changes; empty for anyone.
    #[serde(default)]
    pub executors: Vec<Address>,
    /// Seconds between the announcement of a change and its execution.
    #[serde(default = "default_timelock_delay")]
    pub timelock_delay: u64,
    /// Seconds after which a queue entry is overdue and can be forced in.
    #[serde(default = "default_forced_inclusion_delay")]
    pub forced_inclusion_delay: u64,
    /// Least age in seconds of a withdrawal's proof.
    #[serde(default = "default_proof_maturity_delay")]
    pub proof_maturity_delay: u64,
    /// L2 gas per second at which the fee rule's excess drains.
    #[serde(default = "default_target")]
    pub target_gas_per_second: u64,
    /// L2 gas that the user transactions of one block may use; the whole block without a value.
    #[serde(default)]
    pub user_gas_limit: Option<u64>,
    /// Compressed share of a posted byte, in millionths.
    #[serde(default = "default_data_scalar")]
    pub data_scalar: u32,
    /// Bit set of the L1 data prices that count: 1 calldata, 2 blobs.
    #[serde(default = "default_data_kinds")]
    pub data_kinds: u8,
    /// Lowest floor of the base fee, in wei per gas.
    #[serde(default = "default_min_floor")]
    pub min_floor: u128,
    /// Floor and base fee of the genesis, in wei per gas.
    #[serde(default = "default_genesis_floor")]
    pub genesis_floor: u128,
    /// Clocks, bonds and image of dispute games.
    #[serde(default)]
    pub dispute: DisputeConfig,
    /// Tells apart deployments that are equal in everything else.
    #[serde(default)]
    pub salt: B256,
}

const fn default_timelock_delay() -> u64 {
    30 * 86_400
}

const fn default_forced_inclusion_delay() -> u64 {
    12 * 3_600
}

const fn default_proof_maturity_delay() -> u64 {
    302_400
}

const fn default_target() -> u64 {
    10_000_000
}

const fn default_data_scalar() -> u32 {
    400_000
}

const fn default_data_kinds() -> u8 {
    1
}

const fn default_min_floor() -> u128 {
    1_000_000
}

const fn default_genesis_floor() -> u128 {
    1_000_000_000
}

/// Why a configuration cannot be deployed. Found before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The chain id of L2 is out of range, or that of L1.
    #[error("l2ChainId {got} must be between 1 and 2^53, and another than that of L1")]
    ChainId {
        /// Chain id given.
        got: u64,
    },
    /// A role has the zero address.
    #[error("{role} is the zero address")]
    ZeroAddress {
        /// Name of the field.
        role: &'static str,
    },
    /// Nobody could ever announce an upgrade.
    #[error("governors is empty")]
    NoGovernors,
    /// A number is outside its range.
    #[error("{field} is {got}, must be between {min} and {max}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// Value given.
        got: u128,
        /// Lowest legal value.
        min: u128,
        /// Highest legal value.
        max: u128,
    },
    /// No guest image is named to prove batches with.
    #[error("dispute.imageRoot is zero")]
    NoImage,
    /// Bonds could not be whole at every level of the game.
    #[error("dispute.bondMin is {got}, must be a multiple of 4^9")]
    BondGrain {
        /// Value given, in wei.
        got: u128,
    },
}

impl DeployConfig {
    /// A configuration with the defaults: one account as operator and governor, and a batcher.
    #[must_use]
    pub fn new(l1_chain_id: u64, l2_chain_id: u64, operator: Address, batcher: Address) -> Self {
        Self {
            l1_chain_id,
            l2_chain_id,
            operator,
            batcher,
            guardian: None,
            governors: vec![operator],
            executors: Vec::new(),
            timelock_delay: default_timelock_delay(),
            forced_inclusion_delay: default_forced_inclusion_delay(),
            proof_maturity_delay: default_proof_maturity_delay(),
            target_gas_per_second: default_target(),
            user_gas_limit: None,
            data_scalar: default_data_scalar(),
            data_kinds: default_data_kinds(),
            min_floor: default_min_floor(),
            genesis_floor: default_genesis_floor(),
            dispute: DisputeConfig::default(),
            salt: B256::ZERO,
        }
    }

    /// Checks everything that L1 would refuse, or that would make a chain which cannot run.
    ///
    /// # Errors
    /// The first [`ConfigError`] found.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.l2_chain_id == 0
            || self.l2_chain_id >= MAX_CHAIN_ID
            || self.l2_chain_id == self.l1_chain_id
        {
            return Err(ConfigError::ChainId {
                got: self.l2_chain_id,
            });
        }
        self.validate_roles()?;
        let block_gas = u128::from(self.chain_config(Address::ZERO).block_gas_limit);
        let year = 365 * 86_400;
        let floor_max = u128::from(u64::MAX);
        in_range("timelockDelay", self.timelock_delay.into(), 1, 10 * year)?;
        in_range(
            "forcedInclusionDelay",
            self.forced_inclusion_delay.into(),
            1,
            year,
        )?;
        in_range(
            "proofMaturityDelay",
            self.proof_maturity_delay.into(),
            0,
            year,
        )?;
        in_range(
            "targetGasPerSecond",
            self.target_gas_per_second.into(),
            1_000_000,
            block_gas * 10,
        )?;
        in_range("userGasLimit", self.user_gas_limit().into(), 0, block_gas)?;
        in_range("dataScalar", self.data_scalar.into(), 0, 16_000_000)?;
        in_range("dataKinds", self.data_kinds.into(), 1, 3)?;
        in_range("minFloor", self.min_floor, 1, floor_max)?;
        in_range(
            "genesisFloor",
            self.genesis_floor,
            self.min_floor,
            floor_max,
        )?;
        self.dispute
            .validate(self.timelock_delay, self.proof_maturity_delay)
    }

    fn validate_roles(&self) -> Result<(), ConfigError> {
        if self.governors.is_empty() {
            return Err(ConfigError::NoGovernors);
        }
        let roles = [("operator", self.operator), ("batcher", self.batcher)];
        let governors = self
            .governors
            .iter()
            .map(|governor| ("governors", *governor));
        roles
            .into_iter()
            .chain(governors)
            .find(|(_, account)| account.is_zero())
            .map_or(Ok(()), |(role, _)| Err(ConfigError::ZeroAddress { role }))
    }

    /// The static configuration of the chain whose Inbox is at `inbox`; its genesis hash is still zero.
    #[must_use]
    pub fn chain_config(&self, inbox: Address) -> ChainConfig {
        ChainConfig::new(self.l1_chain_id, self.l2_chain_id, inbox, B256::ZERO)
            .with_target(self.target_gas_per_second)
    }

    /// L2 gas that one L1 block may sell to deposits: half of what the target drains in a slot.
    #[must_use]
    pub const fn deposit_gas_per_block(&self) -> u64 {
        self.target_gas_per_second.saturating_mul(L1_SLOT_SECONDS) / 2
    }

    /// Seconds for which the guardian may pause the finalisation of withdrawals: until an upgrade that is announced
    /// then has long been in force.
    #[must_use]
    pub const fn max_pause(&self) -> u64 {
        self.timelock_delay.saturating_add(7 * 86_400)
    }

    /// Least seconds from one pause to the next, of which less than half are paused.
    #[must_use]
    pub fn pause_interval(&self) -> u64 {
        self.max_pause()
            .saturating_mul(5)
            .div_euclid(2)
            .max(90 * 86_400)
    }

    /// L2 gas that the user transactions of one block may use.
    #[must_use]
    pub fn user_gas_limit(&self) -> u64 {
        let block = self.chain_config(Address::ZERO).block_gas_limit;
        self.user_gas_limit.unwrap_or(block)
    }

    /// Account that may pause the finalisation of withdrawals.
    #[must_use]
    pub fn guardian(&self) -> Address {
        self.guardian.unwrap_or(self.operator)
    }

    /// What the accounts of the genesis depend on.
    #[must_use]
    pub fn genesis_params(&self) -> GenesisParams {
        GenesisParams {
            l2_chain_id: self.l2_chain_id,
            user_gas_limit: self.user_gas_limit(),
            data_scalar: self.data_scalar,
            data_kinds: self.data_kinds,
            min_floor: self.min_floor,
            l1_bridge: l1_bridge(self),
        }
    }

    /// The first operator parameters, for the contracts.
    pub(crate) fn operator_params(&self) -> OperatorParams {
        OperatorParams {
            userGasLimit: self.user_gas_limit(),
            dataScalar: self.data_scalar,
            dataKinds: self.data_kinds,
            minFloor: self.min_floor,
            batcher: self.batcher,
        }
    }
}

fn in_range(field: &'static str, got: u128, min: u128, max: u128) -> Result<(), ConfigError> {
    if (min..=max).contains(&got) {
        Ok(())
    } else {
        Err(ConfigError::OutOfRange {
            field,
            got,
            min,
            max,
        })
    }
}
