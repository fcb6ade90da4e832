//! What a trie is told to write, kept as the node keeps it.

use alloy_primitives::{B256, Bytes, keccak256};
use std::collections::BTreeMap;
use trestle_protocol::trie::{Nibbles, NodeSource, StateTrieChanges, TrieChanges};

/// A store of nodes by path, as the node has one; it can be told to fail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Store {
    pub(crate) nodes: BTreeMap<(Option<B256>, Nibbles), Vec<u8>>,
    pub(crate) reads_left: Option<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unavailable;

impl Store {
    pub(crate) fn write(&mut self, owner: Option<B256>, changes: TrieChanges) {
        for (path, node) in changes.nodes {
            match node {
                Some(rlp) => self.nodes.insert((owner, path), rlp),
                None => self.nodes.remove(&(owner, path)),
            };
        }
    }

    pub(crate) fn write_state(&mut self, changes: StateTrieChanges) {
        self.write(None, changes.accounts);
        for (owner, changes) in changes.storages {
            self.write(Some(owner), changes);
        }
    }
}

impl NodeSource for Store {
    type Error = Unavailable;

    fn node(
        &mut self,
        owner: Option<B256>,
        path: &Nibbles,
        hash: B256,
    ) -> Result<Bytes, Unavailable> {
        if let Some(left) = &mut self.reads_left {
            *left = left.checked_sub(1).ok_or(Unavailable)?;
        }
        let node = self.nodes.get(&(owner, *path)).ok_or(Unavailable)?;
        assert_eq!(
            keccak256(node),
            hash,
            "the store holds another node at {path:?}"
        );
        Ok(node.clone().into())
    }
}
