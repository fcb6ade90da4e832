//! Preimages from the machine's host.
//!
//! The judge on L1 hashes a whole preimage before it lets a program read a byte of it, so what comes
//! is right where it counts. Up to one page the program looks for itself as well, at the price of one
//! call: a host that lies to itself ends in a defined exit instead of a false output. Longer ones,
//! contract code alone, are held against their hash by the host.

use super::calls::{PAGE, Page, Word, read_element, read_page, with_page};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};
use trestle_protocol::Preimages;

/// The host, by system calls.
#[derive(Debug)]
pub(crate) struct HostPreimages;

/// The host gave a preimage of another hash.
#[derive(Debug, thiserror::Error)]
#[error("preimage does not hash to {0}")]
pub(crate) struct Lie(B256);

impl Preimages for HostPreimages {
    type Error = Lie;

    fn keccak(&mut self, hash: B256) -> Result<Bytes, Lie> {
        with_page(|page| read(page, hash))
    }

    fn blob_element(&mut self, versioned_hash: B256, index: u32) -> Result<B256, Lie> {
        let mut word = Word([0; 32]);
        read_element(&mut word, index, &versioned_hash);
        Ok(B256::from(word.0))
    }

    fn is_checked(&self) -> bool {
        true
    }
}

fn read(page: &mut Page, hash: B256) -> Result<Bytes, Lie> {
    let length = read_page(page, 0, &hash) as usize;
    match page.0.get(..length) {
        Some(bytes) if page_hash(page, length) == hash => Ok(Bytes::copy_from_slice(bytes)),
        Some(_) => Err(Lie(hash)),
        None => Ok(read_rest(page, length, &hash)),
    }
}

/// A preimage of more than one page, whose first page is read already.
fn read_rest(page: &mut Page, length: usize, hash: &B256) -> Bytes {
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&page.0);
    while bytes.len() < length {
        read_page(page, bytes.len() as u64, hash);
        let left = (length - bytes.len()).min(PAGE);
        bytes.extend_from_slice(page.0.get(..left).unwrap_or_default());
    }
    bytes.into()
}

#[cfg(feature = "native-calls")]
fn page_hash(page: &Page, length: usize) -> B256 {
    super::calls::keccak(page, length)
}

#[cfg(not(feature = "native-calls"))]
fn page_hash(page: &Page, length: usize) -> B256 {
    alloy_primitives::keccak256(page.0.get(..length).unwrap_or_default())
}
