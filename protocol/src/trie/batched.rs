//! Hashing what changed level by level, the nodes of one level of all tries together.
//!
//! The node's way, for a caller whose processor hashes many byte strings at once faster than each
//! alone. References and changes are those of [`super::commit`], node for node; the proven program
//! is built without this file.

mod state;
mod warm;

use super::{
    Trie,
    commit::Pass,
    encode::encode,
    nibble::{path, set_nibble},
    node::{EMPTY, Id, Node, Reference, child},
};
use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};

/// The Keccak-256 of each of many byte strings, in order.
pub type HashMany<'a> = dyn Fn(&[&[u8]]) -> Vec<B256> + 'a;

/// Nodes that are hashed together: enough to fill lanes, and so few that they and their children
/// stay in a cache of a mebibyte from the walk down to the hashing on the way up.
pub(super) const TOGETHER: usize = 128;

/// Bytes from which on a node is named by its hash.
const HASHED: usize = 32;

/// A node that changed, at the first `depth` nibbles of `at` in trie number `trie`.
struct Dirty {
    trie: usize,
    id: Id,
    at: B256,
    depth: usize,
}

/// A trie and what is noted about it.
struct Work<'a> {
    trie: &'a mut Trie,
    pass: Pass,
}

impl Trie {
    /// [`Self::root`], by `hash`.
    pub fn root_with(&mut self, hash: &HashMany<'_>) -> B256 {
        commit_together([&mut *self], hash);
        self.root()
    }
}

/// Brings the roots of tries up to date; [`Trie::root`] has nothing left to hash then.
pub(super) fn commit_together<'a>(
    tries: impl IntoIterator<Item = &'a mut Trie>,
    hash: &HashMany<'_>,
) {
    let mut works: Vec<_> = tries.into_iter().filter_map(Work::new).collect();
    let roots = works.iter().enumerate().map(|(trie, work)| Dirty {
        trie,
        id: work.trie.root,
        at: B256::ZERO,
        depth: 0,
    });
    let roots: Vec<_> = roots.collect();
    commit(&mut works, &roots, hash);
    for Work { trie, pass } in works {
        trie.note(pass);
    }
}

impl<'a> Work<'a> {
    /// `None` if the root is up to date.
    fn new(trie: &'a mut Trie) -> Option<Self> {
        let pass = Pass {
            rlp: Vec::new(),
            written: Vec::new(),
            removed: Vec::new(),
            is_tracked: trie.changes.is_some(),
        };
        (!trie.is_clean()).then_some(Self { trie, pass })
    }
}

/// Gives nodes of one level their references, and those below them theirs first.
fn commit(works: &mut [Work<'_>], level: &[Dirty], hash: &HashMany<'_>) {
    for some in level.chunks(TOGETHER) {
        let mut below = Vec::new();
        // All at first: what they wait for in memory, they wait for together.
        let dirty = some.iter().map(|parent| match works.get(parent.trie) {
            Some(work) => dirty_children(work.trie, parent.id),
            None => 0,
        });
        let dirty: Vec<_> = dirty.collect();
        for (parent, dirty) in some.iter().zip(dirty) {
            if let Some(work) = works.get(parent.trie) {
                push_children(work.trie, parent, dirty, &mut below);
            }
        }
        commit(works, &below, hash);
        settle(works, some, hash);
    }
}

/// Which children of a node are dirty, a bit for each; the only child of an extension is the first. Without a branch that
/// depends on a child: the processor would wait for each before it asks for the next.
fn dirty_children(trie: &Trie, id: Id) -> u16 {
    let is_dirty = |id: Id| {
        let slot = trie.arena.get(id);
        // Its last byte, so that all of the reference is on its way here before it is encoded.
        core::hint::black_box(slot.touched);
        let is_dirty = matches!(slot.reference, Reference::Dirty);
        u16::from(is_dirty) & u16::from(id != EMPTY)
    };
    match &trie.arena.get(id).node {
        Node::Branch(children) => (0_u32..)
            .zip(*children)
            .fold(0, |mask, (index, id)| mask | is_dirty(id) << index),
        Node::Extension { child, .. } => is_dirty(*child),
        _ => 0,
    }
}

/// Adds the children of a node that are dirty, as [`dirty_children`] says.
fn push_children(trie: &Trie, parent: &Dirty, mut dirty: u16, level: &mut Vec<Dirty>) {
    match &trie.arena.get(parent.id).node {
        Node::Branch(children) => {
            while dirty != 0 {
                let index = u8::try_from(dirty.trailing_zeros()).unwrap_or_default();
                dirty &= dirty.wrapping_sub(1);
                let mut at = parent.at;
                set_nibble(&mut at, parent.depth, index);
                level.push(Dirty {
                    trie: parent.trie,
                    id: child(children, index),
                    at,
                    depth: parent.depth.saturating_add(1),
                });
            }
        }
        Node::Extension { key, end, child } if dirty != 0 => level.push(Dirty {
            trie: parent.trie,
            id: *child,
            at: *key,
            depth: usize::from(*end),
        }),
        _ => {}
    }
}

/// Gives nodes whose children have their references their own.
fn settle(works: &mut [Work<'_>], nodes: &[Dirty], hash: &HashMany<'_>) {
    let mut long = Vec::with_capacity(nodes.len());
    for node in nodes {
        let Some(Work { trie, pass }) = works.get_mut(node.trie) else {
            continue;
        };
        encode(&trie.arena, node.id, node.depth, &mut pass.rlp);
        if pass.rlp.len() < HASHED {
            trie.settle(node.id, path(&node.at, node.depth), pass);
        } else {
            long.push((node, pass.rlp.clone()));
        }
    }
    let inputs: Vec<_> = long.iter().map(|(_, rlp)| rlp.as_slice()).collect();
    let mut hashes = hash(&inputs).into_iter();
    for (node, rlp) in long {
        let hash = hashes.next().unwrap_or_else(|| keccak256(&rlp));
        if let Some(work) = works.get_mut(node.trie) {
            work.settle_hashed(node, rlp, hash);
        }
    }
}

impl Work<'_> {
    /// What [`Trie::settle`] does with a node that has a hash.
    fn settle_hashed(&mut self, node: &Dirty, rlp: Vec<u8>, hash: B256) {
        if let Some(slot) = self.trie.arena.get_mut(node.id) {
            slot.reference = Reference::Hash(hash);
            slot.stored = self.pass.is_tracked;
        }
        if self.pass.is_tracked {
            let path = path(&node.at, node.depth);
            self.pass.written.push((path, rlp));
        }
    }
}
