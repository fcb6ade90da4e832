//! Hashing what changed level by level, the nodes of one level of all tries together.
//!
//! The node's way, for a caller whose processor hashes many byte strings at once faster than each
//! alone. References and changes are those of [`super::commit`], node for node; the proven program
//! is built without this file.

mod state;

use super::{
    Trie,
    commit::Pass,
    encode::encode,
    nibble::{path, set_nibble},
    node::{EMPTY, Id, Node, Reference},
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
        for parent in some {
            if let Some(work) = works.get(parent.trie) {
                push_children(work.trie, parent, &mut below);
            }
        }
        commit(works, &below, hash);
        settle(works, some, hash);
    }
}

/// Adds the dirty children of a node.
fn push_children(trie: &Trie, parent: &Dirty, level: &mut Vec<Dirty>) {
    let is_dirty = |id| id != EMPTY && matches!(trie.arena.get(id).reference, Reference::Dirty);
    match &trie.arena.get(parent.id).node {
        Node::Branch(children) => {
            for (index, id) in (0_u8..).zip(*children).filter(|(_, id)| is_dirty(*id)) {
                let mut at = parent.at;
                set_nibble(&mut at, parent.depth, index);
                let depth = parent.depth.saturating_add(1);
                let trie = parent.trie;
                level.push(Dirty {
                    trie,
                    id,
                    at,
                    depth,
                });
            }
        }
        Node::Extension { key, end, child } if is_dirty(*child) => level.push(Dirty {
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
