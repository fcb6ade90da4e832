//! Blocks to columns. Compression is the batcher's.

use super::{
    Payload, PayloadTx,
    amount::write_amounts,
    cursor::{write_varint, zigzag},
    fields::{Fields, Kind},
};
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, U256};
use alloy_rlp::Encodable;

/// Writes the columns of `payload` for chain `chain_id`.
///
/// Typed transactions that users of this chain do not send are carried as bytes. Whether the result
/// is within the limits of a batch is the caller's to see to.
#[must_use]
pub fn encode_columns(payload: &Payload, chain_id: u64) -> Vec<u8> {
    let mut out = Vec::new();
    write_blocks(&mut out, payload);
    let (mut typed, mut raw) = (Vec::new(), Vec::new());
    for tx in payload.blocks.iter().flat_map(|block| &block.transactions) {
        match take_apart(tx, chain_id) {
            Ok(fields) => {
                out.push(fields.kind.byte(fields.to.is_none()));
                typed.push(fields);
            }
            Err(bytes) => {
                out.push(Kind::Raw.byte(false));
                raw.push(bytes);
            }
        }
    }
    write_typed(&mut out, &typed);
    write_strings(&mut out, raw.iter());
    for tx in typed {
        out.extend_from_slice(&tx.signature.r().to_be_bytes::<32>());
        out.extend_from_slice(&tx.signature.s().to_be_bytes::<32>());
    }
    out
}

/// The fields of a transaction, or its bytes if columns do not hold it.
fn take_apart(tx: &PayloadTx, chain_id: u64) -> Result<Fields, Bytes> {
    match tx {
        PayloadTx::Raw(bytes) => Err(bytes.clone()),
        PayloadTx::Typed(tx) => Fields::of(tx, chain_id).ok_or_else(|| tx.encoded_2718().into()),
    }
}

fn write_blocks(out: &mut Vec<u8>, payload: &Payload) {
    write_varint(out, payload.blocks.len() as u64);
    let mut before = 0;
    for block in &payload.blocks {
        write_varint(out, zigzag(before, block.timestamp));
        before = block.timestamp;
    }
    for block in &payload.blocks {
        write_varint(out, block.deposit_count);
    }
    for block in &payload.blocks {
        write_varint(out, block.transactions.len() as u64);
    }
}

/// The columns of typed transactions, but for the signatures.
fn write_typed(out: &mut Vec<u8>, typed: &[Fields]) {
    for eight in typed.chunks(8) {
        let bits = eight
            .iter()
            .rev()
            .fold(0, |bits, tx| (bits << 1) | u8::from(tx.signature.v()));
        out.push(bits);
    }
    write_recipients(out, typed);
    let mut before = 0;
    for tx in typed {
        write_varint(out, zigzag(before, tx.nonce));
        before = tx.nonce;
    }
    for tx in typed {
        write_varint(out, tx.gas_limit);
    }
    write_amounts(out, typed.iter().map(|tx| U256::from(tx.max_fee)));
    let with_tip = typed.iter().filter(|tx| tx.kind.has_tip());
    write_amounts(out, with_tip.map(|tx| U256::from(tx.tip)));
    write_amounts(out, typed.iter().map(|tx| tx.value));
    write_strings(out, typed.iter().map(|tx| &tx.input));
    for tx in typed.iter().filter(|tx| tx.kind.has_access_list()) {
        tx.access_list.encode(out);
    }
    for tx in typed.iter().filter(|tx| tx.kind == Kind::Eip7702) {
        tx.authorizations.encode(out);
    }
}

/// The dictionary of recipients in the order of first use, and an index into it for each.
fn write_recipients(out: &mut Vec<u8>, typed: &[Fields]) {
    let mut known: BTreeMap<Address, u64> = BTreeMap::new();
    let mut dictionary: Vec<Address> = Vec::new();
    let mut indices = Vec::new();
    for to in typed.iter().filter_map(|tx| tx.to) {
        let index = *known.entry(to).or_insert_with(|| {
            dictionary.push(to);
            (dictionary.len() as u64).saturating_sub(1)
        });
        write_varint(&mut indices, index);
    }
    write_varint(out, dictionary.len() as u64);
    for address in dictionary {
        out.extend_from_slice(address.as_slice());
    }
    out.append(&mut indices);
}

/// All lengths, then all bytes.
fn write_strings<'a>(out: &mut Vec<u8>, strings: impl Iterator<Item = &'a Bytes> + Clone) {
    for string in strings.clone() {
        write_varint(out, string.len() as u64);
    }
    for string in strings {
        out.extend_from_slice(string);
    }
}
