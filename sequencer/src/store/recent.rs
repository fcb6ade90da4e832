//! An index over the blocks in memory: what they say of an account, a slot, a code, a transaction, a
//! block hash or a trie node, found in one look however many blocks wait to be folded.
//!
//! Values carry the number of their block, so one index serves snapshots of different heads. It only
//! grows; an unwind puts a new one in its place, and a snapshot keeps what it began with. While blocks are
//! folded there are two: one that ends with them, which the end of the fold drops as a whole, and one of the
//! blocks above.

use super::{
    layers::Layer,
    nodes::{is_unique, rank},
};
use alloy_primitives::{
    Address, B256, Bytes, U256,
    map::{AddressMap, B256Map, HashMap},
};
use parking_lot::RwLock;
use smallvec::SmallVec;
use std::sync::Arc;
use trestle_protocol::{
    AccountInfo,
    trie::{Nibbles, TrieChanges},
};

/// Values by the block that wrote them, oldest first. Most keys are written once before they are folded.
type Versions<T> = SmallVec<[(u64, T); 1]>;

/// What an index holds. Its room is used again and again: as blocks come, tables of many megabytes would else grow from
/// nothing every few seconds, and the system clears what it gives anew.
#[derive(Debug, Default)]
pub(super) struct Maps {
    accounts: AddressMap<Versions<Option<AccountInfo>>>,
    slots: HashMap<(Address, U256), Versions<U256>>,
    codes: B256Map<Bytes>,
    transactions: B256Map<(u64, u32)>,
    numbers: B256Map<u64>,
    /// Blocks that changed a node of the account trie whose path has a rank of its own, by that rank: nearly all nodes of
    /// a large state, in a third of the room that they would take among the others.
    ranked: HashMap<u64, Blocks>,
    /// Blocks that changed one of the other trie nodes.
    nodes: HashMap<NodeKey, Blocks>,
}

/// Numbers of blocks, the oldest first.
type Blocks = SmallVec<[u64; 2]>;

impl Maps {
    /// The same room without what was in it; what was far from being filled is given back.
    fn emptied(mut self) -> Self {
        macro_rules! empty {
            ($($map:ident)*) => { $(
                let used = self.$map.len();
                self.$map.clear();
                self.$map.shrink_to(used.saturating_mul(4));
            )* };
        }
        empty!(accounts slots codes transactions numbers ranked nodes);
        self
    }
}

/// A trie node: the hashed address for a storage trie, and the path.
type NodeKey = (Option<B256>, Nibbles);

/// The rank of a node of the account trie that only it has.
fn own_rank(owner: Option<B256>, path: &Nibbles) -> Option<u64> {
    match owner {
        None => Some(rank(path)).filter(|rank| is_unique(*rank)),
        Some(_) => None,
    }
}

/// The index of the blocks in memory; a clone is another handle of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
    /// Of the blocks that are being folded, and perhaps of some above.
    folding: Option<Arc<Part>>,
    /// Of all blocks above those.
    newest: Arc<Part>,
}

impl Recent {
    /// An index of these blocks, which are consecutive.
    pub(super) fn new(layers: &[Arc<Layer>]) -> Self {
        Self::within(Maps::default(), layers)
    }

    /// The same in the room of an emptied one.
    pub(super) fn within(room: Maps, layers: &[Arc<Layer>]) -> Self {
        let part = Part(RwLock::new(room));
        layers.iter().for_each(|layer| part.push(layer));
        Self {
            folding: None,
            newest: Arc::new(part),
        }
    }

    /// The room of the part that was folded, if nobody reads it any more.
    pub(super) fn into_room(self) -> Option<Maps> {
        let part = Arc::into_inner(self.folding?)?;
        Some(part.0.into_inner().emptied())
    }

    /// Adds the next block.
    pub(super) fn push(&self, layer: &Layer) {
        self.newest.push(layer);
    }

    /// What this and `above`, an index of the blocks above some one, are together.
    pub(super) fn below(self, above: Self) -> Self {
        Self {
            folding: Some(self.newest),
            newest: above.newest,
        }
    }

    /// Whether it is in two parts.
    pub(super) const fn is_split(&self) -> bool {
        self.folding.is_some()
    }

    /// The same without the blocks that were being folded.
    pub(super) fn without_folded(&self) -> Self {
        Self {
            folding: None,
            newest: Arc::clone(&self.newest),
        }
    }

    /// The first answer of its parts, the newest first.
    fn find<T>(&self, look: impl Fn(&Part) -> Option<T>) -> Option<T> {
        look(&self.newest).or_else(|| self.folding.as_deref().and_then(look))
    }

    /// The account after block `number`, if a block here at or below it changed it.
    pub(super) fn account(&self, address: &Address, number: u64) -> Option<Option<AccountInfo>> {
        self.find(|part| at(part.0.read().accounts.get(address)?, number))
    }

    /// A slot after block `number`, if a block here at or below it changed it.
    pub(super) fn slot(&self, address: &Address, slot: &U256, number: u64) -> Option<U256> {
        self.find(|part| at(part.0.read().slots.get(&(*address, *slot))?, number))
    }

    /// The newest block at or below `number` that changed a trie node.
    pub(super) fn node(&self, owner: Option<B256>, path: &Nibbles, number: u64) -> Option<u64> {
        self.find(|part| {
            let maps = part.0.read();
            let blocks = match own_rank(owner, path) {
                Some(rank) => maps.ranked.get(&rank)?,
                None => maps.nodes.get(&(owner, *path))?,
            };
            blocks.iter().rev().find(|block| **block <= number).copied()
        })
    }

    /// A code by its hash.
    pub(super) fn code(&self, hash: &B256) -> Option<Bytes> {
        self.find(|part| part.0.read().codes.get(hash).cloned())
    }

    /// Block number of a transaction and its index there.
    pub(super) fn transaction(&self, hash: &B256) -> Option<(u64, u32)> {
        self.find(|part| part.0.read().transactions.get(hash).copied())
    }

    /// Number of the block with this hash.
    pub(super) fn number(&self, hash: &B256) -> Option<u64> {
        self.find(|part| part.0.read().numbers.get(hash).copied())
    }
}

/// An index of consecutive blocks.
#[derive(Debug, Default)]
struct Part(RwLock<Maps>);

impl Part {
    fn push(&self, layer: &Layer) {
        let (number, diff) = (layer.number(), &layer.block.diff);
        let mut maps = self.0.write();
        let maps = &mut *maps;
        for (address, change) in &diff.accounts {
            let versions = maps.accounts.entry(*address).or_default();
            versions.push((number, change.info));
            for (slot, value) in &change.storage {
                let versions = maps.slots.entry((*address, *slot)).or_default();
                versions.push((number, *value));
            }
        }
        let codes = diff.codes.iter().map(|(hash, code)| (*hash, code.clone()));
        maps.codes.extend(codes);
        let transactions = layer.transactions.iter();
        let places = transactions.map(|(hash, index)| (*hash, (number, *index)));
        maps.transactions.extend(places);
        maps.numbers.insert(layer.block.header.hash, number);
        let mut note = |owner, changes: &TrieChanges| {
            for path in changes.nodes.keys() {
                let blocks = match own_rank(owner, path) {
                    Some(rank) => maps.ranked.entry(rank).or_default(),
                    None => maps.nodes.entry((owner, *path)).or_default(),
                };
                blocks.push(number);
            }
        };
        note(None, &layer.nodes.accounts);
        for (owner, changes) in &layer.nodes.storages {
            note(Some(*owner), changes);
        }
    }
}

/// The newest value at or below block `number`.
fn at<T: Copy>(versions: &Versions<T>, number: u64) -> Option<T> {
    let is_older = |(block, _): &&(u64, T)| *block <= number;
    versions
        .iter()
        .rev()
        .take(2)
        .find(is_older)
        .or_else(|| {
            let end = versions.partition_point(|(block, _)| *block <= number);
            versions.get(end.checked_sub(1)?)
        })
        .map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nodes_that_a_rank_names_alone_are_looked_up_by_it() {
        let word = B256::repeat_byte(0x35);
        let long = Nibbles::unpack(word);
        assert_eq!(own_rank(Some(word), &long.slice(..3)), None);
        assert_eq!(own_rank(None, &long.slice(..15)), None);
        assert_eq!(own_rank(None, &long.slice(..16)), None);
        assert_eq!(own_rank(None, &long.slice(..2)), Some(0x35 << 56 | 2));
        let ranks = (0..15).map(|length| own_rank(None, &long.slice(..length)).unwrap());
        let zeros = (1..15)
            .map(|length| own_rank(None, &Nibbles::unpack(B256::ZERO).slice(..length)).unwrap());
        let all: std::collections::BTreeSet<_> = ranks.chain(zeros).collect();
        assert_eq!(all.len(), 29);
    }
}
