//! Nodes as they lie in memory.
//!
//! Leaves and extensions keep their path *from the root*, not from their own place, so they can
//! move up and down without being rewritten; a node's depth is known from the walk that led to it.

use alloc::boxed::Box;
use alloy_primitives::B256;

/// Index of a node in its trie's arena.
pub(super) type Id = u32;

/// The place of no node: index 0 of every arena, and the empty child of a branch.
pub(super) const EMPTY: Id = 0;

/// How a parent names a node.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reference {
    /// Changed since the last root; to be computed.
    Dirty,
    /// By the Keccak-256 of its RLP.
    Hash(B256),
    /// By its RLP itself, of `len` < 32 bytes.
    Inline { len: u8, rlp: [u8; 31] },
}

impl Reference {
    /// Bytes that the reference takes in its parent.
    pub(super) const fn rlp_len(&self) -> usize {
        match self {
            Self::Dirty => 1,
            Self::Hash(_) => 33,
            Self::Inline { len, .. } => *len as usize,
        }
    }
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Node {
    /// Nothing.
    Empty,
    /// Not fetched yet; its reference is a hash.
    Unresolved,
    /// A key and its value.
    Leaf { key: B256, value: Box<[u8]> },
    /// A stretch of path that ends at depth `end`, above a branch. The first `end` nibbles of
    /// `key` are the path, the rest means nothing.
    Extension { key: B256, end: u8, child: Id },
    /// Sixteen children, two of them or more present. Keys have one length, so it has no value.
    Branch([Id; 16]),
}

/// A node and what is known about it.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) node: Node,
    pub(super) reference: Reference,
    /// Whether the source holds the node, as far as the changes tell it; in an untracked trie, whether it came
    /// from there.
    pub(super) stored: bool,
    /// Whether it was walked through since the last pruning.
    pub(super) touched: bool,
}

impl Slot {
    /// No node.
    pub(super) const EMPTY: Self = Self {
        node: Node::Empty,
        reference: Reference::Dirty,
        stored: false,
        touched: false,
    };

    /// A node made here, not hashed yet.
    pub(super) const fn fresh(node: Node) -> Self {
        Self {
            node,
            reference: Reference::Dirty,
            stored: false,
            touched: true,
        }
    }

    /// A node that lies in the source under `hash`.
    pub(super) const fn unresolved(hash: B256) -> Self {
        Self {
            node: Node::Unresolved,
            reference: Reference::Hash(hash),
            stored: true,
            touched: false,
        }
    }
}

/// Child `index` of a branch.
pub(super) fn child(children: &[Id; 16], index: u8) -> Id {
    children.get(usize::from(index)).copied().unwrap_or(EMPTY)
}

/// Sets child `index` of a branch.
pub(super) fn set_child(children: &mut [Id; 16], index: u8, id: Id) {
    if let Some(place) = children.get_mut(usize::from(index)) {
        *place = id;
    }
}
