//! What the store holds in memory: the blocks that are not folded yet, marks and the pool.
//!
//! Layers are immutable and shared; a reader copies one `Arc` and is then on its own.

use super::{
    BlockRef, StoreError,
    block::{pooled, reference},
    journal::{MarkWrite, Op},
    recent::{Maps, Recent},
    tables::Folded,
};
use alloy_primitives::{Bytes, map::B256Map};
use std::{collections::BTreeMap, sync::Arc};
use trestle_protocol::{SealedBlock, trie::StateTrieChanges};

/// An unfolded block.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) block: Arc<SealedBlock>,
    pub(super) nodes: StateTrieChanges,
    /// Index of each transaction by hash.
    pub(super) transactions: B256Map<u32>,
}

impl Layer {
    pub(super) fn new(block: Arc<SealedBlock>, nodes: StateTrieChanges) -> Self {
        let transactions = block
            .body
            .transactions
            .iter()
            .map(|tx| tx.tx_hash())
            .zip(0..)
            .collect();
        Self {
            block,
            nodes,
            transactions,
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.block.header.header.number
    }
}

/// A mark not folded yet: number of the record that wrote it, and the value.
pub(super) type FreshMark = (u64, Option<Bytes>);

/// All that is in memory, as of the last record queued.
#[derive(Debug)]
pub(super) struct Memory {
    /// Consecutive blocks up to the head; the first follows a block in the tables.
    pub(super) layers: Arc<Vec<Arc<Layer>>>,
    /// What is in `layers`, to be looked up.
    pub(super) recent: Recent,
    pub(super) head: BlockRef,
    pub(super) folded: Folded,
    /// Marks written since the last fold.
    pub(super) marks: BTreeMap<Vec<u8>, FreshMark>,
    /// Transactions admitted and in no block.
    pub(super) pool: B256Map<Bytes>,
}

impl Memory {
    /// The tables alone.
    pub(super) fn new(folded: Folded, pool: B256Map<Bytes>) -> Self {
        let marks = BTreeMap::new();
        Self {
            layers: Arc::default(),
            recent: Recent::default(),
            head: folded.head,
            folded,
            marks,
            pool,
        }
    }

    /// Fails unless `block` follows the head.
    pub(super) fn check_next(&self, block: &SealedBlock) -> Result<(), StoreError> {
        let (head, got) = (self.head, reference(block));
        if got.number == head.number + 1 && block.header.header.parent_hash == head.hash {
            return Ok(());
        }
        Err(StoreError::NotNext { head, got })
    }

    pub(super) fn push(&mut self, layer: Arc<Layer>) {
        for hash in layer.transactions.keys() {
            self.pool.remove(hash);
        }
        self.head = reference(&layer.block);
        self.recent.push(&layer);
        Arc::make_mut(&mut self.layers).push(layer);
    }

    /// Drops layers above block `to`, newest first; `below` is the head if none is left.
    pub(super) fn drop_above(&mut self, to: u64, below: BlockRef) {
        let layers = Arc::make_mut(&mut self.layers);
        while let Some(layer) = layers.pop_if(|layer| layer.number() > to) {
            self.pool.extend(pooled(&layer.block.body.transactions));
        }
        self.head = layers.last().map_or(below, |layer| reference(&layer.block));
        self.index_anew();
    }

    /// Everything but blocks and unwinds.
    pub(super) fn apply_small(&mut self, record: u64, op: &Op) {
        match op {
            Op::Block(_) | Op::Unwind(_) => {}
            Op::Admit(hash, raw) => {
                self.pool.insert(*hash, raw.clone());
            }
            Op::Forget(hash) => {
                self.pool.remove(hash);
            }
            Op::Marks(marks) => {
                for MarkWrite { key, value } in marks {
                    self.marks.insert(key.clone(), (record, value.clone()));
                }
            }
        }
    }

    /// Makes one index of all layers.
    pub(super) fn index_anew(&mut self) {
        self.recent = Recent::new(&self.layers);
    }

    /// Divides the index before the blocks up to number `last` are folded: the end of the fold will drop their part.
    /// `ready` are the first of the layers above and an index of them, made without the lock of this memory; it is used
    /// where it fits.
    pub(super) fn divide(&mut self, last: u64, ready: (Vec<Arc<Layer>>, Recent)) {
        let start = self.layers.partition_point(|layer| layer.number() <= last);
        let layers = self.layers.get(start..).unwrap_or_default();
        let above = match ready {
            (known, above) if is_prefix(&known, layers) => {
                let more = layers.get(known.len()..).unwrap_or_default();
                more.iter().for_each(|layer| above.push(layer));
                above
            }
            _ => Recent::new(layers),
        };
        self.recent = std::mem::take(&mut self.recent).below(above);
    }

    /// Forgets what the tables hold since a fold. What is no longer needed is handed out, to be dropped without the lock
    /// of this memory: that can take as long as the fold.
    pub(super) fn prune(&mut self, folded: Folded) -> Garbage {
        let layers = Arc::make_mut(&mut self.layers);
        let stay = layers.partition_point(|layer| layer.number() <= folded.head.number);
        let gone: Vec<_> = layers.drain(..stay).collect();
        let recent = match self.recent.is_split() {
            true => self.recent.without_folded(),
            false => Recent::new(layers),
        };
        let recent = std::mem::replace(&mut self.recent, recent);
        self.marks.retain(|_, (record, _)| *record > folded.record);
        self.folded = folded;
        Garbage {
            layers: gone,
            recent,
        }
    }
}

/// What memory held before a fold.
#[derive(Debug)]
pub(super) struct Garbage {
    layers: Vec<Arc<Layer>>,
    recent: Recent,
}

impl Garbage {
    /// Drops it, but for room that the next index can use.
    pub(super) fn into_room(self) -> Option<Maps> {
        drop(self.layers);
        self.recent.into_room()
    }
}

/// Whether `layers` begin with `known`.
fn is_prefix(known: &[Arc<Layer>], layers: &[Arc<Layer>]) -> bool {
    known.len() <= layers.len() && known.iter().zip(layers).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// The layer of a block, among consecutive layers.
pub(super) fn layer_at(layers: &[Arc<Layer>], number: u64) -> Option<&Arc<Layer>> {
    let first = layers.first()?.number();
    layers.get(usize::try_from(number.checked_sub(first)?).ok()?)
}
