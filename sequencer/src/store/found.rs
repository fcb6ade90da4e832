//! Trie nodes that reading an account comes across.
//!
//! To find an account in a large state takes the way down a tree of hundreds of thousands of pages, none of which is in
//! the processor's caches. Whoever changes the account needs its leaf and the branch above that a moment later; both
//! are on the page where the account was found.

use super::{
    StoreError,
    nodes::{AccountLeaf, lower_node},
};
use alloy_primitives::{Bytes, map::HashMap};
use parking_lot::Mutex;
use signet_libmdbx::tx::aliases::RoCursorSync;
use trestle_protocol::trie::Nibbles;

/// Nodes of the account trie that the tables hold after one block, by path; each is handed out once. Blocks in memory may
/// have newer ones.
#[derive(Debug)]
pub struct FoundNodes {
    number: u64,
    nodes: Mutex<HashMap<Nibbles, Bytes>>,
}

impl FoundNodes {
    /// None yet, of the state after block `number`.
    #[must_use]
    pub fn after(number: u64) -> Self {
        Self {
            number,
            nodes: Mutex::default(),
        }
    }

    /// The block after which they are.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Keeps a leaf, where the cursor is, and the branch above it.
    pub(super) fn keep(
        &self,
        cursor: &mut RoCursorSync<'_>,
        leaf: AccountLeaf,
    ) -> Result<(), StoreError> {
        let above = leaf.path.slice(..leaf.path.len().saturating_sub(1));
        let mut nodes = self.nodes.lock();
        if !nodes.contains_key(&above)
            && let Some(branch) = lower_node(cursor, &above)?
        {
            nodes.insert(above, branch);
        }
        nodes.insert(leaf.path, leaf.rlp.into());
        Ok(())
    }

    /// The node at a path, if it was found.
    pub(super) fn take(&self, path: &Nibbles) -> Option<Bytes> {
        self.nodes.lock().remove(path)
    }
}
