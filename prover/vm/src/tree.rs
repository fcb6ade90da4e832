//! Merkle trees over 128-byte leaves: the memory's pages and the code.
//!
//! Leaves hash as keccak256 of their 128 bytes, nodes as keccak256 of their two children. Used by
//! memory, image and witnesses. Spec: `SPEC.md`, "Machine", section "Trees".

use crate::memory::{PAGE_LEN, Page};
use alloc::{vec, vec::Vec};
use alloy_primitives::{B256, keccak256};

/// Length of a leaf, in bytes.
pub const LEAF_LEN: usize = 128;
/// Depth of the memory tree: 2^25 leaves of 128 bytes are 4 GiB.
pub const MEMORY_DEPTH: usize = 25;
/// Depth of the tree of one page: 32 leaves.
pub(crate) const PAGE_DEPTH: usize = 5;
/// Depth of the tree of pages.
pub(crate) const PAGES_DEPTH: usize = 20;

const PAGES: usize = 1 << PAGES_DEPTH;

/// Hash of one leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8; LEAF_LEN]) -> B256 {
    keccak256(leaf)
}

/// Hash of an inner node.
#[must_use]
pub fn node_hash(left: &B256, right: &B256) -> B256 {
    let mut pair = [0; 64];
    let (first, second) = pair.split_at_mut(32);
    first.copy_from_slice(left.as_slice());
    second.copy_from_slice(right.as_slice());
    keccak256(pair)
}

/// A tree over few leaves with all its levels; the rest of the leaves is zero.
#[derive(Debug, Clone)]
pub(crate) struct LeafTree {
    /// Known nodes by height, leaves first. The last level is the root, or empty for a zero tree.
    levels: Vec<Vec<B256>>,
    /// Hash of an all-zero subtree by height.
    zeros: Vec<B256>,
}

impl LeafTree {
    /// Tree of depth `depth` over the hashes of the first leaves.
    pub(crate) fn new(leaves: Vec<B256>, depth: usize) -> Self {
        let mut zeros = vec![leaf_hash(&[0; LEAF_LEN])];
        let mut levels = vec![leaves];
        for _ in 0..depth {
            let zero = zeros.last().copied().unwrap_or_default();
            let below = levels.last().map_or(&[][..], Vec::as_slice);
            let level = below
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node_hash(left, right),
                    [left] => node_hash(left, &zero),
                    _ => zero,
                })
                .collect();
            levels.push(level);
            zeros.push(node_hash(&zero, &zero));
        }
        Self { levels, zeros }
    }

    /// Root of the tree.
    pub(crate) fn root(&self) -> B256 {
        let top = self.levels.last().and_then(|level| level.first());
        top.or(self.zeros.last()).copied().unwrap_or_default()
    }

    /// Siblings of leaf `index`, from the leaf up.
    pub(crate) fn path(&self, index: usize) -> Vec<B256> {
        let depth = self.levels.len().saturating_sub(1);
        let mut at = index;
        let pairs = self.levels.iter().zip(&self.zeros).take(depth);
        pairs
            .map(|(level, zero)| {
                let sibling = level.get(at ^ 1).copied().unwrap_or(*zero);
                at >>= 1;
                sibling
            })
            .collect()
    }
}

/// Root that `node` at `index` and its siblings, from the node up, lead to.
pub(crate) fn climb(mut node: B256, mut index: usize, path: &[B256]) -> B256 {
    for sibling in path {
        node = if index & 1 == 0 {
            node_hash(&node, sibling)
        } else {
            node_hash(sibling, &node)
        };
        index >>= 1;
    }
    node
}

/// Hashes of the 32 leaves of a page.
pub(crate) fn page_leaves(page: &Page) -> Vec<B256> {
    let (leaves, _) = page.as_chunks::<LEAF_LEN>();
    leaves.iter().map(leaf_hash).collect()
}

/// Root of the tree of one page.
pub(crate) fn page_hash(page: &Page) -> B256 {
    let mut nodes = [B256::ZERO; 32];
    let (leaves, _) = page.as_chunks::<LEAF_LEN>();
    for (node, leaf) in nodes.iter_mut().zip(leaves) {
        *node = leaf_hash(leaf);
    }
    fold_page(&mut nodes)
}

/// Folds 32 nodes in place.
fn fold_page(nodes: &mut [B256; 32]) -> B256 {
    let mut width = 32_usize;
    while width > 1 {
        width >>= 1;
        for i in 0..width {
            let at = i.wrapping_mul(2);
            let pair = (
                nodes.get(at).copied(),
                nodes.get(at.wrapping_add(1)).copied(),
            );
            if let (Some(slot), (Some(left), Some(right))) = (nodes.get_mut(i), pair) {
                *slot = node_hash(&left, &right);
            }
        }
    }
    let [root, ..] = nodes;
    *root
}

/// The tree of pages, all inner nodes kept. A stored zero stands for the hash of an all-zero
/// subtree, so that untouched parts cost no memory.
#[derive(Debug, Clone)]
pub(crate) struct PageTree {
    /// 32 bytes a node, in heap order: the root at 1, page `p` at `2^20 + p`. Flat, so that the
    /// allocator can hand out zero pages that are never touched.
    nodes: Vec<u8>,
    /// Hash of an all-zero subtree by height above the pages.
    zeros: [B256; PAGES_DEPTH + 1],
}

impl PageTree {
    /// The tree of an all-zero memory.
    pub(crate) fn new() -> Self {
        let mut zero = page_hash(&[0; PAGE_LEN]);
        let mut zeros = [zero; PAGES_DEPTH + 1];
        for slot in zeros.iter_mut().skip(1) {
            zero = node_hash(&zero, &zero);
            *slot = zero;
        }
        Self {
            nodes: vec![0; PAGES.wrapping_mul(64)],
            zeros,
        }
    }

    /// Root over all pages.
    pub(crate) fn root(&self) -> B256 {
        self.node(1, PAGES_DEPTH)
    }

    /// Hash of page `page`.
    pub(crate) fn page(&self, page: usize) -> B256 {
        self.node(PAGES.wrapping_add(page), 0)
    }

    /// Siblings of `page`, from the page up.
    pub(crate) fn path(&self, page: usize) -> Vec<B256> {
        let mut at = PAGES.wrapping_add(page);
        (0..PAGES_DEPTH)
            .map(|height| {
                let sibling = self.node(at ^ 1, height);
                at >>= 1;
                sibling
            })
            .collect()
    }

    /// Sets the hashes of pages and refreshes every node above them. Pages must be ascending.
    pub(crate) fn update(&mut self, pages: &[(usize, B256)]) {
        let mut level: Vec<usize> = Vec::with_capacity(pages.len());
        for (page, hash) in pages {
            let at = PAGES.wrapping_add(*page);
            self.set(at, hash);
            level.push(at);
        }
        for height in 0..PAGES_DEPTH {
            for at in &mut level {
                *at >>= 1;
            }
            level.dedup();
            for at in &level {
                let left = self.node(at.wrapping_mul(2), height);
                let right = self.node(at.wrapping_mul(2).wrapping_add(1), height);
                self.set(*at, &node_hash(&left, &right));
            }
        }
    }

    fn set(&mut self, at: usize, hash: &B256) {
        let slot = self.nodes.get_mut(at.wrapping_mul(32)..);
        if let Some(slot) = slot.and_then(|rest| rest.first_chunk_mut::<32>()) {
            *slot = hash.0;
        }
    }

    fn node(&self, at: usize, height: usize) -> B256 {
        let slot = self
            .nodes
            .get(at.wrapping_mul(32)..)
            .and_then(|rest| rest.first_chunk::<32>());
        match slot {
            Some(hash) if *hash != [0; 32] => B256::new(*hash),
            _ => self.zeros.get(height).copied().unwrap_or_default(),
        }
    }
}
