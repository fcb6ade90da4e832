//! Holds the content of a snapshot against its headers, and makes what was left out again.

use super::SnapshotError;
use crate::store::{
    BlockRef, Identity, StoreError,
    codec::{decode_account, decode_body, decode_receipts, decode_word},
    nodes::write_nodes,
    places::place_entry,
    runs::Entry,
    tables::{Db, ReadTx, WriteTx, get, put},
};
use alloy_consensus::{
    Header,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::Decodable;
use signet_libmdbx::Database;
use trestle_protocol::{
    AccountChange, StateDiff,
    trie::{EMPTY_ROOT_HASH, NodesByHash, StateTrie},
};

/// Blocks whose indexes are written in one transaction.
const BLOCKS: u64 = 10_000;

/// Checks blocks up to `head` and the state there, of which `accounts` are a part, and writes indexes and trie nodes.
pub(super) fn check(
    db: &Db,
    identity: &Identity,
    head: BlockRef,
    accounts: Vec<Entry>,
) -> Result<(), SnapshotError> {
    let tx = db.read()?;
    let untrue = |what| SnapshotError::Untrue {
        what,
        number: head.number,
    };
    let mut parent = B256::ZERO;
    let mut state_root = B256::ZERO;
    let mut next = 0;
    while next <= head.number {
        let (write, mut places) = (db.write()?, Vec::new());
        let end = next
            .saturating_add(BLOCKS)
            .min(head.number.saturating_add(1));
        for number in next..end {
            (parent, state_root) = check_block(db, &tx, (&write, &mut places), (number, parent))?;
            if number == 0 && parent != identity.genesis_hash {
                return Err(untrue("genesis"));
            }
        }
        db.tables.transactions.add(&write, places)?;
        write.commit().map_err(StoreError::from)?;
        next = end;
    }
    let above = head.number.saturating_add(1).to_be_bytes();
    for table in [db.tables.headers, db.tables.bodies, db.tables.receipts] {
        if get(&tx, table, &above)?.is_some() {
            return Err(untrue("successor"));
        }
    }
    if parent != head.hash {
        return Err(untrue("hash"));
    }
    check_state(db, &tx, state_root, accounts).map_err(|error| match error {
        None => untrue("state"),
        Some(error) => error.into(),
    })
}

/// Checks one block, writes its number by its hash and adds the places of its transactions; gives its hash and its
/// state root.
fn check_block(
    db: &Db,
    tx: &ReadTx,
    (write, places): (&WriteTx, &mut Vec<Entry>),
    (number, parent): (u64, B256),
) -> Result<(B256, B256), SnapshotError> {
    let untrue = |what| SnapshotError::Untrue { what, number };
    let (t, key) = (&db.tables, number.to_be_bytes());
    let of = |table: Database, what| get(tx, table, &key)?.ok_or_else(|| untrue(what));
    let stored = of(t.headers, "header")?;
    let (hash, mut encoded) = stored
        .split_at_checked(32)
        .ok_or_else(|| untrue("header"))?;
    let header = Header::decode(&mut encoded).map_err(|_| untrue("header"))?;
    let sealed = header.hash_slow();
    if sealed.as_slice() != hash || header.number != number || header.parent_hash != parent {
        return Err(untrue("place in the chain"));
    }
    let body = decode_body(&of(t.bodies, "body")?)?;
    if calculate_transaction_root(&body.transactions) != header.transactions_root {
        return Err(untrue("list of transactions"));
    }
    let receipts = decode_receipts(&of(t.receipts, "receipts")?)?;
    if calculate_receipt_root(&receipts) != header.receipts_root {
        return Err(untrue("list of receipts"));
    }
    put(write, t.numbers, sealed.as_slice(), &key)?;
    let hashes = body.transactions.iter().map(|tx| tx.tx_hash());
    places.extend(
        hashes
            .zip(0u32..)
            .map(|(hash, index)| place_entry(hash, (number, index))),
    );
    Ok((sealed, header.state_root))
}

/// Computes the state's root anew, and writes the trie's nodes; `Err(None)` when it is another.
fn check_state(
    db: &Db,
    tx: &ReadTx,
    expected: B256,
    accounts: Vec<Entry>,
) -> Result<(), Option<StoreError>> {
    let mut trie = StateTrie::new(EMPTY_ROOT_HASH);
    let state = read_state(db, tx, accounts)?;
    let applied = trie.apply(&state, &mut NodesByHash::default());
    applied.map_err(|_| Some(StoreError::Internal("an empty trie needed a node")))?;
    if trie.root() != expected {
        return Err(None);
    }
    let write = db.write()?;
    write_nodes(&write, &db.tables, &trie.take_changes())?;
    write.commit().map_err(|error| Some(error.into()))
}

/// The whole state; code must be what its hash says.
fn read_state(db: &Db, tx: &ReadTx, accounts: Vec<Entry>) -> Result<StateDiff, Option<StoreError>> {
    let mut state = StateDiff::default();
    each(tx, db.tables.codes, |hash, code| {
        (keccak256(code) == hash).then_some(Ok(()))
    })?;
    for (key, value) in accounts {
        let address = Address::try_from(key.as_slice()).map_err(|_| None)?;
        let (info, storage) = (decode_account(&value).map_err(Some)?, Default::default());
        let change = AccountChange { info, storage };
        state.accounts.insert(address, change);
    }
    each(tx, db.tables.storage, |key, value| {
        let (address, slot) = key.split_at_checked(20)?;
        let address = Address::try_from(address).ok()?;
        let slot = U256::from_be_bytes(<[u8; 32]>::try_from(slot).ok()?);
        let account = state.accounts.get_mut(&address)?;
        Some(decode_word(value).map(|value| {
            account.storage.insert(slot, value);
        }))
    })?;
    Ok(state)
}

/// Calls `take` with every entry of a table; an entry that it does not like makes the state untrue.
fn each(
    tx: &ReadTx,
    table: Database,
    mut take: impl FnMut(&[u8], &[u8]) -> Option<Result<(), StoreError>>,
) -> Result<(), Option<StoreError>> {
    let failed = |error: signet_libmdbx::ReadError| Some(StoreError::from(error));
    let mut cursor = tx.cursor(table).map_err(|error| Some(error.into()))?;
    let mut next = cursor.first::<Vec<u8>, Vec<u8>>().map_err(failed)?;
    while let Some((key, value)) = next {
        take(&key, &value).ok_or(None)?.map_err(Some)?;
        next = cursor.next::<Vec<u8>, Vec<u8>>().map_err(failed)?;
    }
    Ok(())
}
