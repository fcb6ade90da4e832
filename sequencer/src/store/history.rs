//! What each block replaced: for each account and slot that a block changed, the value before it. So the value at
//! block `n` is that of the first entry above `n`, and the latest one where there is none.

use super::{
    StoreError,
    runs::{Entry, Runs},
    tables::{ReadTx, WriteTx, slot_key},
};
use alloy_primitives::{Address, U256};

/// What has a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// An account; its values are as `encode_account` writes them, or wrote them before.
    Account(Address),
    /// A storage slot; its values are without leading zeros.
    Slot(Address, U256),
}

impl Subject {
    /// First byte of the keys of accounts.
    pub(super) const ACCOUNT: u8 = 0;
    /// First byte of the keys of slots.
    pub(super) const SLOT: u8 = 1;

    /// `0 ‖ address`, or `1 ‖ address ‖ slot`.
    fn key(&self) -> Vec<u8> {
        match self {
            Self::Account(address) => [&[Self::ACCOUNT], address.as_slice()].concat(),
            Self::Slot(address, slot) => {
                [&[Self::SLOT], slot_key(address, slot).as_slice()].concat()
            }
        }
    }

    fn key_at(&self, number: u64) -> Vec<u8> {
        let mut key = self.key();
        key.extend(number.to_be_bytes());
        key
    }

    /// Inverse of the key with the number of a block.
    pub(super) fn parse(key: &[u8]) -> Option<(Self, u64)> {
        let (subject, number) = key.split_last_chunk()?;
        let number = u64::from_be_bytes(*number);
        let subject = match subject.split_first()? {
            (&Self::ACCOUNT, address) => Self::Account(Address::try_from(address).ok()?),
            (&Self::SLOT, rest) => {
                let (address, slot) = rest.split_first_chunk::<20>()?;
                let slot = U256::from_be_bytes(<[u8; 32]>::try_from(slot).ok()?);
                Self::Slot(address.into(), slot)
            }
            _ => return None,
        };
        Some((subject, number))
    }

    /// That block `number` replaced `value`; empty where there was none.
    pub(super) fn replaced(&self, number: u64, value: Vec<u8>) -> Entry {
        (self.key_at(number), value)
    }

    /// The value after block `number`, if a later block changed it.
    pub(super) fn at(
        &self,
        tx: &ReadTx,
        history: &Runs,
        number: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(later) = number.checked_add(1) else {
            return Ok(None);
        };
        let key = self.key_at(later);
        let found = history.at_or_above(tx, &key)?;
        let subject = key.len().saturating_sub(8);
        let is_same =
            |found: &[u8]| found.len() == key.len() && found.get(..subject) == key.get(..subject);
        Ok(found
            .filter(|(found, _)| is_same(found))
            .map(|(_, value)| value))
    }

    /// Takes back what block `number` replaced.
    pub(super) fn forget(
        &self,
        tx: &WriteTx,
        history: &Runs,
        number: u64,
    ) -> Result<(), StoreError> {
        history.remove(tx, &self.key_at(number))
    }
}
