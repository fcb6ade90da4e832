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
    changed::ChangedNodes,
    packed::{pack, unpack},
    tables::{Tables, WriteTx, set_at},
};
use alloy_primitives::{B256, Bytes};
use alloy_trie::nodes::TrieNode;
use signet_libmdbx::{
    TransactionKind,
    tx::{
        Cursor,
        aliases::{RoCursorSync, RwCursorUnsync},
    },
};
use std::borrow::Cow;
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

/// Whether a node of the account trie is an upper one.
pub(super) fn is_upper(path: &Nibbles) -> bool {
    path.len() <= UPPER_DEPTH
}

/// Nibbles that a [`rank`] has room for, and what stands for all longer paths' length in it.
const RANK_NIBBLES: usize = 15;

/// A path in one word that sorts as the paths do: its first fifteen nibbles from the highest on, then its length or 15.
pub(super) fn rank(path: &Nibbles) -> u64 {
    let length = path.len().min(RANK_NIBBLES);
    let nibbles = path.iter().take(RANK_NIBBLES);
    let word = nibbles.fold(0, |word, nibble| word << 4 | u64::from(nibble));
    word << (4 * (RANK_NIBBLES - length)) << 4 | length as u64
}

/// Whether only one path has this rank: of less than fifteen nibbles, as are nearly all of a trie of accounts.
pub(super) const fn is_unique(rank: u64) -> bool {
    rank & 15 < RANK_NIBBLES as u64
}

/// Key of a node: that of its trie, then the path from the root, one nibble per byte.
pub(super) fn node_key(owner: Option<&B256>, path: &Nibbles) -> Vec<u8> {
    let mut key = match owner {
        Some(owner) => storage_trie_key(owner),
        None if is_upper(path) => vec![UPPER],
        None => vec![LOWER],
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
    let kept = cursor.set::<Cow<'_, [u8]>>(&node_key(owner, path))?;
    Ok(kept.map(unpack).transpose()?.map(Bytes::from))
}

/// A lower node of the account trie; `None` also for a path that is shorter.
pub(super) fn lower_node(
    cursor: &mut RoCursorSync<'_>,
    path: &Nibbles,
) -> Result<Option<Bytes>, StoreError> {
    match is_upper(path) {
        true => Ok(None),
        false => stored_node(cursor, None, path),
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
    let Some((key, kept)) = found.filter(|(key, _)| place.starts_with(key)) else {
        return Ok(None);
    };
    let rlp = unpack(kept.into())?;
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

/// Writes changed nodes.
pub(super) fn write_nodes(
    tx: &WriteTx,
    t: &Tables,
    changes: &StateTrieChanges,
) -> Result<(), StoreError> {
    let mut changed = ChangedNodes::default();
    changed.add(changes);
    let mut cursor = tx.cursor(t.nodes)?;
    changed
        .in_order()
        .try_for_each(|(key, node)| set_node(&mut cursor, &key, node))
}

/// Sets the node at a key, or removes it.
pub(super) fn set_node(
    cursor: &mut RwCursorUnsync<'_>,
    key: &[u8],
    node: Option<&[u8]>,
) -> Result<(), StoreError> {
    set_at(cursor, key, node.map(pack))
}
