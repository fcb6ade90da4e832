//! Reads `rollup.json` and `genesis.json` back, for whoever runs a node of the chain.

use std::{collections::BTreeMap, path::Path};

use alloy::primitives::{Address, B256, Bytes, U64, U256};
use serde::{Deserialize, de::DeserializeOwned};
use trestle_protocol::{ChainConfig, Genesis, GenesisAccount};

use super::{ConfigHashMismatch, RollupConfig};

/// A chain as its files describe it, checked against each other.
#[derive(Debug, Clone)]
pub struct ChainFiles {
    /// `rollup.json`.
    pub rollup: RollupConfig,
    /// The static configuration in it.
    pub chain: ChainConfig,
    /// `genesis.json`.
    pub genesis: Genesis,
}

/// Why a folder does not describe a chain.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// Its path.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what its name says.
    #[error("{file} is not valid: {source}")]
    Parse {
        /// Its path.
        file: String,
        /// Where it fails.
        source: serde_json::Error,
    },
    /// `rollup.json` was changed by hand.
    #[error(transparent)]
    ConfigHash(#[from] ConfigHashMismatch),
    /// `genesis.json` is not the one that `rollup.json` names.
    #[error("genesis.json hashes to {got}, rollup.json names {expected}")]
    Genesis {
        /// Hash in `rollup.json`.
        expected: B256,
        /// Hash of the genesis.
        got: B256,
    },
}

/// What is read of a genesis in geth's format.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenesisFile {
    timestamp: U64,
    base_fee_per_gas: U64,
    alloc: BTreeMap<Address, AccountFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountFile {
    #[serde(default)]
    nonce: U64,
    #[serde(default)]
    balance: U256,
    #[serde(default)]
    code: Bytes,
    #[serde(default)]
    storage: BTreeMap<B256, B256>,
}

impl ChainFiles {
    /// Reads the files in `folder`.
    ///
    /// # Errors
    /// [`ImportError`]: which file is missing or wrong.
    pub fn read(folder: &Path) -> Result<Self, ImportError> {
        let rollup: RollupConfig = read(&folder.join("rollup.json"))?;
        let chain = rollup.chain_config()?;
        let genesis = Genesis::from(read::<GenesisFile>(&folder.join("genesis.json"))?);
        let got = genesis.header(&chain).hash_slow();
        if got != chain.genesis_hash {
            return Err(ImportError::Genesis {
                expected: chain.genesis_hash,
                got,
            });
        }
        Ok(Self {
            rollup,
            chain,
            genesis,
        })
    }
}

impl From<GenesisFile> for Genesis {
    fn from(file: GenesisFile) -> Self {
        let account = |a: AccountFile| GenesisAccount {
            nonce: a.nonce.to(),
            balance: a.balance,
            code: a.code,
            storage: a
                .storage
                .into_iter()
                .map(|(slot, value)| (slot.into(), value.into()))
                .collect(),
        };
        Self {
            timestamp: file.timestamp.to(),
            floor: file.base_fee_per_gas.to::<u64>().into(),
            alloc: file
                .alloc
                .into_iter()
                .map(|(address, a)| (address, account(a)))
                .collect(),
        }
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ImportError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| ImportError::Read {
        file: file.clone(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| ImportError::Parse { file, source })
}
