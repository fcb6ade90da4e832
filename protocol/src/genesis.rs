//! Block 0: the header over a given allocation.
//!
//! The allocation itself (predeploys, preinstalls) comes with the contracts; here is what makes a
//! block of it. Spec: `SPEC.md`, section 5.4.

use crate::{ChainConfig, HeaderExtra, header_template};
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, TrieAccount, root};

/// One account of the allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GenesisAccount {
    /// Nonce; predeploys have 1 by EIP-161.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Contract code; empty without.
    pub code: Bytes,
    /// Storage slots that are not zero.
    pub storage: BTreeMap<U256, U256>,
}

impl GenesisAccount {
    fn trie_account(&self) -> TrieAccount {
        let code_hash = if self.code.is_empty() {
            KECCAK_EMPTY
        } else {
            keccak256(&self.code)
        };
        let slots: Vec<_> = self
            .storage
            .iter()
            .map(|(slot, value)| (B256::from(*slot), *value))
            .collect();
        let storage_root = if slots.is_empty() {
            EMPTY_ROOT_HASH
        } else {
            root::storage_root_unhashed(slots)
        };
        TrieAccount {
            nonce: self.nonce,
            balance: self.balance,
            storage_root,
            code_hash,
        }
    }
}

/// What a chain starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Timestamp of block 0 in seconds.
    pub timestamp: u64,
    /// First floor of the base fee in wei per gas.
    pub floor: u128,
    /// All accounts.
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

impl Genesis {
    /// State root of the allocation.
    #[must_use]
    pub fn state_root(&self) -> B256 {
        let accounts = self
            .alloc
            .iter()
            .map(|(address, a)| (*address, a.trie_account()));
        root::state_root_unhashed(accounts.collect::<Vec<_>>())
    }

    /// Header of block 0. `config.genesis_hash` plays no part in it.
    #[must_use]
    pub fn header(&self, config: &ChainConfig) -> Header {
        Header {
            state_root: self.state_root(),
            timestamp: self.timestamp,
            extra_data: HeaderExtra {
                excess: 0,
                floor: self.floor,
            }
            .encode(),
            base_fee_per_gas: Some(u64::try_from(self.floor).unwrap_or(u64::MAX)),
            ..header_template(config)
        }
    }
}
