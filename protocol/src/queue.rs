//! Entries of the Inbox queue: all that L1 tells L2, in one order.
//!
//! The L1 reader decodes them from events, the prover from preimages, both through this file.
//! Spec: `SPEC.md`, section 3.1.

use crate::{
    bytes::{Reader, Writer},
    hashes::{accumulate, chunked_hash},
};
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};

const KIND_DEPOSIT: u8 = 0;
const KIND_ATTRIBUTES: u8 = 1;
const KIND_OPERATOR: u8 = 2;
const DEPOSIT_LEN: usize = 166;
const ATTRIBUTES_LEN: usize = 145;
const OPERATOR_LEN: usize = 70;

/// A message from L1 that becomes a transaction on L2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposit {
    /// Sender on L2, after aliasing.
    pub from: Address,
    /// Recipient; `None` creates a contract.
    pub to: Option<Address>,
    /// Wei that appear on L2, at the sender.
    pub mint: U256,
    /// Wei that the transaction carries.
    pub value: U256,
    /// Gas limit, paid for on L1.
    pub gas_limit: u64,
    /// Calldata or initcode.
    pub data: Bytes,
}

/// What L2 learns of an L1 block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct L1Attributes {
    /// Base fee in wei per gas.
    pub base_fee: U256,
    /// Blob base fee in wei per blob gas.
    pub blob_base_fee: U256,
    /// Hash of the block before.
    pub parent_hash: B256,
    /// The block's randomness.
    pub prevrandao: B256,
}

/// Parameters that the operator may change at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorParams {
    /// Most gas of user transactions in a block.
    pub user_gas_limit: u64,
    /// Compressed share of a byte, in millionths.
    pub data_scalar: u32,
    /// Ways of posting that the floor looks at: bit 0 calldata, bit 1 blobs.
    pub data_kinds: u8,
    /// Lowest floor of the base fee, in wei per gas.
    pub min_floor: u128,
    /// The batcher's account on L1; of no consequence on L2.
    pub batcher: Address,
}

/// The content of a queue entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryBody {
    /// Kind 0.
    Deposit(Deposit),
    /// Kind 1.
    Attributes(L1Attributes),
    /// Kind 2.
    Operator(OperatorParams),
}

/// One entry of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// Number of the L1 block that enqueued it.
    pub l1_number: u64,
    /// Timestamp of that block, in seconds.
    pub l1_time: u64,
    /// What it says.
    pub body: EntryBody,
}

/// A queue entry at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedEntry {
    /// Index in the queue, from 0.
    pub index: u64,
    /// The queue's accumulator up to and with this entry.
    pub acc: B256,
    /// The entry.
    pub entry: QueueEntry,
}

/// Why bytes are no queue entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The kind byte is unknown or missing.
    #[error("queue entry has an unknown kind")]
    Kind,
    /// The length is not that of the kind.
    #[error("queue entry has the wrong length for its kind: {got} bytes")]
    Length {
        /// Length found, in bytes.
        got: usize,
    },
    /// A field has a value that the Inbox never writes.
    #[error("queue entry has a field out of range")]
    Field,
    /// The deposit's data is not what the entry commits to.
    #[error("deposit data does not match its hash and length")]
    Data,
}

impl QueueEntry {
    /// The bytes that the accumulator commits to; a deposit's data by its chunked hash.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match &self.body {
            EntryBody::Deposit(deposit) => self.encode_deposit(deposit).to_vec(),
            EntryBody::Attributes(attributes) => self.encode_attributes(attributes).to_vec(),
            EntryBody::Operator(params) => self.encode_operator(params).to_vec(),
        }
    }

    fn head<const N: usize>(&self, kind: u8) -> Writer<N> {
        let mut w = Writer::new();
        w.u8(kind);
        w.u64(self.l1_number);
        w.u64(self.l1_time);
        w
    }

    fn encode_deposit(&self, deposit: &Deposit) -> [u8; DEPOSIT_LEN] {
        let mut w = self.head(KIND_DEPOSIT);
        w.bytes(deposit.from.as_slice());
        w.bytes(deposit.to.unwrap_or_default().as_slice());
        w.u8(u8::from(deposit.to.is_none()));
        w.u256(deposit.mint);
        w.u256(deposit.value);
        w.u64(deposit.gas_limit);
        w.u32(u32::try_from(deposit.data.len()).unwrap_or(u32::MAX));
        w.bytes(chunked_hash(&deposit.data).as_slice());
        w.finish()
    }

    fn encode_attributes(&self, attributes: &L1Attributes) -> [u8; ATTRIBUTES_LEN] {
        let mut w = self.head(KIND_ATTRIBUTES);
        w.u256(attributes.base_fee);
        w.u256(attributes.blob_base_fee);
        w.bytes(attributes.parent_hash.as_slice());
        w.bytes(attributes.prevrandao.as_slice());
        w.finish()
    }

    fn encode_operator(&self, params: &OperatorParams) -> [u8; OPERATOR_LEN] {
        let mut w = self.head(KIND_OPERATOR);
        w.u64(params.user_gas_limit);
        w.u32(params.data_scalar);
        w.u8(params.data_kinds);
        w.u128(params.min_floor);
        w.bytes(params.batcher.as_slice());
        w.finish()
    }

    /// The entry as the accumulator takes it.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// The queue's accumulator after this entry.
    #[must_use]
    pub fn accumulate(&self, acc: B256) -> B256 {
        accumulate(acc, self.hash())
    }

    /// Gas that the entry takes of its batch and of its block; `system_entry_gas` of the chain for
    /// system entries.
    #[must_use]
    pub const fn gas(&self, system_entry_gas: u64) -> u64 {
        match &self.body {
            EntryBody::Deposit(deposit) => deposit.gas_limit,
            EntryBody::Attributes(_) | EntryBody::Operator(_) => system_entry_gas,
        }
    }

    /// Reads the bytes of [`Self::encode`] together with the deposit's `data` (empty for others).
    ///
    /// # Errors
    /// Every [`EntryError`]: these bytes never came from the Inbox.
    pub fn decode(bytes: &[u8], data: Bytes) -> Result<Self, EntryError> {
        let length = EntryError::Length { got: bytes.len() };
        let mut r = Reader::new(bytes);
        let kind = r.u8().ok_or(EntryError::Kind)?;
        let (l1_number, l1_time) = (r.u64().ok_or(length)?, r.u64().ok_or(length)?);
        let body = match kind {
            KIND_DEPOSIT => EntryBody::Deposit(Self::read_deposit(&mut r, data, length)?),
            KIND_ATTRIBUTES => EntryBody::Attributes(Self::read_attributes(&mut r).ok_or(length)?),
            KIND_OPERATOR => EntryBody::Operator(Self::read_operator(&mut r).ok_or(length)?),
            _ => return Err(EntryError::Kind),
        };
        if !r.is_empty() {
            return Err(length);
        }
        Ok(Self {
            l1_number,
            l1_time,
            body,
        })
    }

    /// Length and chunked hash of the data of an encoded deposit; `None` for other entries.
    #[must_use]
    pub fn data_commitment(bytes: &[u8]) -> Option<(u32, B256)> {
        if bytes.len() != DEPOSIT_LEN || bytes.first() != Some(&KIND_DEPOSIT) {
            return None;
        }
        let mut r = Reader::new(bytes.get(130..)?);
        Some((r.u32()?, r.hash()?))
    }

    fn read_deposit(
        r: &mut Reader<'_>,
        data: Bytes,
        length: EntryError,
    ) -> Result<Deposit, EntryError> {
        let from = r.address().ok_or(length)?;
        let to = r.address().ok_or(length)?;
        let to = match r.u8().ok_or(length)? {
            0 => Some(to),
            1 if to.is_zero() => None,
            _ => return Err(EntryError::Field),
        };
        let (mint, value) = (r.u256().ok_or(length)?, r.u256().ok_or(length)?);
        let gas_limit = r.u64().ok_or(length)?;
        let (len, hash) = (r.u32().ok_or(length)?, r.hash().ok_or(length)?);
        if usize::try_from(len) != Ok(data.len()) || chunked_hash(&data) != hash {
            return Err(EntryError::Data);
        }
        Ok(Deposit {
            from,
            to,
            mint,
            value,
            gas_limit,
            data,
        })
    }

    fn read_attributes(r: &mut Reader<'_>) -> Option<L1Attributes> {
        Some(L1Attributes {
            base_fee: r.u256()?,
            blob_base_fee: r.u256()?,
            parent_hash: r.hash()?,
            prevrandao: r.hash()?,
        })
    }

    fn read_operator(r: &mut Reader<'_>) -> Option<OperatorParams> {
        let params = OperatorParams {
            user_gas_limit: r.u64()?,
            data_scalar: r.u32()?,
            data_kinds: r.u8()?,
            min_floor: r.u128()?,
            batcher: r.address()?,
        };
        r.bytes(4)?;
        Some(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> [QueueEntry; 4] {
        let deposit = Deposit {
            from: Address::repeat_byte(1),
            to: Some(Address::repeat_byte(2)),
            mint: U256::from(3),
            value: U256::from(4),
            gas_limit: 5,
            data: Bytes::from(vec![6; 5_000]),
        };
        let creation = Deposit {
            to: None,
            data: Bytes::new(),
            ..deposit
        };
        let attributes = L1Attributes {
            base_fee: U256::from(7),
            blob_base_fee: U256::from(8),
            parent_hash: B256::repeat_byte(9),
            prevrandao: B256::repeat_byte(10),
        };
        let params = OperatorParams {
            user_gas_limit: 11,
            data_scalar: 12,
            data_kinds: 3,
            min_floor: 13,
            batcher: Address::repeat_byte(14),
        };
        [
            EntryBody::Deposit(deposit),
            EntryBody::Deposit(creation),
            EntryBody::Attributes(attributes),
            EntryBody::Operator(params),
        ]
        .map(|body| QueueEntry {
            l1_number: 15,
            l1_time: 16,
            body,
        })
    }

    fn data_of(entry: &QueueEntry) -> Bytes {
        match &entry.body {
            EntryBody::Deposit(deposit) => deposit.data.clone(),
            _ => Bytes::new(),
        }
    }

    #[test]
    fn entry_encoded_and_decoded_is_the_same() {
        for entry in entries() {
            assert_eq!(
                QueueEntry::decode(&entry.encode(), data_of(&entry)),
                Ok(entry)
            );
        }
    }

    #[test]
    fn entry_cut_anywhere_is_refused() {
        for entry in entries() {
            let bytes = entry.encode();
            for end in 0..bytes.len() {
                assert!(QueueEntry::decode(&bytes[..end], data_of(&entry)).is_err());
            }
        }
    }

    #[test]
    fn deposit_with_other_data_is_refused() {
        let [deposit, ..] = entries();
        let got = QueueEntry::decode(&deposit.encode(), Bytes::from(vec![7; 5_000]));
        assert_eq!(got, Err(EntryError::Data));
    }

    #[test]
    fn data_commitment_is_where_the_layout_says() {
        let [deposit, ..] = entries();
        let want = (5_000, chunked_hash(&[6; 5_000]));
        assert_eq!(QueueEntry::data_commitment(&deposit.encode()), Some(want));
    }
}
