//! The state before a batch, read from the store as derivation needs it, and changed as blocks are made.

use super::{Store, StoreError};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::{
    Database,
    bytecode::Bytecode,
    database_interface::DBErrorMarker,
    primitives::{StorageKey, StorageValue},
    state::AccountInfo,
};
use trestle_protocol::{
    StateDiff, StateRoots,
    trie::{Nibbles, NodeSource, StateTrie, TrieError},
};

/// Why a piece of state could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateError {
    /// The store lacks it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store has is no trie.
    #[error("state trie: {0}")]
    Trie(String),
}

impl DBErrorMarker for StateError {}

impl From<TrieError<StoreError>> for StateError {
    fn from(error: TrieError<StoreError>) -> Self {
        match error {
            TrieError::Source(error) => Self::Store(error),
            other => Self::Trie(other.to_string()),
        }
    }
}

/// Trie nodes by their hash.
pub(super) struct Nodes<'a>(pub(super) &'a dyn Store);

impl NodeSource for Nodes<'_> {
    type Error = StoreError;

    fn node(&mut self, _: Option<B256>, _: &Nibbles, hash: B256) -> Result<Bytes, StoreError> {
        self.0.preimage(&hash)?.ok_or(StoreError::Missing(hash))
    }
}

/// The state under a root, and what changes it.
#[derive(Debug)]
pub(super) struct State<'a> {
    store: &'a dyn Store,
    trie: StateTrie,
    /// Codes that blocks of this batch made.
    codes: Vec<Bytes>,
}

impl<'a> State<'a> {
    pub(super) fn new(store: &'a dyn Store, root: B256) -> Self {
        Self {
            store,
            trie: StateTrie::new(root),
            codes: Vec::new(),
        }
    }

    /// Changes the state as a block did.
    pub(super) fn apply(&mut self, diff: &StateDiff) -> Result<StateRoots, StateError> {
        self.codes.extend(diff.codes.values().cloned());
        self.trie.apply(diff, &mut Nodes(self.store))?;
        Ok(self.trie.roots(&mut Nodes(self.store))?)
    }

    /// Everything new since the state was opened that a later read may ask for.
    pub(super) fn into_preimages(mut self) -> Vec<Bytes> {
        let changes = self.trie.take_changes();
        let tries = changes.storages.into_values().chain([changes.accounts]);
        let nodes = tries.flat_map(|trie| trie.nodes.into_values()).flatten();
        self.codes
            .into_iter()
            .chain(nodes.map(Bytes::from))
            .collect()
    }
}

impl Database for State<'_> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.trie.account(address, &mut Nodes(self.store))?;
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, StateError> {
        if hash == KECCAK256_EMPTY || hash.is_zero() {
            return Ok(Bytecode::default());
        }
        let made = || {
            self.codes
                .iter()
                .find(|code| alloy_primitives::keccak256(code) == hash)
        };
        let bytes = match self.store.preimage(&hash)? {
            Some(bytes) => bytes,
            None => made().cloned().ok_or(StoreError::Missing(hash))?,
        };
        Bytecode::new_raw_checked(bytes).map_err(|_| StoreError::Damaged("contract code").into())
    }

    fn storage(&mut self, address: Address, slot: StorageKey) -> Result<StorageValue, StateError> {
        let value: U256 = self.trie.storage(address, slot, &mut Nodes(self.store))?;
        Ok(value)
    }

    fn block_hash(&mut self, _: u64) -> Result<B256, StateError> {
        // The overlay answers `BLOCKHASH` from the history contract and never asks its base.
        Ok(B256::ZERO)
    }
}
