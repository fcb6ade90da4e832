//! One batch as L1 has it: header, content, and the queue entries that it consumes.

use super::LogPosition;
use alloy_primitives::{B256, Bytes};
use trestle_protocol::{
    BatchHeader, QueuedEntry, blobs::read_payload, chunk_preimages, chunked_hash, log_preimages,
};

/// What a batch carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// The bytes in the input of `appendBatch`.
    Calldata(Bytes),
    /// Blobs of 131,072 bytes, in the order of the header's versioned hashes.
    Blobs(Vec<Bytes>),
    /// Nothing: the batch was forced.
    Forced,
}

/// A batch with everything that L1 knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct L1Batch {
    /// Its header.
    pub header: BatchHeader,
    /// Batch accumulator before it.
    pub acc_before: B256,
    /// Queue accumulator before its first entry.
    pub deposit_acc_before: B256,
    /// The entries of its range, in order.
    pub entries: Vec<QueuedEntry>,
    /// Its content.
    pub payload: Payload,
    /// Where the log goes on after it.
    pub position: LogPosition,
}

impl L1Batch {
    /// The payload's bytes; `None` if it has none, or its blobs hold none.
    #[must_use]
    pub fn payload_bytes(&self) -> Option<Bytes> {
        match &self.payload {
            Payload::Calldata(bytes) => Some(bytes.clone()),
            Payload::Blobs(blobs) => blob_payload(blobs),
            Payload::Forced => None,
        }
    }

    /// Whether the calldata is what the header committed to; blobs are checked where they come from.
    #[must_use]
    pub fn is_content_right(&self) -> bool {
        match (&self.header.content, &self.payload) {
            (
                trestle_protocol::BatchContent::Calldata { hash, length },
                Payload::Calldata(bytes),
            ) => {
                u32::try_from(bytes.len()).is_ok_and(|len| len == *length)
                    && chunked_hash(bytes) == *hash
            }
            (trestle_protocol::BatchContent::Blobs(hashes), Payload::Blobs(blobs)) => {
                hashes.len() == blobs.len()
            }
            (trestle_protocol::BatchContent::Forced, Payload::Forced) => true,
            _ => false,
        }
    }

    /// Everything of it that the transition reads by Keccak-256.
    #[must_use]
    pub fn preimages(&self) -> Vec<Bytes> {
        let mut all = log_preimages(
            &self.header,
            self.acc_before,
            self.deposit_acc_before,
            &self.entries,
        );
        if let Payload::Calldata(bytes) = &self.payload {
            all.extend(chunk_preimages(bytes));
        }
        all
    }
}

fn blob_payload(blobs: &[Bytes]) -> Option<Bytes> {
    // The protocol reads by versioned hash; here the place of the blob serves as its name.
    let names: Vec<B256> = (0..blobs.len())
        .map(|at| B256::left_padding_from(&at.to_be_bytes()))
        .collect();
    let element = |name: B256, index: u32| {
        let at = names.iter().position(|known| *known == name);
        let bytes = at.and_then(|at| blobs.get(at)).and_then(|blob| {
            let start = usize::try_from(index).ok()?.checked_mul(32)?;
            blob.get(start..)?.first_chunk::<32>()
        });
        Ok::<_, std::convert::Infallible>(bytes.map_or(B256::ZERO, B256::from))
    };
    match read_payload(&names, element) {
        Ok(payload) => payload,
    }
}
