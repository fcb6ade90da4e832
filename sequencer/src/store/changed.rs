//! What many blocks changed of the tries: each node once, as the last of them left it, in the order of the table.
//!
//! Within a block nodes are in the order of their paths, so what is sorted is some tens of sorted runs one after the
//! other, mostly by one word per node.

use super::nodes::{is_unique, is_upper, node_key, rank};
use alloy_primitives::B256;
use std::cmp::Ordering;
use trestle_protocol::trie::{Nibbles, StateTrieChanges, TrieChanges};

/// A node that a block changed: its RLP, or `None` if there is none any more.
#[derive(Debug)]
struct Changed<'a> {
    /// See [`rank`]; of a storage trie's node, the owner's, which is not unique.
    rank: u64,
    owner: Option<&'a B256>,
    path: &'a Nibbles,
    node: Option<&'a [u8]>,
}

impl Changed<'_> {
    fn order(&self, other: &Self) -> Ordering {
        let by_rank = self.rank.cmp(&other.rank);
        if by_rank.is_ne() || is_unique(self.rank) {
            return by_rank;
        }
        (self.owner, self.path).cmp(&(other.owner, other.path))
    }
}

/// Changes of blocks, the oldest first.
#[derive(Debug, Default)]
pub(super) struct ChangedNodes<'a> {
    lower: Vec<Changed<'a>>,
    storage: Vec<Changed<'a>>,
    upper: Vec<Changed<'a>>,
}

impl<'a> ChangedNodes<'a> {
    /// Adds what the next block changed.
    pub(super) fn add(&mut self, changes: &'a StateTrieChanges) {
        for (path, node) in &changes.accounts.nodes {
            let changed = Changed {
                rank: rank(path),
                owner: None,
                path,
                node: node.as_deref(),
            };
            match is_upper(path) {
                true => self.upper.push(changed),
                false => self.lower.push(changed),
            }
        }
        for (owner, changes) in &changes.storages {
            self.add_storage(owner, changes);
        }
    }

    fn add_storage(&mut self, owner: &'a B256, changes: &'a TrieChanges) {
        let rank = rank(&Nibbles::unpack(owner));
        let nodes = changes.nodes.iter();
        self.storage.extend(nodes.map(|(path, node)| Changed {
            rank,
            owner: Some(owner),
            path,
            node: node.as_deref(),
        }));
    }

    /// Keys of the table and what is at each now, in their order.
    pub(super) fn in_order(mut self) -> impl Iterator<Item = (Vec<u8>, Option<&'a [u8]>)> {
        for nodes in [&mut self.lower, &mut self.storage, &mut self.upper] {
            // Stable: a later block's stays after an earlier one's.
            nodes.sort_by(Changed::order);
            nodes.reverse();
            nodes.dedup_by(|older, newer| older.order(newer).is_eq());
            nodes.reverse();
        }
        let all = self.lower.into_iter().chain(self.storage);
        all.chain(self.upper)
            .map(|changed| (node_key(changed.owner, changed.path), changed.node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;
    use std::collections::BTreeMap;

    /// Changes of a block that are told apart from other blocks': paths of every length, near one another.
    fn changes(block: u8) -> StateTrieChanges {
        let mut changes = StateTrieChanges::default();
        for step in 0..2_000_u32 {
            let hash = keccak256([&step.to_be_bytes()[..], &[block]].concat());
            let length = usize::from(hash[0]) % 65;
            let mut path = Nibbles::unpack(keccak256([hash[1] & 7]));
            path.truncate(length);
            let node = (hash[2] > 60).then(|| vec![block, hash[3]]);
            if hash[4] > 100 {
                changes.accounts.nodes.insert(path, node);
            } else {
                // Two of four owners differ in their last bytes only.
                let mut owner = keccak256([hash[5] & 3]);
                if hash[5] & 2 == 0 {
                    owner[..30].fill(5);
                }
                let trie = changes.storages.entry(owner).or_default();
                trie.nodes.insert(path, node);
            }
        }
        changes
    }

    #[test]
    fn every_node_comes_once_as_the_last_block_left_it_and_in_the_order_of_keys() {
        let blocks: Vec<_> = (0..12).map(changes).collect();
        let (mut changed, mut expected) = (ChangedNodes::default(), BTreeMap::new());
        for block in &blocks {
            changed.add(block);
            let mut note = |owner, changes: &'_ TrieChanges| {
                for (path, node) in &changes.nodes {
                    expected.insert(node_key(owner, path), node.clone());
                }
            };
            note(None, &block.accounts);
            block
                .storages
                .iter()
                .for_each(|(owner, changes)| note(Some(owner), changes));
        }
        let expected: Vec<_> = expected.into_iter().collect();
        let got = changed.in_order();
        let got: Vec<_> = got
            .map(|(key, node)| (key, node.map(<[u8]>::to_vec)))
            .collect();
        assert!(got.len() > 300, "{}", got.len());
        assert_eq!(got, expected);
    }
}
