//! Hashing what changed, once, when the root is asked for, and what the store must write then.

use super::{
    EMPTY_ROOT_HASH, Nibbles, Trie,
    encode::encode,
    nibble::{path, set_nibble},
    node::{EMPTY, Id, Node, Reference},
};
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::{B256, keccak256};

/// What a store that keeps nodes by path must do to follow a trie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrieChanges {
    /// RLP of the node at a path, or `None` if no node is stored there any more. Nodes of less than
    /// 32 bytes, the root excepted, are part of their parent and never stored. A path may be
    /// reported as removed that was never stored.
    pub nodes: BTreeMap<Nibbles, Option<Vec<u8>>>,
}

impl TrieChanges {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// What one pass over the changed nodes carries along.
pub(super) struct Pass {
    pub(super) rlp: Vec<u8>,
    pub(super) written: Vec<(Nibbles, Vec<u8>)>,
    pub(super) removed: Vec<Nibbles>,
    pub(super) is_tracked: bool,
}

impl Trie {
    /// The root hash. Hashes each node that changed since the last call once.
    pub fn root(&mut self) -> B256 {
        if self.root == EMPTY {
            return EMPTY_ROOT_HASH;
        }
        if let Reference::Hash(hash) = self.arena.get(self.root).reference {
            return hash;
        }
        let is_tracked = self.changes.is_some();
        let mut pass = Pass {
            rlp: Vec::with_capacity(600),
            written: Vec::new(),
            removed: Vec::new(),
            is_tracked,
        };
        let mut at = B256::ZERO;
        self.commit(self.root, &mut at, 0, &mut pass);
        self.note(pass);
        match self.arena.get(self.root).reference {
            Reference::Hash(hash) => hash,
            Reference::Dirty | Reference::Inline { .. } => EMPTY_ROOT_HASH,
        }
    }

    /// What changed since the last call, to be stored by path.
    pub fn take_changes(&mut self) -> TrieChanges {
        self.root();
        self.is_ahead = self.changes.is_none() && self.is_ahead;
        self.changes
            .as_mut()
            .map(core::mem::take)
            .unwrap_or_default()
    }

    /// Lays the outcome of a pass over the changes not taken yet.
    pub(super) fn note(&mut self, pass: Pass) {
        self.is_ahead = true;
        let Some(changes) = &mut self.changes else {
            return;
        };
        let written = pass
            .written
            .into_iter()
            .map(|(path, rlp)| (path, Some(rlp)));
        if changes.nodes.is_empty() {
            changes.nodes = written.collect();
        } else {
            changes.nodes.extend(written);
        }
        changes
            .nodes
            .extend(pass.removed.into_iter().map(|path| (path, None)));
    }

    /// Gives every dirty node from `id` down its reference, children first.
    fn commit(&mut self, id: Id, at: &mut B256, depth: usize, pass: &mut Pass) {
        match self.arena.get(id).node {
            Node::Branch(children) => {
                for (index, child) in (0_u8..).zip(children) {
                    if child != EMPTY && matches!(self.arena.get(child).reference, Reference::Dirty)
                    {
                        set_nibble(at, depth, index);
                        self.commit(child, at, depth.saturating_add(1), pass);
                    }
                }
            }
            Node::Extension { key, end, child } => {
                if matches!(self.arena.get(child).reference, Reference::Dirty) {
                    let mut below = key;
                    self.commit(child, &mut below, usize::from(end), pass);
                }
            }
            _ => {}
        }
        encode(&self.arena, id, depth, &mut pass.rlp);
        self.settle(id, path(at, depth), pass);
    }

    /// Gives node `id` the reference that its RLP asks for, and notes what the store must do.
    pub(super) fn settle(&mut self, id: Id, path: Nibbles, pass: &mut Pass) {
        let Some(slot) = self.arena.get_mut(id) else {
            return;
        };
        let mut rlp = [0; 31];
        match (rlp.get_mut(..pass.rlp.len()), u8::try_from(pass.rlp.len())) {
            (Some(inline), Ok(len)) if !path.is_empty() => {
                inline.copy_from_slice(&pass.rlp);
                slot.reference = Reference::Inline { len, rlp };
                if core::mem::take(&mut slot.stored) && pass.is_tracked {
                    pass.removed.push(path);
                }
            }
            _ => {
                slot.reference = Reference::Hash(keccak256(&pass.rlp));
                // Nobody takes the changes of an untracked trie, so its source never gets this node.
                slot.stored = pass.is_tracked;
                if pass.is_tracked {
                    pass.written.push((path, pass.rlp.clone()));
                }
            }
        }
    }
}
