//! Records of the journal and their framing.

use super::{FORMAT, RECORD_HEADER, RECORD_MAGIC, SEGMENT_HEADER, SEGMENT_MAGIC};
use crate::store::{
    BlockRef, Identity, StoreError,
    codec::{decode, decode_block, encode_block, exhausted},
};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use std::sync::Arc;
use trestle_protocol::SealedBlock;

/// One change to the store.
#[derive(Debug, Clone)]
pub(in crate::store) enum Op {
    /// A block on top of the head. Its transactions leave the pool.
    Block(Arc<SealedBlock>),
    /// The head becomes this ancestor. Transactions of the blocks above it return to the pool.
    Unwind(BlockRef),
    /// A transaction, EIP-2718 encoded, enters the pool.
    Admit(B256, Bytes),
    /// A transaction leaves the pool.
    Forget(B256),
    /// Marks are set or removed, all at once.
    Marks(Vec<MarkWrite>),
}

/// A mark that is set, or removed by `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct MarkWrite {
    pub(in crate::store) key: Vec<u8>,
    pub(in crate::store) value: Option<Bytes>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct MarkRecord {
    key: Bytes,
    /// Empty when the mark is removed.
    value: Vec<Bytes>,
}

impl Op {
    const fn kind(&self) -> u8 {
        match self {
            Self::Block(_) => 1,
            Self::Unwind(_) => 2,
            Self::Admit(..) => 3,
            Self::Forget(_) => 4,
            Self::Marks(_) => 5,
        }
    }

    fn encode_body(&self, out: &mut Vec<u8>) {
        match self {
            Self::Block(block) => encode_block(block, out),
            Self::Unwind(to) => {
                out.extend(to.number.to_be_bytes());
                out.extend(to.hash);
            }
            Self::Admit(_, raw) => out.extend_from_slice(raw),
            Self::Forget(hash) => out.extend(hash),
            Self::Marks(marks) => {
                alloy_rlp::encode_list::<_, MarkRecord>(&mark_records(marks), out)
            }
        }
    }

    fn decode_body(kind: u8, mut body: &[u8]) -> Result<Self, StoreError> {
        let what = "journal record";
        let bad = || StoreError::Decode { what };
        Ok(match kind {
            1 => Self::Block(Arc::new(decode_block(body)?)),
            2 => {
                let (number, hash) = body.split_first_chunk().ok_or_else(bad)?;
                let hash = B256::try_from(hash).map_err(|_| bad())?;
                Self::Unwind(BlockRef {
                    number: u64::from_be_bytes(*number),
                    hash,
                })
            }
            3 => Self::Admit(keccak256(body), Bytes::copy_from_slice(body)),
            4 => Self::Forget(B256::try_from(body).map_err(|_| bad())?),
            5 => {
                let records: Vec<MarkRecord> = decode(what, &mut body)?;
                exhausted(what, body)?;
                Self::Marks(records.into_iter().map(mark_from).collect())
            }
            _ => return Err(bad()),
        })
    }
}

fn mark_records(marks: &[MarkWrite]) -> Vec<MarkRecord> {
    let record = |mark: &MarkWrite| MarkRecord {
        key: Bytes::copy_from_slice(&mark.key),
        value: mark.value.iter().cloned().collect(),
    };
    marks.iter().map(record).collect()
}

fn mark_from(record: MarkRecord) -> MarkWrite {
    MarkWrite {
        key: record.key.to_vec(),
        value: record.value.first().cloned(),
    }
}

/// A record as it lies in a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) number: u64,
    pub(super) durable: u64,
    kind: u8,
    body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Appends record `number` to `out`.
    pub(super) fn write(op: &Op, number: u64, durable: u64, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        op.encode_body(&mut body);
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let start = out.len();
        out.extend(RECORD_MAGIC);
        out.extend([0; 4]);
        out.extend(length.to_be_bytes());
        out.extend(number.to_be_bytes());
        out.extend(durable.to_be_bytes());
        out.push(op.kind());
        out.extend(body);
        let crc = crc32fast::hash(out.get(start + 8..).unwrap_or_default());
        if let Some(place) = out.get_mut(start + 4..start + 8) {
            place.copy_from_slice(&crc.to_be_bytes());
        }
    }

    /// The record at the start of `bytes` and what follows it; `None` unless it is whole.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let rest = bytes.strip_prefix(RECORD_MAGIC)?;
        let (crc, checked) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*checked.first_chunk()?)).ok()?;
        let (checked, rest) = checked.split_at_checked(RECORD_HEADER - 8 + length)?;
        if crc32fast::hash(checked) != u32::from_be_bytes(*crc) {
            return None;
        }
        let (number, tail) = checked.get(4..)?.split_first_chunk()?;
        let (durable, tail) = tail.split_first_chunk()?;
        let (kind, body) = tail.split_first()?;
        let frame = Self {
            number: u64::from_be_bytes(*number),
            durable: u64::from_be_bytes(*durable),
            kind: *kind,
            body,
        };
        Some((frame, rest))
    }

    pub(super) fn op(&self) -> Result<Op, StoreError> {
        Op::decode_body(self.kind, self.body)
    }
}

/// The header of a segment whose first record is `first`.
pub(super) fn segment_header(identity: &Identity, first: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(SEGMENT_HEADER);
    out.extend(SEGMENT_MAGIC);
    out.extend(FORMAT.to_be_bytes());
    out.extend(identity.encode());
    out.extend(first.to_be_bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}

/// What a segment's header says.
#[derive(Debug)]
pub(super) struct SegmentHeader {
    pub(super) format: u32,
    pub(super) identity: Identity,
    pub(super) first: u64,
}

/// Reads a segment's header; `None` if it is torn.
pub(super) fn read_segment_header(bytes: &[u8]) -> Option<SegmentHeader> {
    let (checked, crc) = bytes.get(..SEGMENT_HEADER)?.split_last_chunk()?;
    if crc32fast::hash(checked) != u32::from_be_bytes(*crc) {
        return None;
    }
    let rest = checked.strip_prefix(SEGMENT_MAGIC)?;
    let (format, rest) = rest.split_first_chunk()?;
    let (identity, first) = rest.split_at_checked(Identity::LEN)?;
    Some(SegmentHeader {
        format: u32::from_be_bytes(*format),
        identity: Identity::decode(identity)?,
        first: u64::from_be_bytes(first.try_into().ok()?),
    })
}
