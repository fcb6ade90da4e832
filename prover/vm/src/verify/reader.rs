//! Reading of witnesses: from front to back, nothing beyond the end, nothing left over.

use super::error::WitnessError;
use alloy_primitives::B256;

/// Reads a witness from front to back.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            len: bytes.len(),
        }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], WitnessError> {
        let at = self.len.wrapping_sub(self.rest.len());
        let short = WitnessError::Length {
            expected: at.saturating_add(count),
            got: self.len,
        };
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], WitnessError> {
        let mut out = [0; N];
        out.copy_from_slice(self.bytes(N)?);
        Ok(out)
    }

    pub(super) fn word(&mut self) -> Result<B256, WitnessError> {
        self.take::<32>().map(B256::new)
    }

    pub(super) fn number(&mut self) -> Result<u64, WitnessError> {
        self.take::<8>().map(u64::from_be_bytes)
    }

    pub(super) fn path<const N: usize>(&mut self) -> Result<[B256; N], WitnessError> {
        let mut path = [B256::ZERO; N];
        for sibling in &mut path {
            *sibling = self.word()?;
        }
        Ok(path)
    }

    pub(super) fn end(&self) -> Result<(), WitnessError> {
        let read = self.len.wrapping_sub(self.rest.len());
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(WitnessError::Length {
            expected: read,
            got: self.len,
        })
    }
}
