//! Walking to many keys at once, a step of all at a time: a walk waits for the memory of each node before it knows the
//! next, and the waits of many walks pass together.

use super::{Id, Node, Trie};
use crate::trie::{
    nibble::nibble,
    node::{EMPTY, child},
};
use alloc::vec::Vec;
use alloy_primitives::B256;
use core::hint::black_box;

impl Trie {
    /// Reads the way to each key as far as it is in memory, so that it is in the processor's caches when the keys are
    /// looked for.
    pub(super) fn warm<'a>(&self, keys: impl Iterator<Item = &'a B256>) {
        let mut walks: Vec<_> = keys.map(|key| (key, self.root, 0_usize)).collect();
        while !walks.is_empty() {
            walks.retain_mut(|(key, id, depth)| {
                let next = self.step(key, *id, *depth);
                (*id, *depth) = next;
                next.0 != EMPTY
            });
        }
    }

    /// The node below `id` on the way to `key`, and its depth.
    fn step(&self, key: &B256, id: Id, depth: usize) -> (Id, usize) {
        match &self.arena.get(id).node {
            Node::Branch(children) => {
                (child(children, nibble(key, depth)), depth.saturating_add(1))
            }
            Node::Extension { end, child, .. } => (*child, usize::from(*end)),
            Node::Leaf { value, .. } => {
                black_box(value.first().copied());
                (EMPTY, depth)
            }
            Node::Empty | Node::Unresolved => (EMPTY, depth),
        }
    }
}
