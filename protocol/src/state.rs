//! What a block changes in the state: the one form in which execution hands its result on.
//!
//! Execution writes it, the trie turns it into a state root, the node's store keeps it and its
//! reverse. Ordered maps throughout, so that everybody walks it alike.

use alloc::collections::BTreeMap;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};

/// An account without its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountInfo {
    /// Number of transactions sent, or of contracts created.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Keccak-256 of the code; [`KECCAK256_EMPTY`] without code.
    pub code_hash: B256,
}

impl Default for AccountInfo {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK256_EMPTY,
        }
    }
}

/// What happened to one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The account afterwards; `None` if it no longer exists.
    pub info: Option<AccountInfo>,
    /// Storage slots that changed, with their new values; zero deletes a slot.
    pub storage: BTreeMap<U256, U256>,
}

/// Everything that one or more consecutive blocks change, by address.
///
/// Since EIP-6780 an account that had storage before a transaction cannot lose it as a whole, so
/// there is no notion of wiped storage: a deleted account never had any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateDiff {
    /// Changed accounts.
    pub accounts: BTreeMap<Address, AccountChange>,
    /// New contract code by its hash.
    pub codes: BTreeMap<B256, Bytes>,
}

impl StateDiff {
    /// Lays `later` over `self`: what both blocks changed in all.
    pub fn extend(&mut self, later: Self) {
        for (address, change) in later.accounts {
            let entry = self.accounts.entry(address).or_default();
            entry.info = change.info;
            entry.storage.extend(change.storage);
        }
        self.codes.extend(later.codes);
    }
}
