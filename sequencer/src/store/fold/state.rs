//! The state that a run of blocks leaves, and what each of them replaced.
//!
//! All is written in the order of keys, and what several blocks changed is read and set once.

use crate::store::{
    StoreError,
    changed::ChangedNodes,
    codec::{decode_word, encode_account},
    history::Subject,
    layers::Layer,
    nodes::{account_key, set_node, stored_account},
    runs::Entry,
    tables::{Tables, WriteTx, get, set, slot_key},
};
use alloy_primitives::{Address, B256, U256};
use signet_libmdbx::tx::aliases::RwCursorUnsync;
use std::sync::Arc;
use trestle_protocol::{AccountInfo, trie::hash_address};

/// That a block gave an account this state.
type AccountVersion<'a> = (Address, u64, Option<&'a AccountInfo>);
/// That a block gave a slot this value.
type SlotVersion = ((Address, U256), u64, U256);

/// Brings the state forward and keeps, for each block, what it replaced.
pub(super) fn write_state(
    tx: &WriteTx,
    t: &Tables,
    layers: &[Arc<Layer>],
) -> Result<(), StoreError> {
    let (mut accounts, mut slots) = (Vec::new(), Vec::new());
    for layer in layers {
        let number = layer.number();
        for (address, change) in &layer.block.diff.accounts {
            accounts.push((*address, number, change.info.as_ref()));
            let written = change.storage.iter();
            slots.extend(written.map(|(slot, value)| ((*address, *slot), number, *value)));
        }
    }
    // Stable: the versions of a key stay in the order of their blocks.
    accounts.sort_by_key(|(address, ..)| *address);
    slots.sort_by_key(|(key, ..)| *key);
    let mut history = Vec::new();
    for versions in slots.chunk_by(|(a, ..), (b, ..)| a == b) {
        write_slot(tx, t, versions, &mut history)?;
    }
    write_accounts(tx, t, layers, (&accounts, &mut history))?;
    t.history.add(tx, history)
}

/// Sets a slot to the last of its new values, and keeps what each replaced unless it is equal.
fn write_slot(
    tx: &WriteTx,
    t: &Tables,
    versions: &[SlotVersion],
    history: &mut Vec<Entry>,
) -> Result<(), StoreError> {
    let Some(((address, slot), ..)) = versions.first() else {
        return Ok(());
    };
    let key = slot_key(address, slot);
    let before = get(tx, t.storage, &key)?;
    let before = before.map_or(Ok(U256::ZERO), |value| decode_word(&value))?;
    let mut old = before;
    for (_, number, new) in versions {
        if old != *new {
            let value = old.to_be_bytes_trimmed_vec();
            history.push(Subject::Slot(*address, *slot).replaced(*number, value));
        }
        old = *new;
    }
    if old == before {
        return Ok(());
    }
    let value = old.to_be_bytes_trimmed_vec();
    set(
        tx,
        t.storage,
        &key,
        Some(&value).filter(|value| !value.is_empty()),
    )
}

/// Writes trie nodes, whose leaves are the accounts, each once however often it changed.
///
/// What an account was is read just before the first node on its way is written: until then its old leaf is where it was,
/// and then both are on the page where the cursor is.
fn write_accounts(
    tx: &WriteTx,
    t: &Tables,
    layers: &[Arc<Layer>],
    (accounts, history): (&[AccountVersion<'_>], &mut Vec<Entry>),
) -> Result<(), StoreError> {
    let mut changed = ChangedNodes::default();
    for layer in layers {
        changed.add(&layer.nodes);
    }
    let mut accounts = by_hash(accounts).into_iter().peekable();
    let mut cursor = tx.cursor(t.nodes)?;
    for (key, node) in changed.in_order() {
        let is_due = |account: &Account<'_, '_>| account.key < key || account.key.starts_with(&key);
        while let Some(account) = accounts.next_if(is_due) {
            keep_replaced(&mut cursor, &account, history)?;
        }
        set_node(&mut cursor, &key, node)?;
    }
    accounts.try_for_each(|account| keep_replaced(&mut cursor, &account, history))
}

/// An account that changed.
struct Account<'a, 'b> {
    /// Hash of its address.
    hash: B256,
    /// See [`account_key`].
    key: Vec<u8>,
    versions: &'b [AccountVersion<'a>],
}

/// Accounts in the order of their keys, which is that of their leaves.
fn by_hash<'a, 'b>(accounts: &'b [AccountVersion<'a>]) -> Vec<Account<'a, 'b>> {
    let each = accounts.chunk_by(|(a, ..), (b, ..)| a == b);
    let account = |versions: &'b [AccountVersion<'a>]| {
        let (address, ..) = versions.first()?;
        let hash = hash_address(*address);
        Some(Account {
            hash,
            key: account_key(&hash),
            versions,
        })
    };
    let mut accounts: Vec<_> = each.filter_map(account).collect();
    accounts.sort_unstable_by_key(|account| account.hash);
    accounts
}

/// Keeps what each version of an account replaced, unless it is equal.
fn keep_replaced(
    cursor: &mut RwCursorUnsync<'_>,
    account: &Account<'_, '_>,
    history: &mut Vec<Entry>,
) -> Result<(), StoreError> {
    let before = stored_account(cursor, &account.hash)?;
    let mut old = before.as_ref().map(|leaf| &leaf.info);
    for (address, number, new) in account.versions {
        if old != *new {
            let value = old.map(encode_account).unwrap_or_default();
            history.push(Subject::Account(*address).replaced(*number, value));
        }
        old = *new;
    }
    Ok(())
}
