//! Folding: what a run of journal records amounts to, written into the tables.

mod state;

use super::{
    BlockRef, StoreError,
    block::pooled,
    codec::{decode_body, decode_touched, encode_body, encode_receipts, encode_touched},
    history::Subject,
    journal::{MarkWrite, Op},
    layers::Layer,
    nodes::{storage_trie_key, write_nodes},
    places::place_entry,
    tables::{Tables, WriteTx, del, get, put, set, slot_key},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use state::write_state;
use std::{collections::BTreeMap, sync::Arc};
use trestle_protocol::{
    AccountChange, SealedBlock, StateDiff,
    trie::{StateTrieChanges, hash_address},
};

/// What a run of records amounts to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Folded blocks above this one are unwound first.
    pub(super) unwind: Option<BlockRef>,
    /// Blocks to add.
    pub(super) blocks: Vec<Arc<SealedBlock>>,
    /// Transactions that are in the pool now, or no more.
    pub(super) pool: BTreeMap<B256, Option<Bytes>>,
    /// Marks set, or removed.
    pub(super) marks: BTreeMap<Vec<u8>, Option<Bytes>>,
    /// The last of the records.
    pub(super) record: u64,
}

impl Plan {
    /// Sums up `ops`; `folded` is the newest block in the tables.
    pub(super) fn new(ops: &[(u64, Op)], folded: u64) -> Self {
        let mut plan = Self::default();
        for (record, op) in ops {
            plan.record = *record;
            plan.add(op, folded);
        }
        plan
    }

    fn add(&mut self, op: &Op, folded: u64) {
        match op {
            Op::Block(block) => {
                self.pool.extend(
                    block
                        .body
                        .transactions
                        .iter()
                        .map(|tx| (tx.tx_hash(), None)),
                );
                self.blocks.push(Arc::clone(block));
            }
            Op::Unwind(to) => {
                while let Some(block) = self.blocks.pop_if(|b| b.header.header.number > to.number) {
                    self.pool.extend(
                        pooled(&block.body.transactions).map(|(hash, raw)| (hash, Some(raw))),
                    );
                }
                let base = self.unwind.map_or(folded, |to| to.number);
                if to.number < base {
                    self.unwind = Some(*to);
                }
            }
            Op::Admit(hash, raw) => {
                self.pool.insert(*hash, Some(raw.clone()));
            }
            Op::Forget(hash) => {
                self.pool.insert(*hash, None);
            }
            Op::Marks(marks) => {
                for MarkWrite { key, value } in marks {
                    self.marks.insert(key.clone(), value.clone());
                }
            }
        }
    }
}

/// Adds consecutive blocks to all tables.
pub(super) fn write_layers(
    tx: &WriteTx,
    t: &Tables,
    layers: &[Arc<Layer>],
) -> Result<(), StoreError> {
    let mut places = Vec::new();
    for layer in layers {
        write_block(tx, t, &layer.block)?;
        let hashes = layer.block.body.transactions.iter().map(|tx| tx.tx_hash());
        let number = layer.number();
        places.extend(
            hashes
                .zip(0u32..)
                .map(|(hash, index)| place_entry(hash, (number, index))),
        );
    }
    t.transactions.add(tx, places)?;
    write_state(tx, t, layers)
}

/// What of a block is found by its number, its hash, and the codes that it deployed.
fn write_block(tx: &WriteTx, t: &Tables, block: &SealedBlock) -> Result<(), StoreError> {
    let number = block.header.header.number.to_be_bytes();
    let header = [
        block.header.hash.as_slice(),
        &alloy_rlp::encode(&block.header.header),
    ]
    .concat();
    put(tx, t.headers, &number, &header)?;
    put(tx, t.numbers, block.header.hash.as_slice(), &number)?;
    put(tx, t.bodies, &number, &encode_body(block))?;
    let receipts = encode_receipts(&block.body.receipts);
    put(tx, t.receipts, &number, &receipts)?;
    for (hash, code) in &block.diff.codes {
        put(tx, t.codes, hash.as_slice(), code)?;
    }
    let touched = |(address, change): (&Address, &AccountChange)| {
        (*address, change.storage.keys().copied().collect())
    };
    let touched: Vec<_> = block.diff.accounts.iter().map(touched).collect();
    put(tx, t.touched, &number, &encode_touched(&touched))
}

/// How the tables get back to an older block.
#[derive(Debug)]
pub(super) struct Reversal {
    pub(super) from: BlockRef,
    pub(super) to: BlockRef,
    /// State changes from `from` to `to`.
    pub(super) diff: StateDiff,
    /// Node changes from `from` to `to`.
    pub(super) nodes: StateTrieChanges,
}

impl Reversal {
    /// Removes the blocks above `to`; returns their pool transactions.
    pub(super) fn write(&self, tx: &WriteTx, t: &Tables) -> Result<Vec<(B256, Bytes)>, StoreError> {
        let mut returned = Vec::new();
        for number in (self.to.number + 1..=self.from.number).rev() {
            remove_history(tx, t, number)?;
            returned.extend(remove_block(tx, t, number)?);
        }
        for (address, change) in &self.diff.accounts {
            if change.info.is_none() {
                remove_storage_trie(tx, t, address)?;
            }
            for (slot, value) in &change.storage {
                let value = value.to_be_bytes_trimmed_vec();
                let value = Some(value.as_slice()).filter(|v| !v.is_empty());
                set(tx, t.storage, &slot_key(address, slot), value)?;
            }
        }
        write_nodes(tx, t, &self.nodes)?;
        Ok(returned)
    }
}

/// An account that did not exist had no storage; the trie does not report its nodes as removed.
fn remove_storage_trie(tx: &WriteTx, t: &Tables, address: &Address) -> Result<(), StoreError> {
    let prefix = storage_trie_key(&hash_address(*address));
    let mut cursor = tx.cursor(t.nodes)?;
    let mut next = cursor.set_range::<Vec<u8>, ()>(&prefix)?;
    while next.is_some_and(|(key, ())| key.starts_with(&prefix)) {
        cursor.del()?;
        next = cursor.set_range::<Vec<u8>, ()>(&prefix)?;
    }
    Ok(())
}

fn remove_history(tx: &WriteTx, t: &Tables, number: u64) -> Result<(), StoreError> {
    for (address, slots) in touched_by(tx, t, number)? {
        Subject::Account(address).forget(tx, &t.history, number)?;
        for slot in slots {
            Subject::Slot(address, slot).forget(tx, &t.history, number)?;
        }
    }
    del(tx, t.touched, &number.to_be_bytes())
}

fn touched_by(
    tx: &WriteTx,
    t: &Tables,
    number: u64,
) -> Result<Vec<(Address, Vec<U256>)>, StoreError> {
    let bytes = get(tx, t.touched, &number.to_be_bytes())?;
    decode_touched(&bytes.ok_or(StoreError::UnknownBlock { number })?)
}

fn remove_block(tx: &WriteTx, t: &Tables, number: u64) -> Result<Vec<(B256, Bytes)>, StoreError> {
    let key = number.to_be_bytes();
    let unknown = || StoreError::UnknownBlock { number };
    let body = decode_body(&get(tx, t.bodies, &key)?.ok_or_else(unknown)?)?;
    for transaction in &body.transactions {
        t.transactions
            .remove(tx, transaction.tx_hash().as_slice())?;
    }
    let header = get(tx, t.headers, &key)?.ok_or_else(unknown)?;
    let hash: [u8; 32] = *header
        .first_chunk()
        .ok_or(StoreError::Decode { what: "header" })?;
    del(tx, t.numbers, &hash)?;
    for table in [t.headers, t.bodies, t.receipts] {
        del(tx, table, &key)?;
    }
    Ok(pooled(&body.transactions).collect())
}
