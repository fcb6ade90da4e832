//! Block 0: the header over a given allocation.
//!
//! The allocation itself (predeploys, preinstalls) comes with the contracts; here is what makes a
//! block of it. Spec: `SPEC.md`, section 5.4.

use crate::{
    AccountChange, AccountInfo, Body, ChainConfig, HeaderExtra, SealedBlock, SealedHeader,
    StateDiff, header_template, predeploys::MESSAGE_PASSER,
};
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
    fn storage_root(&self) -> B256 {
        let slots: Vec<_> = self
            .storage
            .iter()
            .map(|(slot, value)| (B256::from(*slot), *value))
            .collect();
        if slots.is_empty() {
            EMPTY_ROOT_HASH
        } else {
            root::storage_root_unhashed(slots)
        }
    }

    fn trie_account(&self) -> TrieAccount {
        let code_hash = if self.code.is_empty() {
            KECCAK_EMPTY
        } else {
            keccak256(&self.code)
        };
        TrieAccount {
            nonce: self.nonce,
            balance: self.balance,
            storage_root: self.storage_root(),
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

    /// Block 0: no transactions, and the allocation as what it changed.
    #[must_use]
    pub fn block(&self, config: &ChainConfig) -> SealedBlock {
        let body = Body {
            transactions: Vec::new(),
            senders: Vec::new(),
            receipts: Vec::new(),
            deposits: 0..0,
        };
        SealedBlock {
            header: SealedHeader::new(self.header(config)),
            body,
            diff: self.diff(),
        }
    }

    fn diff(&self) -> StateDiff {
        let mut diff = StateDiff::default();
        for (address, account) in &self.alloc {
            let trie = account.trie_account();
            let info = AccountInfo {
                nonce: trie.nonce,
                balance: trie.balance,
                code_hash: trie.code_hash,
            };
            let change = AccountChange {
                info: Some(info),
                storage: account.storage.clone(),
            };
            diff.accounts.insert(*address, change);
            if !account.code.is_empty() {
                diff.codes.insert(info.code_hash, account.code.clone());
            }
        }
        diff
    }

    /// Header of block 0. `config.genesis_hash` plays no part in it.
    #[must_use]
    pub fn header(&self, config: &ChainConfig) -> Header {
        let message_passer = self.alloc.get(&MESSAGE_PASSER);
        Header {
            state_root: self.state_root(),
            withdrawals_root: message_passer
                .map(GenesisAccount::storage_root)
                .or(Some(EMPTY_ROOT_HASH)),
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
