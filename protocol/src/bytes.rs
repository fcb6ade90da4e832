//! Fixed-width big-endian fields: how every byte layout of the specification is written and read.

use alloy_primitives::{Address, B256, U256};

/// Fills an array of `N` bytes from the front; what is not written stays zero.
///
/// Layouts have constant widths, so a field that does not fit is a bug of the caller; it is dropped
/// whole, which the round-trip tests of each layout catch.
#[derive(Debug)]
pub(crate) struct Writer<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Writer<N> {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; N],
            at: 0,
        }
    }

    pub(crate) fn bytes(&mut self, field: &[u8]) {
        let end = self.at.saturating_add(field.len());
        if let Some(slot) = self.bytes.get_mut(self.at..end) {
            slot.copy_from_slice(field);
            self.at = end;
        }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u128(&mut self, value: u128) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u256(&mut self, value: U256) {
        self.bytes(&value.to_be_bytes::<32>());
    }

    pub(crate) const fn finish(self) -> [u8; N] {
        self.bytes
    }
}

/// Reads fields from the front; `None` when the bytes run out.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(field)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_be_bytes)
    }

    pub(crate) fn u256(&mut self) -> Option<U256> {
        self.array::<32>().map(U256::from_be_bytes)
    }

    pub(crate) fn address(&mut self) -> Option<Address> {
        self.array::<20>().map(Address::from)
    }

    pub(crate) fn hash(&mut self) -> Option<B256> {
        self.array::<32>().map(B256::from)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
