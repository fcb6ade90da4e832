//! Where trie nodes lie in the `nodes` table and in a layer.

use alloy_primitives::B256;
use trestle_protocol::trie::{Nibbles, StateTrieChanges};

/// Key of the nodes of one trie: `0x00`, or `0x01 ‖ hashed address` for a storage trie.
pub(super) fn trie_key(owner: Option<&B256>) -> Vec<u8> {
    owner.map_or_else(|| vec![0], |owner| [&[1], owner.as_slice()].concat())
}

/// Key of a node: that of its trie, then the path from the root, one nibble per byte.
pub(super) fn node_key(owner: Option<&B256>, path: &Nibbles) -> Vec<u8> {
    let mut key = trie_key(owner);
    key.extend(path.iter());
    key
}

/// What `changes` say of a node: nothing, its RLP, or that there is none.
pub(super) fn find_node<'a>(
    changes: &'a StateTrieChanges,
    owner: Option<&B256>,
    path: &Nibbles,
) -> Option<Option<&'a [u8]>> {
    let changes = match owner {
        None => &changes.accounts,
        Some(owner) => changes.storages.get(owner)?,
    };
    changes.nodes.get(path).map(Option::as_deref)
}

/// All changed nodes by key.
pub(super) fn changed_nodes(
    changes: &StateTrieChanges,
) -> impl Iterator<Item = (Vec<u8>, Option<&[u8]>)> {
    let accounts = std::iter::once((None, &changes.accounts));
    let storages = changes
        .storages
        .iter()
        .map(|(owner, changes)| (Some(owner), changes));
    accounts.chain(storages).flat_map(|(owner, changes)| {
        let nodes = changes.nodes.iter();
        nodes.map(move |(path, node)| (node_key(owner, path), node.as_deref()))
    })
}
