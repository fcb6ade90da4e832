//! Trie nodes of any past state: by path, and by hash for who knows nothing else.
//!
//! The tables keep the nodes of the newest state alone. An older trie is the newest one with the changes since
//! taken back, so its nodes are those that this changes, and the newest ones where it changes none.

use super::{
    Snapshot, StateView, StoreError,
    core::{follow, state_root},
    nodes::find_node,
};
use alloy_primitives::{B256, Bytes, map::B256Map};
use alloy_trie::nodes::{RlpNode, TrieNode};
use trestle_protocol::trie::{
    EMPTY_ROOT_HASH, HashChecked, HashCheckedError, Nibbles, NodeSource, StateTrieChanges,
    TrieAccount,
};

/// The nodes of the tries after one block, by path.
#[derive(Debug, Clone)]
pub struct PastNodes {
    view: StateView,
    taken_back: StateTrieChanges,
}

impl Snapshot {
    /// The nodes of the tries after block `number`. For a block below the folded head this reads what every block
    /// since has changed, and holds the nodes that this touches in memory.
    ///
    /// # Errors
    /// [`StoreError::UnknownBlock`] above the head; [`StoreError::RootMismatch`] when the state root of the block is
    /// not reproduced; when the database cannot be read.
    pub fn nodes_at(&self, number: u64) -> Result<PastNodes, StoreError> {
        if number >= self.folded {
            return Ok(PastNodes {
                view: self.state_at(number)?,
                taken_back: StateTrieChanges::default(),
            });
        }
        let diff = self.reverse_diff(number)?;
        let taken_back = follow(self, &diff, number, state_root(self, number)?)?;
        let view = self.state_at(self.head.number)?;
        Ok(PastNodes { view, taken_back })
    }
}

impl NodeSource for PastNodes {
    type Error = StoreError;

    /// # Errors
    /// [`StoreError::MissingNode`]; when the database cannot be read.
    fn node(
        &mut self,
        owner: Option<B256>,
        path: &Nibbles,
        hash: B256,
    ) -> Result<Bytes, StoreError> {
        match find_node(&self.taken_back, owner.as_ref(), path) {
            Some(node) => node
                .map(Bytes::copy_from_slice)
                .ok_or(StoreError::MissingNode { hash }),
            None => self.view.node(owner, path, hash),
        }
    }
}

/// The same nodes by hash, for a reader that goes from the root down: the place of a node is known once its parent
/// has been asked for.
#[derive(Debug, Clone)]
pub struct HashedNodes {
    nodes: HashChecked<PastNodes>,
    places: B256Map<Place>,
}

/// Hashed address of the storage trie's owner, and the path.
type Place = (Option<B256>, Nibbles);

impl HashedNodes {
    /// The nodes under a state root, which `nodes` must be of.
    #[must_use]
    pub fn new(nodes: PastNodes, state_root: B256) -> Self {
        let places = [(state_root, (None, Nibbles::new()))].into_iter().collect();
        Self {
            nodes: HashChecked(nodes),
            places,
        }
    }

    /// The node with this hash, which it is checked to have; `None` if no node so far has named it.
    ///
    /// # Errors
    /// [`StoreError::MissingNode`], also for a node that is not what its parent names;
    /// [`StoreError::Decode`]; when the database cannot be read.
    pub fn get(&mut self, hash: B256) -> Result<Option<Bytes>, StoreError> {
        let Some((owner, path)) = self.places.get(&hash).copied() else {
            return Ok(None);
        };
        let rlp = self.nodes.node(owner, &path, hash);
        let rlp = rlp.map_err(|error| match error {
            HashCheckedError::Source(error) => error,
            HashCheckedError::Mismatch { expected, .. } => {
                StoreError::MissingNode { hash: expected }
            }
        })?;
        self.note_children((owner, path), &rlp)?;
        Ok(Some(rlp))
    }

    /// Notes where the nodes are that a node names, the root of an account's storage among them.
    fn note_children(&mut self, (owner, path): Place, mut rlp: &[u8]) -> Result<(), StoreError> {
        let broken = |_| StoreError::Decode { what: "trie node" };
        match alloy_rlp::Decodable::decode(&mut rlp).map_err(broken)? {
            TrieNode::EmptyRoot => {}
            TrieNode::Branch(branch) => {
                for (nibble, child) in branch.as_ref().children() {
                    let mut path = path;
                    path.push(nibble);
                    child
                        .into_iter()
                        .for_each(|child| self.note(child, (owner, path)));
                }
            }
            TrieNode::Extension(extension) => {
                self.note(&extension.child, (owner, path.join(&extension.key)));
            }
            TrieNode::Leaf(leaf) if owner.is_none() => {
                let key = B256::try_from(path.join(&leaf.key).pack().as_slice());
                let account: TrieAccount = alloy_rlp::decode_exact(&leaf.value).map_err(broken)?;
                if let (Ok(key), false) = (key, account.storage_root == EMPTY_ROOT_HASH) {
                    let place = (Some(key), Nibbles::new());
                    self.places.insert(account.storage_root, place);
                }
            }
            TrieNode::Leaf(_) => {}
        }
        Ok(())
    }

    /// A child shorter than a hash lies within its parent and names no others.
    fn note(&mut self, child: &RlpNode, place: Place) {
        if let Some(hash) = child.as_hash() {
            self.places.insert(hash, place);
        }
    }
}
