//! Where nodes come from that are not in memory yet.

use super::Nibbles;
use alloc::collections::BTreeMap;
use alloy_primitives::{B256, Bytes, keccak256};

/// Where unresolved nodes come from: preimages by hash in the prover, nodes by path in the node's
/// store.
pub trait NodeSource {
    /// Why a node could not be delivered.
    type Error;

    /// The RLP of one node.
    ///
    /// `owner` is the hashed address for a storage trie and `None` for the account trie, `path` the
    /// nibbles from the root, `hash` the Keccak-256 that the parent names. The trie does not check
    /// the hash: wrap a source that is not trusted in [`HashChecked`].
    ///
    /// # Errors
    /// As the source sees fit; the trie hands it on as [`super::TrieError::Source`].
    fn node(
        &mut self,
        owner: Option<B256>,
        path: &Nibbles,
        hash: B256,
    ) -> Result<Bytes, Self::Error>;
}

impl<S: NodeSource + ?Sized> NodeSource for &mut S {
    type Error = S::Error;

    fn node(
        &mut self,
        owner: Option<B256>,
        path: &Nibbles,
        hash: B256,
    ) -> Result<Bytes, Self::Error> {
        (**self).node(owner, path, hash)
    }
}

/// A source whose every node is checked against the hash that its parent names.
#[derive(Debug, Clone, Default)]
pub struct HashChecked<S>(pub S);

/// Why a [`HashChecked`] source refused a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashCheckedError<E> {
    /// The inner source failed.
    #[error(transparent)]
    Source(E),
    /// The inner source delivered other bytes than asked for.
    #[error("node hashes to {got}, expected {expected}")]
    Mismatch {
        /// Hash named by the parent.
        expected: B256,
        /// Keccak-256 of the bytes delivered.
        got: B256,
    },
}

impl<S: NodeSource> NodeSource for HashChecked<S> {
    type Error = HashCheckedError<S::Error>;

    fn node(
        &mut self,
        owner: Option<B256>,
        path: &Nibbles,
        expected: B256,
    ) -> Result<Bytes, Self::Error> {
        let rlp = self
            .0
            .node(owner, path, expected)
            .map_err(HashCheckedError::Source)?;
        let got = keccak256(&rlp);
        if got != expected {
            return Err(HashCheckedError::Mismatch { expected, got });
        }
        Ok(rlp)
    }
}

/// Nodes of a proof or a recorded witness, by their hash.
#[derive(Debug, Clone, Default)]
pub struct NodesByHash(BTreeMap<B256, Bytes>);

impl NodesByHash {
    /// Hashes `nodes` and keeps them by that hash, so that no further check is needed.
    pub fn new(nodes: impl IntoIterator<Item = Bytes>) -> Self {
        Self(
            nodes
                .into_iter()
                .map(|node| (keccak256(&node), node))
                .collect(),
        )
    }

    /// Number of different nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A node that is not among those at hand, by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no node with hash {0}")]
pub struct MissingNode(pub B256);

impl NodeSource for NodesByHash {
    type Error = MissingNode;

    fn node(&mut self, _: Option<B256>, _: &Nibbles, hash: B256) -> Result<Bytes, MissingNode> {
        self.0.get(&hash).cloned().ok_or(MissingNode(hash))
    }
}
