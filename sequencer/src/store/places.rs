//! Where each transaction is, by its hash.

use super::{
    StoreError,
    runs::{Entry, Runs},
    tables::ReadTx,
};
use alloy_primitives::B256;

/// Number of a block, and index of a transaction there.
pub(super) type Place = (u64, u32);

/// The place of a transaction, if it has one.
pub(super) fn place(
    tx: &ReadTx,
    transactions: &Runs,
    hash: &B256,
) -> Result<Option<Place>, StoreError> {
    let Some(stored) = transactions.get(tx, hash.as_slice())? else {
        return Ok(None);
    };
    let bad = StoreError::Decode { what: "place" };
    decode(&stored).ok_or(bad).map(Some)
}

/// What is stored of a place: `hash`, and `number u64 ‖ index u32`.
pub(super) fn place_entry(hash: B256, (number, index): Place) -> Entry {
    let stored = [number.to_be_bytes().as_slice(), &index.to_be_bytes()].concat();
    (hash.to_vec(), stored)
}

fn decode(stored: &[u8]) -> Option<Place> {
    let (number, index) = stored.split_first_chunk()?;
    let index = u32::from_be_bytes(index.try_into().ok()?);
    Some((u64::from_be_bytes(*number), index))
}
