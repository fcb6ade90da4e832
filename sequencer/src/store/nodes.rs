//! Where trie nodes lie in the `nodes` table and in a layer, and accounts, which are leaves of the account trie.
//!
//! Nodes lie in the order of their paths, so a leaf lies beside the branch above it, and what a payment changes at a
//! random place of a large state is one page of 4 KiB. Those with the shortest paths, which most blocks change, are
//! apart from the others for the same reason.
//!
//! The table holds the nodes of the newest tries and no others: an account is looked for among them (`protocol/tests/trie.rs`
//! holds what a trie tells a store to write against a store made from nothing).

use super::{
    StoreError,
    tables::{Tables, WriteTx, set_at},
};
use alloy_primitives::{B256, Bytes};
use alloy_trie::nodes::TrieNode;
use signet_libmdbx::{
    TransactionKind,
    tx::{Cursor, aliases::RoCursorSync},
};
use std::collections::BTreeMap;
use trestle_protocol::{
    AccountInfo,
    trie::{Nibbles, StateTrieChanges, TrieAccount},
};

/// First byte of the keys of lower nodes of the account trie.
const LOWER: u8 = 0;
/// First byte of the keys of storage tries' nodes.
const STORAGE: u8 = 1;
/// First byte of the keys of upper nodes of the account trie.
const UPPER: u8 = 2;
/// Longest path of an upper node. 16^4 branches take 35 MB.
const UPPER_DEPTH: usize = 4;

/// Key of the nodes of one storage trie: `1 ‖ hashed address`.
pub(super) fn storage_trie_key(owner: &B256) -> Vec<u8> {
    [&[STORAGE], owner.as_slice()].concat()
}

/// Key of a node: that of its trie, then the path from the root, one nibble per byte.
fn node_key(owner: Option<&B256>, path: &Nibbles) -> Vec<u8> {
    let mut key = match owner {
        Some(owner) => storage_trie_key(owner),
        None if path.len() > UPPER_DEPTH => vec![LOWER],
        None => vec![UPPER],
    };
    key.extend(path.iter());
    key
}

/// The RLP of a node in the table, of which this is a cursor.
pub(super) fn stored_node(
    cursor: &mut RoCursorSync<'_>,
    owner: Option<&B256>,
    path: &Nibbles,
) -> Result<Option<Bytes>, StoreError> {
    let node = cursor.set::<Vec<u8>>(&node_key(owner, path))?;
    Ok(node.map(Bytes::from))
}

/// A lower node of the account trie; `None` also for a path that is shorter.
pub(super) fn lower_node(
    cursor: &mut RoCursorSync<'_>,
    path: &Nibbles,
) -> Result<Option<Bytes>, StoreError> {
    match path.len() {
        ..=UPPER_DEPTH => Ok(None),
        _ => stored_node(cursor, None, path),
    }
}

/// The place of an account among the lower nodes: no node lies between its leaf and this key, which begins with the leaf's.
pub(super) fn account_key(hash: &B256) -> Vec<u8> {
    node_key(None, &Nibbles::unpack(hash))
}

/// A leaf of the account trie.
#[derive(Debug)]
pub(super) struct AccountLeaf {
    pub(super) path: Nibbles,
    pub(super) rlp: Vec<u8>,
    pub(super) info: AccountInfo,
}

/// The account in the table, of which this is a cursor, whose address hashes to `hash`.
///
/// # Errors
/// When the database cannot be read, or holds something else.
pub(super) fn stored_account<K: TransactionKind>(
    cursor: &mut Cursor<'_, K>,
    hash: &B256,
) -> Result<Option<AccountLeaf>, StoreError> {
    let whole = Nibbles::unpack(hash);
    for start in [whole, whole.slice(..UPPER_DEPTH)] {
        if let Some(leaf) = leaf_at(cursor, &whole, &node_key(None, &start))? {
            return Ok(Some(leaf));
        }
    }
    Ok(None)
}

/// The leaf on the way to `whole` that is the last node at or before a place there: a node between them would lie below
/// the leaf.
fn leaf_at<K: TransactionKind>(
    cursor: &mut Cursor<'_, K>,
    whole: &Nibbles,
    place: &[u8],
) -> Result<Option<AccountLeaf>, StoreError> {
    let found = match cursor.set_range::<Vec<u8>, Vec<u8>>(place)? {
        Some((exact, node)) if exact == place => Some((exact, node)),
        Some(_) => cursor.prev()?,
        None => cursor.last()?,
    };
    let Some((key, rlp)) = found.filter(|(key, _)| place.starts_with(key)) else {
        return Ok(None);
    };
    let broken = |_| StoreError::Decode { what: "trie node" };
    let node = alloy_rlp::Decodable::decode(&mut rlp.as_slice()).map_err(broken)?;
    let TrieNode::Leaf(leaf) = node else {
        return Ok(None);
    };
    let depth = key.len().saturating_sub(1);
    if whole.slice(depth..) != leaf.key {
        return Ok(None);
    }
    let account: TrieAccount =
        alloy_rlp::decode_exact(&leaf.value).map_err(|_| StoreError::Decode { what: "account" })?;
    let info = AccountInfo {
        nonce: account.nonce,
        balance: account.balance,
        code_hash: account.code_hash,
    };
    let path = whole.slice(..depth);
    Ok(Some(AccountLeaf { path, rlp, info }))
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

/// What of the table changes with these nodes, in the order of the keys.
pub(super) fn entries<'a>(newest: &Newest<'a>) -> Vec<(Vec<u8>, Option<&'a [u8]>)> {
    let keyed = |((owner, path), node): (&(Option<&B256>, &Nibbles), &Option<&'a [u8]>)| {
        (node_key(*owner, path), *node)
    };
    let mut entries: Vec<_> = newest.iter().map(keyed).collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
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
    let mut cursor = tx.cursor(t.nodes)?;
    entries(&newest)
        .into_iter()
        .try_for_each(|(key, node)| set_at(&mut cursor, &key, node))
}
