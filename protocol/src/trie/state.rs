//! The state of the chain as tries: one of accounts, and one of storage per contract.

use super::{EMPTY_ROOT_HASH, NodeSource, Trie, TrieAccount, TrieChanges, TrieError};
use crate::{AccountChange, StateDiff, StateRoots, predeploys::MESSAGE_PASSER};
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;

/// The state trie with the storage tries below it, for node and prover alike.
#[derive(Debug)]
pub struct StateTrie {
    pub(super) accounts: Trie,
    /// Storage tries opened so far, by hashed address.
    pub(super) storages: BTreeMap<B256, Trie>,
    is_tracked: bool,
}

/// What a store that keeps nodes by path must do to follow a state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateTrieChanges {
    /// Nodes of the account trie.
    pub accounts: TrieChanges,
    /// Nodes of storage tries by hashed address; only tries that changed.
    pub storages: BTreeMap<B256, TrieChanges>,
}

/// The key of an account.
#[must_use]
pub fn hash_address(address: Address) -> B256 {
    keccak256(address)
}

/// The key of a storage slot.
#[must_use]
pub fn hash_slot(slot: U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

impl StateTrie {
    /// Opens the state under `root`. Nothing is read yet.
    #[must_use]
    pub fn new(root: B256) -> Self {
        Self {
            accounts: Trie::new(None, root),
            storages: BTreeMap::new(),
            is_tracked: true,
        }
    }

    /// As [`Self::new`], for a caller that wants roots only: [`Self::take_changes`] stays empty.
    #[must_use]
    pub fn untracked(root: B256) -> Self {
        Self {
            accounts: Trie::untracked(None, root),
            storages: BTreeMap::new(),
            is_tracked: false,
        }
    }

    /// The account at `address`, `None` if there is none.
    ///
    /// # Errors
    /// Those of [`Trie::get`], and [`TrieError::Value`] when the leaf holds no account.
    pub fn account<S: NodeSource + ?Sized>(
        &mut self,
        address: Address,
        src: &mut S,
    ) -> Result<Option<TrieAccount>, TrieError<S::Error>> {
        self.account_at(hash_address(address), src)
    }

    /// The value of a storage slot; zero if there is no such slot or account.
    ///
    /// # Errors
    /// Those of [`Self::account`], and [`TrieError::Value`] when the leaf holds no storage value.
    pub fn storage<S: NodeSource + ?Sized>(
        &mut self,
        address: Address,
        slot: U256,
        src: &mut S,
    ) -> Result<U256, TrieError<S::Error>> {
        let owner = hash_address(address);
        let Some(trie) = self.open(owner, src)? else {
            return Ok(U256::ZERO);
        };
        let key = hash_slot(slot);
        trie.get(key, src)?.map_or(Ok(U256::ZERO), |rlp| {
            decode_storage(rlp).ok_or(TrieError::Value {
                owner: Some(owner),
                key,
            })
        })
    }

    /// The root of an account's storage, [`EMPTY_ROOT_HASH`] if there is no such account.
    ///
    /// # Errors
    /// Those of [`Self::account`].
    pub fn storage_root<S: NodeSource + ?Sized>(
        &mut self,
        address: Address,
        src: &mut S,
    ) -> Result<B256, TrieError<S::Error>> {
        let account = self.account(address, src)?;
        Ok(account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root))
    }

    /// Applies what one or more blocks changed; accounts and slots in the order of their hashes.
    ///
    /// # Errors
    /// Those of [`Self::account`]. Part of the diff may be applied then; the same call may be
    /// repeated.
    pub fn apply<S: NodeSource + ?Sized>(
        &mut self,
        diff: &StateDiff,
        src: &mut S,
    ) -> Result<(), TrieError<S::Error>> {
        let mut changes: Vec<_> = diff
            .accounts
            .iter()
            .map(|(address, change)| (hash_address(*address), change))
            .collect();
        changes.sort_unstable_by_key(|(key, _)| *key);
        for (key, change) in changes {
            self.apply_account(key, change, src)?;
        }
        Ok(())
    }

    /// The state root.
    pub fn root(&mut self) -> B256 {
        self.accounts.root()
    }

    /// The roots that a block's header commits to.
    ///
    /// # Errors
    /// Those of [`Self::account`].
    pub fn roots<S: NodeSource + ?Sized>(
        &mut self,
        src: &mut S,
    ) -> Result<StateRoots, TrieError<S::Error>> {
        let message_passer = self.storage_root(MESSAGE_PASSER, src)?;
        Ok(StateRoots {
            state: self.root(),
            message_passer,
        })
    }

    /// What changed since the last call, to be stored by path.
    pub fn take_changes(&mut self) -> StateTrieChanges {
        let storages = self
            .storages
            .iter_mut()
            .map(|(owner, trie)| (*owner, trie.take_changes()));
        StateTrieChanges {
            storages: storages
                .filter(|(_, changes)| !changes.is_empty())
                .collect(),
            accounts: self.accounts.take_changes(),
        }
    }

    /// Proves an account, or its absence, under [`Self::root`].
    ///
    /// # Errors
    /// Those of [`Trie::proof`].
    pub fn account_proof<S: NodeSource + ?Sized>(
        &mut self,
        address: Address,
        src: &mut S,
    ) -> Result<Vec<Bytes>, TrieError<S::Error>> {
        self.accounts.proof(hash_address(address), src)
    }

    /// Proves a storage slot, or its absence, under [`Self::storage_root`]; empty without storage.
    ///
    /// # Errors
    /// Those of [`Self::account`].
    pub fn storage_proof<S: NodeSource + ?Sized>(
        &mut self,
        address: Address,
        slot: U256,
        src: &mut S,
    ) -> Result<Vec<Bytes>, TrieError<S::Error>> {
        match self.open(hash_address(address), src)? {
            Some(trie) => trie.proof(hash_slot(slot), src),
            None => Ok(Vec::new()),
        }
    }

    /// Number of nodes in memory, of all tries.
    #[must_use]
    pub fn node_count(&self) -> usize {
        let storages = self.storages.values().map(Trie::node_count);
        storages.fold(self.accounts.node_count(), usize::saturating_add)
    }

    /// Bounds the memory to about `max_nodes` nodes: half for the accounts, the rest shared evenly
    /// by the storage tries in use, those not used since the last pruning being closed.
    ///
    /// Call it when the source holds all changes that were taken; see [`Trie::prune`].
    pub fn prune(&mut self, max_nodes: usize) {
        if self.node_count() <= max_nodes {
            return;
        }
        let half = max_nodes / 2;
        self.accounts.prune(half);
        self.prune_storages(half);
    }

    /// Bounds the memory of the storage tries to about `max_nodes` nodes.
    pub(super) fn prune_storages(&mut self, max_nodes: usize) {
        self.storages.retain(|_, trie| !trie.is_idle());
        let share = max_nodes
            .checked_div(self.storages.len())
            .unwrap_or_default();
        for trie in self.storages.values_mut() {
            trie.prune(share);
            trie.rest();
        }
    }

    /// For a state that is not tracked: forgets all nodes that came from the source and did not change since.
    ///
    /// Call it after [`Self::roots`]; a later read fetches them again.
    pub fn forget_unchanged(&mut self) {
        self.accounts.forget_unchanged();
        self.storages.retain(|_, trie| !trie.is_unchanged());
        for trie in self.storages.values_mut() {
            trie.forget_unchanged();
        }
    }

    pub(super) fn account_at<S: NodeSource + ?Sized>(
        &mut self,
        key: B256,
        src: &mut S,
    ) -> Result<Option<TrieAccount>, TrieError<S::Error>> {
        let value = self.accounts.get(key, src)?;
        value
            .map(|rlp| decode_account(rlp).ok_or(TrieError::Value { owner: None, key }))
            .transpose()
    }

    /// The storage trie of an account; `None` if the account has no storage.
    fn open<S: NodeSource + ?Sized>(
        &mut self,
        owner: B256,
        src: &mut S,
    ) -> Result<Option<&mut Trie>, TrieError<S::Error>> {
        if !self.storages.contains_key(&owner) {
            match self.account_at(owner, src)? {
                Some(account) if account.storage_root != EMPTY_ROOT_HASH => {
                    self.storage_trie(owner, account.storage_root);
                }
                _ => return Ok(None),
            }
        }
        Ok(self.storages.get_mut(&owner))
    }

    /// The storage trie of an account whose storage root is `root` unless it is open already.
    pub(super) fn storage_trie(&mut self, owner: B256, root: B256) -> &mut Trie {
        let is_tracked = self.is_tracked;
        self.storages
            .entry(owner)
            .or_insert_with(|| match is_tracked {
                true => Trie::new(Some(owner), root),
                false => Trie::untracked(Some(owner), root),
            })
    }

    fn apply_account<S: NodeSource + ?Sized>(
        &mut self,
        key: B256,
        change: &AccountChange,
        src: &mut S,
    ) -> Result<(), TrieError<S::Error>> {
        let before = self
            .account_at(key, src)?
            .map(|account| account.storage_root);
        let Some(info) = change.info else {
            // Without an account there is no storage (EIP-6780); nothing of it can be in the trie.
            return self.accounts.remove(key, src).map(drop);
        };
        let before = before.unwrap_or(EMPTY_ROOT_HASH);
        let storage_root = match change.storage.is_empty() {
            true => before,
            false => apply_storage(self.storage_trie(key, before), &change.storage, src)?,
        };
        let account = TrieAccount {
            nonce: info.nonce,
            balance: info.balance,
            storage_root,
            code_hash: info.code_hash,
        };
        self.accounts.insert(key, alloy_rlp::encode(account), src)
    }
}

/// Sets slots in the order of their hashes; the storage root afterwards.
fn apply_storage<S: NodeSource + ?Sized>(
    trie: &mut Trie,
    storage: &BTreeMap<U256, U256>,
    src: &mut S,
) -> Result<B256, TrieError<S::Error>> {
    let mut slots: Vec<_> = storage
        .iter()
        .map(|(slot, value)| (hash_slot(*slot), *value))
        .collect();
    slots.sort_unstable_by_key(|(key, _)| *key);
    for (key, value) in slots {
        if value.is_zero() {
            trie.remove(key, src)?;
        } else {
            trie.insert(key, alloy_rlp::encode(value), src)?;
        }
    }
    Ok(trie.root())
}

/// An account from the RLP in its leaf.
pub(super) fn decode_account(mut rlp: &[u8]) -> Option<TrieAccount> {
    let account = TrieAccount::decode(&mut rlp).ok()?;
    rlp.is_empty().then_some(account)
}

/// A storage value from the RLP in its leaf; never zero.
pub(super) fn decode_storage(mut rlp: &[u8]) -> Option<U256> {
    let value = U256::decode(&mut rlp).ok()?;
    (rlp.is_empty() && !value.is_zero()).then_some(value)
}
