//! A block's changes with its hashes made together: those of the storage tries of many accounts at
//! a time, then those of the account trie. What [`StateTrie::apply`] and [`StateTrie::roots`] do,
//! and in their order within each trie, so that the changes are theirs too.

use super::{HashMany, TOGETHER, commit_together};
use crate::{
    AccountChange, StateDiff, StateRoots,
    trie::{
        EMPTY_ROOT_HASH, NodeSource, StateTrie, Trie, TrieAccount, TrieError, hash_address,
        hash_slot,
    },
};
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::{B256, U256};

/// An account to be written.
struct Pending<'a> {
    key: B256,
    change: &'a AccountChange,
    /// Its storage root before the change.
    before: B256,
}

impl StateTrie {
    /// [`Self::apply`], by `hash`.
    ///
    /// # Errors
    /// Those of [`Self::apply`], with the same consequences.
    pub fn apply_with<S: NodeSource + ?Sized>(
        &mut self,
        diff: &StateDiff,
        src: &mut S,
        hash: &HashMany<'_>,
    ) -> Result<(), TrieError<S::Error>> {
        let mut changes: Vec<_> = diff
            .accounts
            .iter()
            .map(|(address, change)| (hash_address(*address), change))
            .collect();
        changes.sort_unstable_by_key(|(key, _)| *key);
        for some in changes.chunks(TOGETHER) {
            self.accounts.warm(some.iter().map(|(key, _)| key));
            let mut accounts = Vec::with_capacity(some.len());
            for (key, change) in some {
                accounts.push(self.set_slots(*key, change, src)?);
            }
            self.commit_storages(&accounts, hash);
            for account in accounts {
                self.set_account(&account, src)?;
            }
        }
        Ok(())
    }

    /// [`Self::roots`], by `hash`.
    ///
    /// # Errors
    /// Those of [`Self::roots`].
    pub fn roots_with<S: NodeSource + ?Sized>(
        &mut self,
        src: &mut S,
        hash: &HashMany<'_>,
    ) -> Result<StateRoots, TrieError<S::Error>> {
        self.accounts.root_with(hash);
        self.roots(src)
    }

    /// Sets the slots of one account, and hashes nothing.
    fn set_slots<'a, S: NodeSource + ?Sized>(
        &mut self,
        key: B256,
        change: &'a AccountChange,
        src: &mut S,
    ) -> Result<Pending<'a>, TrieError<S::Error>> {
        let account = self.account_at(key, src)?;
        let before = account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        if change.info.is_some() && !change.storage.is_empty() {
            set_slots(self.storage_trie(key, before), &change.storage, src)?;
        }
        Ok(Pending {
            key,
            change,
            before,
        })
    }

    /// Hashes the storage tries of these accounts.
    fn commit_storages(&mut self, accounts: &[Pending<'_>], hash: &HashMany<'_>) {
        let mut tries: Vec<_> = accounts
            .iter()
            .filter(|account| !account.change.storage.is_empty())
            .filter_map(|account| self.storages.remove_entry(&account.key))
            .collect();
        commit_together(tries.iter_mut().map(|(_, trie)| trie), hash);
        self.storages.extend(tries);
    }

    /// Writes one account, whose storage trie is hashed.
    fn set_account<S: NodeSource + ?Sized>(
        &mut self,
        account: &Pending<'_>,
        src: &mut S,
    ) -> Result<(), TrieError<S::Error>> {
        let Some(info) = account.change.info else {
            // Without an account there is no storage (EIP-6780); nothing of it can be in the trie.
            return self.accounts.remove(account.key, src).map(drop);
        };
        let storage_root = match account.change.storage.is_empty() {
            true => account.before,
            false => self.storage_trie(account.key, account.before).root(),
        };
        let leaf = TrieAccount {
            nonce: info.nonce,
            balance: info.balance,
            storage_root,
            code_hash: info.code_hash,
        };
        self.accounts
            .insert(account.key, alloy_rlp::encode(leaf), src)
    }
}

/// Sets slots in the order of their hashes.
fn set_slots<S: NodeSource + ?Sized>(
    trie: &mut Trie,
    storage: &BTreeMap<U256, U256>,
    src: &mut S,
) -> Result<(), TrieError<S::Error>> {
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
    Ok(())
}
