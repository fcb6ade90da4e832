//! What a node needs of a deployed chain: `rollup.json` and `genesis.json`.
//!
//! Both follow from the configuration and the L1 block of the deployment alone, so anyone can make
//! them again from L1. Spec: sections 2, 5.4 and 7.

use alloy::{
    consensus::Header,
    primitives::{Address, B256, U64},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use trestle_contracts::{GenesisParams, genesis_alloc};
use trestle_protocol::{ChainConfig, Genesis, GenesisAccount, OutputPreimage};

use super::{Contracts, DeployConfig};

/// The L1 block of a deployment: nothing of the chain is before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct L1Start {
    /// Block number.
    pub number: u64,
    /// Block hash.
    pub hash: B256,
    /// Timestamp in seconds; also that of L2's genesis.
    pub timestamp: u64,
}

/// Block 0 of L2 with its accounts.
#[derive(Debug, Clone)]
pub struct RollupGenesis {
    /// Accounts, timestamp and floor.
    pub genesis: Genesis,
    /// Header of block 0.
    pub header: Header,
    /// Static configuration, with the hash of the header.
    pub chain: ChainConfig,
}

impl RollupGenesis {
    /// The genesis of the chain whose Inbox is at `inbox`; `timestamp` is in seconds.
    #[must_use]
    pub fn new(config: &DeployConfig, inbox: Address, timestamp: u64) -> Self {
        let chain = config.chain_config(inbox);
        Self::of(
            &config.genesis_params(),
            config.genesis_floor,
            chain,
            timestamp,
        )
    }

    /// The genesis with these accounts' parameters and floor (wei per gas); `chain` has no genesis hash yet.
    pub(crate) fn of(
        params: &GenesisParams,
        floor: u128,
        mut chain: ChainConfig,
        timestamp: u64,
    ) -> Self {
        let account = |a: trestle_contracts::GenesisAccount| GenesisAccount {
            nonce: a.nonce,
            balance: a.balance,
            code: a.code,
            storage: a.storage,
        };
        let accounts = genesis_alloc(params).into_iter();
        let genesis = Genesis {
            timestamp,
            floor,
            alloc: accounts.map(|(address, a)| (address, account(a))).collect(),
        };
        let header = genesis.header(&chain);
        chain.genesis_hash = header.hash_slow();
        Self {
            genesis,
            header,
            chain,
        }
    }

    /// Output root of block 0. No message was sent in it, so the passer's storage is empty.
    #[must_use]
    pub fn output_root(&self) -> B256 {
        OutputPreimage {
            state_root: self.header.state_root,
            message_passer_root: alloy::consensus::EMPTY_ROOT_HASH,
            block_hash: self.chain.genesis_hash,
        }
        .root()
    }
}

/// All that a node must know of its chain, as `rollup.json` holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollupConfig {
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// Hash of the static configuration, which binds it into every proof.
    pub config_hash: B256,
    /// Hash of L2 block 0.
    pub genesis_hash: B256,
    /// Output root of L2 block 0.
    pub genesis_output_root: B256,
    /// Timestamp of L2 block 0 in seconds.
    pub genesis_timestamp: u64,
    /// L1 block of the deployment.
    pub l1_start: L1Start,
    /// Contracts on L1.
    pub contracts: Contracts,
    /// Age in seconds after which a queue entry can be forced in.
    pub forced_inclusion_delay: u64,
    /// Static limits and rates, as in section 2 of the specification.
    pub chain: ChainLimits,
}

/// The fields of [`ChainConfig`] that are not addresses, ids or hashes; see there for their units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "named and documented in trestle_protocol::ChainConfig"
)]
pub struct ChainLimits {
    pub block_gas_limit: u64,
    pub tx_gas_limit: u64,
    pub target_gas_per_second: u64,
    pub fee_denominator: u64,
    pub excess_cap: u64,
    pub max_time_lag: u64,
    pub max_time_drift: u64,
    pub batch_work_budget: u64,
    pub batch_deposit_gas: u64,
    pub max_payload_bytes: u32,
    pub max_blobs: u8,
    pub max_deposit_data: u32,
    pub max_decompressed: u32,
    pub max_blocks_per_batch: u32,
    pub max_tx_bytes: u32,
    pub block_work: u64,
    pub system_entry_gas: u64,
}

/// Why a `rollup.json` is not the configuration that it names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("configuration hashes to {got}, its configHash is {expected}")]
pub struct ConfigHashMismatch {
    /// The file's `configHash`.
    pub expected: B256,
    /// Hash of the file's fields.
    pub got: B256,
}

impl RollupConfig {
    pub(crate) fn new(
        forced_inclusion_delay: u64,
        contracts: &Contracts,
        l1_start: L1Start,
        genesis: &RollupGenesis,
    ) -> Self {
        let chain = &genesis.chain;
        Self {
            l1_chain_id: chain.l1_chain_id,
            l2_chain_id: chain.l2_chain_id,
            config_hash: chain.hash(),
            genesis_hash: chain.genesis_hash,
            genesis_output_root: genesis.output_root(),
            genesis_timestamp: genesis.genesis.timestamp,
            l1_start,
            contracts: *contracts,
            forced_inclusion_delay,
            chain: ChainLimits::from(chain),
        }
    }

    /// The static configuration, for the protocol.
    ///
    /// # Errors
    /// [`ConfigHashMismatch`] when a field was changed.
    pub fn chain_config(&self) -> Result<ChainConfig, ConfigHashMismatch> {
        let limits = &self.chain;
        let config = ChainConfig {
            l1_chain_id: self.l1_chain_id,
            l2_chain_id: self.l2_chain_id,
            inbox: self.contracts.inbox,
            genesis_hash: self.genesis_hash,
            block_gas_limit: limits.block_gas_limit,
            tx_gas_limit: limits.tx_gas_limit,
            target_gas_per_second: limits.target_gas_per_second,
            fee_denominator: limits.fee_denominator,
            excess_cap: limits.excess_cap,
            max_time_lag: limits.max_time_lag,
            max_time_drift: limits.max_time_drift,
            batch_work_budget: limits.batch_work_budget,
            batch_deposit_gas: limits.batch_deposit_gas,
            max_payload_bytes: limits.max_payload_bytes,
            max_blobs: limits.max_blobs,
            max_deposit_data: limits.max_deposit_data,
            max_decompressed: limits.max_decompressed,
            max_blocks_per_batch: limits.max_blocks_per_batch,
            max_tx_bytes: limits.max_tx_bytes,
            block_work: limits.block_work,
            system_entry_gas: limits.system_entry_gas,
        };
        let got = config.hash();
        if got != self.config_hash {
            return Err(ConfigHashMismatch {
                expected: self.config_hash,
                got,
            });
        }
        Ok(config)
    }
}

impl From<&ChainConfig> for ChainLimits {
    fn from(chain: &ChainConfig) -> Self {
        Self {
            block_gas_limit: chain.block_gas_limit,
            tx_gas_limit: chain.tx_gas_limit,
            target_gas_per_second: chain.target_gas_per_second,
            fee_denominator: chain.fee_denominator,
            excess_cap: chain.excess_cap,
            max_time_lag: chain.max_time_lag,
            max_time_drift: chain.max_time_drift,
            batch_work_budget: chain.batch_work_budget,
            batch_deposit_gas: chain.batch_deposit_gas,
            max_payload_bytes: chain.max_payload_bytes,
            max_blobs: chain.max_blobs,
            max_deposit_data: chain.max_deposit_data,
            max_decompressed: chain.max_decompressed,
            max_blocks_per_batch: chain.max_blocks_per_batch,
            max_tx_bytes: chain.max_tx_bytes,
            block_work: chain.block_work,
            system_entry_gas: chain.system_entry_gas,
        }
    }
}

/// `genesis.json` in geth's format: numbers of the header in hexadecimal, forks up to Osaka active from 0.
#[must_use]
pub fn genesis_json(genesis: &RollupGenesis) -> Value {
    let header = &genesis.header;
    let hex = |number: u64| Value::from(format!("{:#x}", U64::from(number)));
    let alloc: Map<String, Value> = genesis
        .genesis
        .alloc
        .iter()
        .map(|(address, account)| (format!("{address:#x}"), account_json(account)))
        .collect();
    json!({
        "config": fork_config(genesis.chain.l2_chain_id),
        "nonce": hex(0),
        "timestamp": hex(header.timestamp),
        "extraData": header.extra_data,
        "gasLimit": hex(header.gas_limit),
        "difficulty": "0x0",
        "mixHash": header.mix_hash,
        "coinbase": header.beneficiary,
        "alloc": alloc,
        "number": hex(header.number),
        "gasUsed": hex(header.gas_used),
        "parentHash": header.parent_hash,
        "baseFeePerGas": hex(header.base_fee_per_gas.unwrap_or_default()),
        "excessBlobGas": hex(header.excess_blob_gas.unwrap_or_default()),
        "blobGasUsed": hex(header.blob_gas_used.unwrap_or_default()),
    })
}

fn account_json(account: &GenesisAccount) -> Value {
    let storage: Map<String, Value> = account
        .storage
        .iter()
        .map(|(slot, value)| {
            (
                B256::from(*slot).to_string(),
                B256::from(*value).to_string().into(),
            )
        })
        .collect();
    json!({
        "nonce": format!("{:#x}", account.nonce),
        "balance": format!("{:#x}", account.balance),
        "code": account.code,
        "storage": storage,
    })
}

fn fork_config(chain_id: u64) -> Value {
    let blocks = [
        "homesteadBlock",
        "eip150Block",
        "eip155Block",
        "eip158Block",
        "byzantiumBlock",
        "constantinopleBlock",
        "petersburgBlock",
        "istanbulBlock",
        "muirGlacierBlock",
        "berlinBlock",
        "londonBlock",
        "arrowGlacierBlock",
        "grayGlacierBlock",
        "mergeNetsplitBlock",
    ];
    let times = ["shanghaiTime", "cancunTime", "pragueTime", "osakaTime"];
    let mut config: Map<String, Value> = blocks
        .iter()
        .chain(&times)
        .map(|fork| ((*fork).to_owned(), 0.into()))
        .collect();
    config.insert("chainId".to_owned(), chain_id.into());
    config.insert("terminalTotalDifficulty".to_owned(), 0.into());
    config.insert("terminalTotalDifficultyPassed".to_owned(), true.into());
    config.into()
}
