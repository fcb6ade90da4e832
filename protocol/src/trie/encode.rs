//! From a node in memory to its RLP. Every dirty child has been given its reference before.

use super::{
    arena::Arena,
    nibble::{KEY_NIBBLES, nibble},
    node::{EMPTY, Id, Node, Reference},
};
use alloc::vec::Vec;
use alloy_primitives::B256;
use alloy_rlp::EMPTY_STRING_CODE;

/// Writes the RLP of node `id`, whose path is `depth` nibbles long, over `out`.
pub(super) fn encode(arena: &Arena, id: Id, depth: usize, out: &mut Vec<u8>) {
    out.clear();
    match &arena.get(id).node {
        Node::Empty | Node::Unresolved => {}
        Node::Leaf { key, value } => {
            let (path, len) = compact(key, depth, KEY_NIBBLES, true);
            let path = path.get(..len).unwrap_or_default();
            header(
                out,
                0xc0,
                string_len(path).saturating_add(string_len(value)),
            );
            string(out, path);
            string(out, value);
        }
        Node::Extension { key, end, child } => {
            let (path, len) = compact(key, depth, usize::from(*end), false);
            let path = path.get(..len).unwrap_or_default();
            let child = &arena.get(*child).reference;
            header(out, 0xc0, string_len(path).saturating_add(child.rlp_len()));
            string(out, path);
            reference(out, child);
        }
        Node::Branch(children) => branch(arena, children, out),
    }
}

fn branch(arena: &Arena, children: &[Id; 16], out: &mut Vec<u8>) {
    let length = children.iter().fold(1_usize, |sum, child| {
        sum.saturating_add(match *child {
            EMPTY => 1,
            id => arena.get(id).reference.rlp_len(),
        })
    });
    header(out, 0xc0, length);
    for child in children {
        match *child {
            EMPTY => out.push(EMPTY_STRING_CODE),
            id => reference(out, &arena.get(id).reference),
        }
    }
    out.push(EMPTY_STRING_CODE);
}

fn reference(out: &mut Vec<u8>, reference: &Reference) {
    match reference {
        Reference::Dirty => out.push(EMPTY_STRING_CODE),
        Reference::Hash(hash) => {
            out.push(0xa0);
            out.extend_from_slice(hash.as_slice());
        }
        Reference::Inline { len, rlp } => {
            out.extend_from_slice(rlp.get(..usize::from(*len)).unwrap_or_default());
        }
    }
}

/// The hex-prefix form of nibbles `from..to` of `key`, and its length in bytes.
fn compact(key: &B256, from: usize, to: usize, is_leaf: bool) -> ([u8; 33], usize) {
    let mut out = [0; 33];
    let count = to.saturating_sub(from);
    let odd = count % 2;
    let flag = if is_leaf { 0x20 } else { 0 };
    let first = if odd == 1 {
        0x10 | nibble(key, from)
    } else {
        0
    };
    let body = (count / 2).saturating_add(1);
    let mut at = from.saturating_add(odd);
    for (index, byte) in out.iter_mut().take(body).enumerate() {
        if index == 0 {
            *byte = flag | first;
        } else {
            *byte = (nibble(key, at) << 4) | nibble(key, at.saturating_add(1));
            at = at.saturating_add(2);
        }
    }
    (out, body)
}

/// Bytes of `bytes` as an RLP string.
fn string_len(bytes: &[u8]) -> usize {
    match bytes {
        [byte] if *byte < 0x80 => 1,
        _ if bytes.len() < 56 => bytes.len().saturating_add(1),
        _ => bytes
            .len()
            .saturating_add(1)
            .saturating_add(length_bytes(bytes.len())),
    }
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    if !matches!(bytes, [byte] if *byte < 0x80) {
        header(out, 0x80, bytes.len());
    }
    out.extend_from_slice(bytes);
}

/// The RLP header of a string (`base` 0x80) or a list (0xc0) with `length` bytes of content.
fn header(out: &mut Vec<u8>, base: u8, length: usize) {
    if let Ok(short) = u8::try_from(length)
        && short < 56
    {
        out.push(base.wrapping_add(short));
        return;
    }
    let count = length_bytes(length);
    let tag = base
        .wrapping_add(55)
        .wrapping_add(u8::try_from(count).unwrap_or_default());
    out.push(tag);
    let bytes = length.to_be_bytes();
    out.extend_from_slice(
        bytes
            .get(bytes.len().saturating_sub(count)..)
            .unwrap_or_default(),
    );
}

/// Bytes that `length` takes without leading zeros.
const fn length_bytes(length: usize) -> usize {
    let bits = usize::BITS.saturating_sub(length.leading_zeros());
    bits.div_ceil(8) as usize
}
