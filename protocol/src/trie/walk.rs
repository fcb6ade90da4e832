//! The trie itself: opening, walking down to a key, reading.

use super::{
    Nibbles, NodeSource, TrieError,
    arena::Arena,
    commit::TrieChanges,
    decode::decode,
    nibble::{common, nibble, path},
    node::{EMPTY, Id, Node, Reference, Slot, child, set_child},
};
use alloc::vec::Vec;
use alloy_primitives::B256;
use alloy_trie::EMPTY_ROOT_HASH;

/// One Merkle-Patricia trie; its keys are 32-byte hashes.
///
/// ```
/// use alloy_primitives::{B256, keccak256};
/// use trestle_protocol::trie::{EMPTY_ROOT_HASH, NodesByHash, Trie};
///
/// let mut none = NodesByHash::default();
/// let mut trie = Trie::new(None, EMPTY_ROOT_HASH);
/// let key = keccak256("key");
/// trie.insert(key, b"value".to_vec(), &mut none).unwrap();
/// assert_eq!(trie.get(key, &mut none).unwrap(), Some(&b"value"[..]));
///
/// let root = trie.root();
/// let mut stored = NodesByHash::new(trie.take_changes().nodes.into_values().flatten().map(Into::into));
/// let mut reopened = Trie::new(None, root);
/// assert_eq!(reopened.get(key, &mut stored).unwrap(), Some(&b"value"[..]));
/// ```
#[derive(Debug)]
pub struct Trie {
    pub(super) owner: Option<B256>,
    pub(super) arena: Arena,
    pub(super) root: Id,
    /// Branches and extensions passed on the last walk, with the depth of each.
    pub(super) trail: Vec<(Id, usize)>,
    /// `None` if nobody will ask for them.
    pub(super) changes: Option<TrieChanges>,
    /// Whether the source may lack some clean node, because its change was not taken yet.
    pub(super) is_ahead: bool,
}

/// What a walk ended at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The key's leaf.
    Leaf,
    /// An empty child, or an empty trie.
    Vacant,
    /// A leaf or an extension whose path leaves that of the key.
    Diverging,
}

/// Where a walk ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) found: Found,
    pub(super) id: Id,
    pub(super) depth: usize,
}

impl Trie {
    /// Opens the trie under `root`, of the account whose address hashes to `owner`, or the account
    /// trie for `None`. Nothing is read yet.
    #[must_use]
    pub fn new(owner: Option<B256>, root: B256) -> Self {
        Self {
            changes: Some(TrieChanges::default()),
            ..Self::untracked(owner, root)
        }
    }

    /// As [`Self::new`], for a caller that wants roots only: [`Self::take_changes`] stays empty.
    #[must_use]
    pub fn untracked(owner: Option<B256>, root: B256) -> Self {
        let mut arena = Arena::new();
        let root = match root {
            EMPTY_ROOT_HASH => EMPTY,
            hash => arena.add(Slot::unresolved(hash)),
        };
        Self {
            owner,
            arena,
            root,
            trail: Vec::new(),
            changes: None,
            is_ahead: false,
        }
    }

    /// The value at `key`.
    ///
    /// # Errors
    /// [`TrieError::Source`] and [`TrieError::Malformed`] when a node on the way cannot be had.
    pub fn get<S: NodeSource + ?Sized>(
        &mut self,
        key: B256,
        src: &mut S,
    ) -> Result<Option<&[u8]>, TrieError<S::Error>> {
        let end = self.descend(&key, src)?;
        Ok(match &self.arena.get(end.id).node {
            Node::Leaf { value, .. } if end.found == Found::Leaf => Some(value),
            _ => None,
        })
    }

    /// Number of nodes in memory, unresolved ones included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.arena.len()
    }

    /// Walks toward `key` as far as its path goes, leaving the way in `self.trail`.
    pub(super) fn descend<S: NodeSource + ?Sized>(
        &mut self,
        key: &B256,
        src: &mut S,
    ) -> Result<End, TrieError<S::Error>> {
        self.trail.clear();
        let (mut id, mut depth, mut wants_branch) = (self.root, 0_usize, false);
        loop {
            self.resolve(id, key, depth, src)?;
            if let Some(slot) = self.arena.get_mut(id) {
                slot.touched = true;
            }
            let node = &self.arena.get(id).node;
            if wants_branch && !matches!(node, Node::Branch(_)) {
                return Err(self.malformed(path(key, depth)));
            }
            match node {
                Node::Empty => {
                    return Ok(End {
                        found: Found::Vacant,
                        id,
                        depth,
                    });
                }
                Node::Unresolved => return Err(self.malformed(path(key, depth))),
                Node::Leaf { key: other, .. } => {
                    let found = if other == key {
                        Found::Leaf
                    } else {
                        Found::Diverging
                    };
                    return Ok(End { found, id, depth });
                }
                Node::Extension {
                    key: other,
                    end,
                    child,
                } => {
                    let end = usize::from(*end);
                    if common(other, key) < end {
                        return Ok(End {
                            found: Found::Diverging,
                            id,
                            depth,
                        });
                    }
                    self.trail.push((id, depth));
                    (id, depth, wants_branch) = (*child, end, true);
                }
                Node::Branch(children) => {
                    self.trail.push((id, depth));
                    id = child(children, nibble(key, depth));
                    (depth, wants_branch) = (depth.saturating_add(1), false);
                }
            }
        }
    }

    /// Fetches node `id`, whose path is the first `depth` nibbles of `key`, unless it is there.
    pub(super) fn resolve<S: NodeSource + ?Sized>(
        &mut self,
        id: Id,
        key: &B256,
        depth: usize,
        src: &mut S,
    ) -> Result<(), TrieError<S::Error>> {
        let slot = self.arena.get(id);
        let (Node::Unresolved, Reference::Hash(hash)) = (&slot.node, slot.reference) else {
            return Ok(());
        };
        if self.arena.is_full() {
            return Err(TrieError::Full);
        }
        let at = path(key, depth);
        let rlp = src.node(self.owner, &at, hash).map_err(TrieError::Source)?;
        let Some(node) = decode(&mut self.arena, &rlp, key, depth) else {
            return Err(self.malformed(at));
        };
        if let Some(slot) = self.arena.get_mut(id) {
            slot.node = node;
        }
        Ok(())
    }

    /// Makes `id` the child through which the last node of the trail leads to `key`.
    pub(super) fn relink(&mut self, key: &B256, id: Id) {
        let Some((parent, depth)) = self.trail.last().copied() else {
            self.root = id;
            return;
        };
        match self.arena.get_mut(parent).map(|slot| &mut slot.node) {
            Some(Node::Branch(children)) => set_child(children, nibble(key, depth), id),
            Some(Node::Extension { child, .. }) => *child = id,
            _ => {}
        }
    }

    pub(super) const fn malformed<E>(&self, path: Nibbles) -> TrieError<E> {
        TrieError::Malformed {
            owner: self.owner,
            path,
        }
    }
}
