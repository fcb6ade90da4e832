//! Where trie nodes lie in the `nodes` table and in a layer, and accounts, which are leaves of the account trie.
//!
//! Nodes lie in the order of their paths, so a leaf lies beside the branch above it, and what a payment changes at a
//! random place of a large state is one page of 4 KiB. The upper nodes, which most blocks change, are apart from
//! the rest for the same reason.

use super::{
    StoreError,
    tables::{Tables, WriteTx, get, set},
};
use alloy_primitives::{B256, Bytes};
use alloy_trie::nodes::TrieNode;
use signet_libmdbx::{
    TransactionKind,
    tx::{Tx, aliases::RoCursorSync},
};
use std::collections::BTreeMap;
use trestle_protocol::{
    AccountInfo,
    trie::{Nibbles, StateTrieChanges, TrieAccount},
};

/// First byte of the keys of the account trie's nodes, but for the upper ones.
const ACCOUNTS: u8 = 0;
/// First byte of the keys of storage tries' nodes.
const STORAGE: u8 = 1;
/// First byte of the keys of upper nodes of the account trie.
const UPPER: u8 = 2;
/// Longest path of an upper node: a branch or an extension of the account trie. 16^4 branches take 35 MB.
const UPPER_DEPTH: usize = 4;

/// Key of the nodes of one storage trie: `1 ‖ hashed address`.
pub(super) fn storage_trie_key(owner: &B256) -> Vec<u8> {
    [&[STORAGE], owner.as_slice()].concat()
}

/// Key of a node that is not an upper one: that of its trie, then the path from the root, one nibble per byte.
fn node_key(owner: Option<&B256>, path: &Nibbles) -> Vec<u8> {
    let mut key = owner.map_or_else(|| vec![ACCOUNTS], storage_trie_key);
    key.extend(path.iter());
    key
}

/// Key of an upper node; `None` where there are none.
fn upper_key(owner: Option<&B256>, path: &Nibbles) -> Option<Vec<u8>> {
    if owner.is_some() || path.len() > UPPER_DEPTH {
        return None;
    }
    let mut key = vec![UPPER];
    key.extend(path.iter());
    Some(key)
}

/// The RLP of a node in the table, of which this is a cursor.
pub(super) fn stored_node(
    cursor: &mut RoCursorSync<'_>,
    owner: Option<&B256>,
    path: &Nibbles,
) -> Result<Option<Bytes>, StoreError> {
    let upper = upper_key(owner, path).map(|key| cursor.set::<Vec<u8>>(&key));
    let node = match upper.transpose()?.flatten() {
        Some(upper) => Some(upper),
        None => cursor.set::<Vec<u8>>(&node_key(owner, path))?,
    };
    Ok(node.map(Bytes::from))
}

/// The account in the table whose address hashes to `hash`.
///
/// Its leaf is the last node at or before the place of `hash`: a node between them would lie below the leaf.
pub(super) fn stored_account<K: TransactionKind>(
    tx: &Tx<K>,
    t: &Tables,
    hash: B256,
) -> Result<Option<AccountInfo>, StoreError> {
    let whole = Nibbles::unpack(hash);
    let key = node_key(None, &whole);
    let mut cursor = tx.cursor(t.nodes)?;
    let found = match cursor.set_range::<Vec<u8>, Vec<u8>>(&key)? {
        Some((exact, node)) if exact == key => Some((exact, node)),
        Some(_) => cursor.prev()?,
        None => cursor.last()?,
    };
    let Some((path, rlp)) = found.filter(|(path, _)| key.starts_with(path)) else {
        return Ok(None);
    };
    let broken = |_| StoreError::Decode { what: "trie node" };
    let TrieNode::Leaf(leaf) = alloy_rlp::Decodable::decode(&mut rlp.as_slice()).map_err(broken)?
    else {
        return Ok(None);
    };
    if whole.slice(path.len().saturating_sub(1)..) != leaf.key {
        return Ok(None);
    }
    let account: TrieAccount =
        alloy_rlp::decode_exact(&leaf.value).map_err(|_| StoreError::Decode { what: "account" })?;
    Ok(Some(AccountInfo {
        nonce: account.nonce,
        balance: account.balance,
        code_hash: account.code_hash,
    }))
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

/// Nodes by trie and path, each as the last of some changes left it.
pub(super) type Newest<'a> = BTreeMap<(Option<&'a B256>, &'a Nibbles), Option<&'a [u8]>>;

/// Lays `changes` over older ones.
pub(super) fn lay_over<'a>(newest: &mut Newest<'a>, changes: &'a StateTrieChanges) {
    let accounts = std::iter::once((None, &changes.accounts));
    let storages = changes
        .storages
        .iter()
        .map(|(owner, changes)| (Some(owner), changes));
    for (owner, changes) in accounts.chain(storages) {
        let nodes = changes.nodes.iter();
        newest.extend(nodes.map(|(path, node)| ((owner, path), node.as_deref())));
    }
}

/// What of the table changes with these nodes, by key.
pub(super) fn entries<'a>(newest: &Newest<'a>) -> BTreeMap<Vec<u8>, Option<&'a [u8]>> {
    let mut entries = BTreeMap::new();
    for ((owner, path), node) in newest {
        let (key, node) = (node_key(*owner, path), *node);
        match upper_key(*owner, path) {
            None => entries.extend([(key, node)]),
            // Where there was a leaf there may be an upper node now, and the other way round.
            Some(upper) if node.is_some_and(is_leaf) => {
                entries.extend([(key, node), (upper, None)]);
            }
            Some(upper) => entries.extend([(key, None), (upper, node)]),
        }
    }
    entries
}

/// Writes changed nodes.
pub(super) fn write_nodes(
    tx: &WriteTx,
    t: &Tables,
    changes: &StateTrieChanges,
) -> Result<(), StoreError> {
    let mut newest = Newest::new();
    lay_over(&mut newest, changes);
    let entries = entries(&newest);
    entries
        .iter()
        .try_for_each(|(key, node)| set(tx, t.nodes, key, *node))
}

/// Whether a node of the account trie is a leaf: a list of two whose first, the path, has the flag for it (Yellow
/// Paper, appendix C).
fn is_leaf(mut rlp: &[u8]) -> bool {
    let items = &mut rlp;
    let Ok(list) = alloy_rlp::Header::decode(items) else {
        return false;
    };
    let mut items = items.get(..list.payload_length).unwrap_or_default();
    let Ok(path) = alloy_rlp::Header::decode_bytes(&mut items, false) else {
        return false;
    };
    let rest = alloy_rlp::Header::decode_bytes(&mut items, false).is_ok() && items.is_empty();
    list.list && rest && path.first().is_some_and(|flags| flags & 0x20 != 0)
}

/// A part of the account trie in the table: what lies under the first two nibbles of a path, upper nodes left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(u8);

impl Group {
    /// All of them, in order.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }

    /// Whether an account is in it, by its hash.
    pub(super) fn has(self, hash: &B256) -> bool {
        hash.first() == Some(&self.0)
    }

    /// The least key that it may have.
    pub(super) fn first_key(self) -> Vec<u8> {
        vec![ACCOUNTS, self.0 >> 4, self.0 & 15]
    }

    /// The least key behind its own.
    pub(super) fn end_key(self) -> Vec<u8> {
        vec![ACCOUNTS, self.0 >> 4, (self.0 & 15) + 1]
    }

    /// Whether a key is that of some group.
    pub(super) fn is_any(key: &[u8]) -> bool {
        key.len() > 2 && key.first() == Some(&ACCOUNTS)
    }
}

/// Whether there are leaves above the groups, as only among very few accounts: these might be replaced by nodes of a
/// group while accounts of another are still read.
pub(super) fn has_short_leaves(tx: &WriteTx, t: &Tables) -> Result<bool, StoreError> {
    let paths = (0..16).map(|nibble| Nibbles::from_nibbles([nibble]));
    for path in std::iter::once(Nibbles::new()).chain(paths) {
        if get(tx, t.nodes, &node_key(None, &path))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
