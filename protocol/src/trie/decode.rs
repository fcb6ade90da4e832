//! From a node's RLP to a node in memory. Strict: anything that [`super::encode`] would not write
//! for this place in a trie of 32-byte keys is refused.

use super::{
    arena::Arena,
    nibble::{KEY_NIBBLES, set_nibble},
    node::{EMPTY, Id, Node, Reference, Slot, set_child},
};
use alloc::boxed::Box;
use alloy_primitives::B256;
use alloy_rlp::{EMPTY_STRING_CODE, Header};

/// One RLP item: its whole encoding and its content.
struct Item<'a> {
    raw: &'a [u8],
    payload: &'a [u8],
    list: bool,
}

/// Decodes the node at the first `depth` nibbles of `key`; its inline children go into `arena`.
pub(super) fn decode(arena: &mut Arena, rlp: &[u8], key: &B256, depth: usize) -> Option<Node> {
    let mut rest = rlp;
    let node = item(&mut rest)?;
    if !node.list || !rest.is_empty() || depth > KEY_NIBBLES {
        return None;
    }
    let mut rest = node.payload;
    let first = item(&mut rest)?;
    let second = item(&mut rest)?;
    if rest.is_empty() {
        decode_short(arena, (&first, &second), key, depth)
    } else {
        decode_branch(arena, node.payload, key, depth).map(Node::Branch)
    }
}

/// Takes one item off the front, canonical RLP only.
fn item<'a>(rest: &mut &'a [u8]) -> Option<Item<'a>> {
    let start = *rest;
    let header = Header::decode(rest).ok()?;
    let (payload, after) = rest.split_at_checked(header.payload_length)?;
    *rest = after;
    let raw = start.get(..start.len().checked_sub(after.len())?)?;
    Some(Item {
        raw,
        payload,
        list: header.list,
    })
}

/// A leaf or an extension: a hex-prefix path and a value or a child.
fn decode_short(
    arena: &mut Arena,
    (path, content): (&Item<'_>, &Item<'_>),
    key: &B256,
    depth: usize,
) -> Option<Node> {
    if path.list {
        return None;
    }
    let mut key = *key;
    let (is_leaf, end) = read_path(path.payload, &mut key, depth)?;
    if is_leaf {
        if end != KEY_NIBBLES || content.list || content.payload.is_empty() {
            return None;
        }
        return Some(Node::Leaf {
            key,
            value: Box::from(content.payload),
        });
    }
    if end == depth || end >= KEY_NIBBLES {
        return None;
    }
    let child = decode_child(arena, content, &key, end)?;
    if child == EMPTY {
        return None;
    }
    Some(Node::Extension {
        key,
        end: u8::try_from(end).ok()?,
        child,
    })
}

/// Writes a hex-prefix path into `key` from nibble `depth` on; whether it is a leaf's, and its end.
fn read_path(compact: &[u8], key: &mut B256, depth: usize) -> Option<(bool, usize)> {
    let (first, bytes) = compact.split_first()?;
    let (flag, low) = (first >> 4, first & 0x0f);
    if flag > 3 || (flag & 1 == 0 && low != 0) {
        return None;
    }
    let odd = (flag & 1 == 1).then_some(low);
    let nibbles = odd
        .into_iter()
        .chain(bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]));
    let mut end = depth;
    for nibble in nibbles {
        if end >= KEY_NIBBLES {
            return None;
        }
        set_nibble(key, end, nibble);
        end = end.checked_add(1)?;
    }
    Some((flag >= 2, end))
}

/// Sixteen children and an empty value.
fn decode_branch(arena: &mut Arena, payload: &[u8], key: &B256, depth: usize) -> Option<[Id; 16]> {
    if depth >= KEY_NIBBLES {
        return None;
    }
    let mut rest = payload;
    let mut children = [EMPTY; 16];
    let mut present = 0_u8;
    let mut key = *key;
    for index in 0..16 {
        set_nibble(&mut key, depth, index);
        let content = item(&mut rest)?;
        let child = decode_child(arena, &content, &key, depth.checked_add(1)?)?;
        set_child(&mut children, index, child);
        present = present.saturating_add(u8::from(child != EMPTY));
    }
    (rest == [EMPTY_STRING_CODE] && present >= 2).then_some(children)
}

/// A child: nothing, a hash, or a whole node of less than 32 bytes.
fn decode_child(arena: &mut Arena, item: &Item<'_>, key: &B256, depth: usize) -> Option<Id> {
    if item.list {
        if item.raw.len() >= 32 {
            return None;
        }
        let node = decode(arena, item.raw, key, depth)?;
        let mut rlp = [0; 31];
        rlp.get_mut(..item.raw.len())?.copy_from_slice(item.raw);
        let len = u8::try_from(item.raw.len()).ok()?;
        let reference = Reference::Inline { len, rlp };
        return Some(arena.add(Slot {
            node,
            reference,
            stored: false,
            touched: false,
        }));
    }
    match item.payload.len() {
        0 => Some(EMPTY),
        32 => Some(arena.add(Slot::unresolved(B256::from_slice(item.payload)))),
        _ => None,
    }
}
