//! Trie nodes as they lie in the `nodes` table: their RLP, from which most leaves leave out what they all share.
//!
//! A leaf of an account without code and storage ends with the hashes of no storage and of no code, half of its bytes.
//! It is kept without them, and without the header of its list, which follows from its length. What is left begins with
//! an RLP string, the leaf's path, and so with a byte below 0xc0; all other nodes are lists and begin with that or more.

use super::StoreError;
use alloy_primitives::KECCAK256_EMPTY;
use std::borrow::Cow;
use trestle_protocol::trie::EMPTY_ROOT_HASH;

/// First byte of a list of 56 to 255 bytes; the next one is their number.
const LONG_LIST: u8 = 0xf8;
/// The first byte of a list, or more than that.
const LIST: u8 = 0xc0;
/// How a 32-byte string begins.
const WORD: u8 = 0xa0;

/// How the leaf of an account without storage and code ends.
#[expect(clippy::indexing_slicing, reason = "checked at compile time")]
const NOTHING: [u8; 66] = {
    let mut out = [WORD; 66];
    let (root, code) = (EMPTY_ROOT_HASH.0, KECCAK256_EMPTY.0);
    let mut at = 0;
    while at < 32 {
        out[1 + at] = root[at];
        out[34 + at] = code[at];
        at += 1;
    }
    out
};

/// What the table keeps of a node's RLP.
pub(super) fn pack(rlp: &[u8]) -> &[u8] {
    let [LONG_LIST, length, content @ ..] = rlp else {
        return rlp;
    };
    match content.strip_suffix(&NOTHING) {
        Some(rest @ [..LIST, ..]) if usize::from(*length) == content.len() => rest,
        _ => rlp,
    }
}

/// The RLP of a node, from what the table keeps of it.
///
/// # Errors
/// [`StoreError::Decode`] for what [`pack`] does not give.
pub(super) fn unpack(kept: Cow<'_, [u8]>) -> Result<Vec<u8>, StoreError> {
    let Some(..LIST) = kept.first() else {
        return Ok(kept.into_owned());
    };
    let length = u8::try_from(kept.len() + NOTHING.len());
    let length = length.map_err(|_| StoreError::Decode { what: "trie node" })?;
    Ok([&[LONG_LIST, length], &*kept, &NOTHING[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{B256, U256, hex, keccak256};
    use trestle_protocol::trie::{NodesByHash, Trie, TrieAccount};

    fn leaf_of(account: &TrieAccount) -> Vec<u8> {
        let mut trie = Trie::new(None, EMPTY_ROOT_HASH);
        let value = alloy_rlp::encode(account);
        trie.insert(keccak256("key"), value, &mut NodesByHash::default())
            .unwrap();
        let mut nodes = trie.take_changes().nodes.into_values();
        nodes.next().flatten().unwrap()
    }

    #[track_caller]
    fn comes_back(rlp: &[u8]) {
        let kept = pack(rlp);
        assert_eq!(
            unpack(Cow::Borrowed(kept)).unwrap(),
            rlp,
            "{}",
            hex::encode(rlp)
        );
    }

    #[test]
    fn leaf_without_storage_and_code_is_kept_in_half() {
        let account = TrieAccount {
            nonce: 3,
            balance: U256::from(10).pow(U256::from(18)),
            storage_root: EMPTY_ROOT_HASH,
            code_hash: KECCAK256_EMPTY,
        };
        let rlp = leaf_of(&account);
        assert_eq!(pack(&rlp).len(), rlp.len() - 68);
        comes_back(&rlp);
    }

    #[test]
    fn every_other_node_is_kept_whole() {
        let other = |storage_root, code_hash| {
            leaf_of(&TrieAccount {
                storage_root,
                code_hash,
                ..TrieAccount::default()
            })
        };
        let word = B256::repeat_byte(7);
        let long_path = [&[LONG_LIST, 67, LIST], &NOTHING[..]].concat();
        let other_length = [&[LONG_LIST, 66, 0x20], &NOTHING[..]].concat();
        for rlp in [
            other(word, KECCAK256_EMPTY),
            other(EMPTY_ROOT_HASH, word),
            NOTHING.to_vec(),
            [&[LONG_LIST, 66], &NOTHING[..]].concat(),
            long_path,
            other_length,
            vec![LIST],
            Vec::new(),
        ] {
            assert_eq!(pack(&rlp), rlp);
        }
    }

    #[test]
    fn nodes_of_any_bytes_that_begin_as_lists_come_back() {
        let mut seed = 1_u64;
        for length in (0..300).cycle().take(20_000) {
            let mut rlp = vec![LIST];
            rlp.resize_with(length + 1, || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                u8::try_from(seed >> 56).unwrap()
            });
            comes_back(&rlp);
            let content = [&rlp[1..], &NOTHING[..]].concat();
            if let Ok(length) = u8::try_from(content.len()) {
                comes_back(&[&[LONG_LIST, length], &*content].concat());
                comes_back(&[&[LONG_LIST, length.wrapping_add(1)], &*content].concat());
            }
        }
    }

    #[test]
    fn what_is_too_long_for_a_packed_leaf_is_an_error() {
        assert!(unpack(Cow::Owned(vec![1; 189])).is_ok());
        assert!(unpack(Cow::Owned(vec![1; 190])).is_err());
    }
}
