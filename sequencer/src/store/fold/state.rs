//! The state that a run of blocks leaves, and what each of them replaced.
//!
//! All is written in the order of keys, and what several blocks changed is read and set once.

use crate::store::{
    StoreError,
    codec::{decode_word, encode_account},
    history::Subject,
    layers::Layer,
    nodes::{Group, Newest, entries, has_short_leaves, lay_over, stored_account},
    runs::Entry,
    tables::{Tables, WriteTx, get, set, set_at, slot_key},
};
use alloy_primitives::{Address, B256, U256};
use std::{
    ops::Bound::{Excluded, Included},
    sync::Arc,
};
use trestle_keccak::keccak256_many;
use trestle_protocol::AccountInfo;

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
/// It goes through the table group by group, so that what is read of a page and what is written there come together.
fn write_accounts(
    tx: &WriteTx,
    t: &Tables,
    layers: &[Arc<Layer>],
    (accounts, history): (&[AccountVersion<'_>], &mut Vec<Entry>),
) -> Result<(), StoreError> {
    let mut newest = Newest::new();
    for layer in layers {
        lay_over(&mut newest, &layer.nodes);
    }
    let nodes = entries(&newest);
    let accounts = by_hash(accounts);
    let mut accounts = accounts.iter().peekable();
    if has_short_leaves(tx, t)? {
        for account in accounts.by_ref() {
            keep_replaced(tx, t, account, history)?;
        }
    }
    let mut cursor = tx.cursor(t.nodes)?;
    for group in Group::all() {
        while let Some(account) = accounts.next_if(|(hash, _)| group.has(hash)) {
            keep_replaced(tx, t, account, history)?;
        }
        let keys = (Included(group.first_key()), Excluded(group.end_key()));
        for (key, node) in nodes.range::<Vec<u8>, _>(keys) {
            set_at(&mut cursor, key, *node)?;
        }
    }
    let mut others = nodes.iter().filter(|(key, _)| !Group::is_any(key));
    others.try_for_each(|(key, node)| set_at(&mut cursor, key, *node))
}

/// The versions of each account, in the order of the hashes of their addresses, which is that of their leaves.
fn by_hash<'a, 'b>(accounts: &'b [AccountVersion<'a>]) -> Vec<(B256, &'b [AccountVersion<'a>])> {
    let each = accounts.chunk_by(|(a, ..), (b, ..)| a == b);
    let firsts = each.clone().flat_map(|versions| versions.first());
    let addresses: Vec<&[u8]> = firsts.map(|(address, ..)| address.as_slice()).collect();
    let mut accounts: Vec<_> = keccak256_many(&addresses).into_iter().zip(each).collect();
    accounts.sort_unstable_by_key(|(hash, _)| *hash);
    accounts
}

/// Keeps what each version of an account replaced, unless it is equal.
fn keep_replaced(
    tx: &WriteTx,
    t: &Tables,
    (hash, versions): &(B256, &[AccountVersion<'_>]),
    history: &mut Vec<Entry>,
) -> Result<(), StoreError> {
    let before = stored_account(tx, t, *hash)?;
    let mut old = before.as_ref();
    for (address, number, new) in *versions {
        if old != *new {
            let value = old.map(encode_account).unwrap_or_default();
            history.push(Subject::Account(*address).replaced(*number, value));
        }
        old = *new;
    }
    Ok(())
}
