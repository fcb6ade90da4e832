//! The blobs of one transaction: made of a payload, and carried to L1 with proofs of their cells.
//!
//! L1 at Osaka takes a blob transaction with 128 cell proofs for each blob (EIP-7594, wrapper version 1).
//! They take about a third of a second of one core for each blob, so whoever calls [`BlobSet::of_payload`]
//! does it away from everything that must not wait. Signed and journaled are the transaction without its
//! sidecar and, once, the sidecar: a raise of fees signs a few hundred bytes again.

use crate::l1::kzg;
use alloy::{
    consensus::{Blob, Bytes48},
    eips::{
        eip4844::kzg_to_versioned_hash,
        eip7594::{BlobTransactionSidecarEip7594, CELLS_PER_EXT_BLOB, Encodable7594},
    },
    primitives::{B256, Bytes},
};
use alloy_rlp::Header;
use trestle_protocol::blobs::write_payload;

/// First byte of a transaction that carries blobs.
const BLOB_TYPE: u8 = 3;

/// The payload cannot be made into blobs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payload of {bytes} bytes cannot be made into blobs: {reason}")]
pub struct SidecarError {
    /// Length of the payload.
    pub bytes: usize,
    /// Words of the KZG library.
    pub reason: String,
}

/// Blobs with their versioned hashes; equal when the hashes are.
#[derive(Debug, Clone)]
pub struct BlobSet {
    hashes: Vec<B256>,
    /// Fields of the network's wrapper, from the version on; `None` once they are in the journal.
    sidecar: Option<Bytes>,
}

impl PartialEq for BlobSet {
    fn eq(&self, other: &Self) -> bool {
        self.hashes == other.hashes
    }
}

impl Eq for BlobSet {}

impl BlobSet {
    /// Blobs that carry `payload` as the specification lays it out, with all that L1 asks to see.
    ///
    /// Takes about a third of a second for each blob, and three seconds more the first time.
    ///
    /// # Errors
    /// [`SidecarError`] when the KZG library refuses.
    pub fn of_payload(payload: &[u8]) -> Result<Self, SidecarError> {
        let elements = write_payload(payload);
        let blobs = elements.iter().map(|blob| blob_of(blob)).collect();
        let sidecar =
            BlobTransactionSidecarEip7594::try_from_blobs_with_settings(blobs, kzg::for_proofs());
        let sidecar = sidecar.map_err(|error| SidecarError {
            bytes: payload.len(),
            reason: error.to_string(),
        })?;
        Ok(Self::of_sidecar(&sidecar))
    }

    /// One blob of zeros, for a transaction that only uses up a nonce. Commitment and proofs of the
    /// polynomial 0 are the point at infinity, so nothing is computed.
    pub(super) fn filler() -> Self {
        let mut infinity = Bytes48::ZERO;
        infinity.0[0] = 0xc0;
        let blobs = vec![Blob::ZERO];
        let proofs = vec![infinity; CELLS_PER_EXT_BLOB];
        Self::of_sidecar(&BlobTransactionSidecarEip7594::new(
            blobs,
            vec![infinity],
            proofs,
        ))
    }

    fn of_sidecar(sidecar: &BlobTransactionSidecarEip7594) -> Self {
        let mut fields = Vec::with_capacity(sidecar.encode_7594_len());
        sidecar.encode_7594(&mut fields);
        let hash = |commitment: &Bytes48| kzg_to_versioned_hash(commitment.as_slice());
        Self {
            hashes: sidecar.commitments.iter().map(hash).collect(),
            sidecar: Some(fields.into()),
        }
    }

    /// Blobs that the journal holds.
    pub(super) const fn journaled(hashes: Vec<B256>) -> Self {
        Self {
            hashes,
            sidecar: None,
        }
    }

    /// Versioned hashes, in order.
    #[must_use]
    pub fn hashes(&self) -> &[B256] {
        &self.hashes
    }

    /// Takes out what goes into the journal; `None` when it is there already.
    pub(super) const fn take_sidecar(&mut self) -> Option<Bytes> {
        self.sidecar.take()
    }
}

/// The bytes that L1 takes of a signed blob transaction (without sidecar) and a journaled sidecar.
pub(super) fn with_sidecar(raw: &[u8], sidecar: &[u8]) -> Bytes {
    let body = raw.get(1..).unwrap_or_default();
    let header = Header {
        list: true,
        payload_length: body.len().saturating_add(sidecar.len()),
    };
    let mut bytes = Vec::with_capacity(header.payload_length.saturating_add(16));
    bytes.push(BLOB_TYPE);
    header.encode(&mut bytes);
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(sidecar);
    bytes.into()
}

fn blob_of(elements: &[B256]) -> Blob {
    let mut blob = Blob::ZERO;
    for (to, from) in blob.0.chunks_exact_mut(32).zip(elements) {
        to.copy_from_slice(from.as_slice());
    }
    blob
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        consensus::{SignableTransaction, TxEip4844, TxEip4844Variant, TxEnvelope},
        eips::{
            eip2718::{Decodable2718, Encodable2718},
            eip4844::env_settings::EnvKzgSettings,
        },
        primitives::Signature,
    };
    use trestle_protocol::blobs::read_payload;

    fn raw_with(blobs: &BlobSet) -> Vec<u8> {
        let tx = TxEip4844 {
            nonce: 7,
            blob_versioned_hashes: blobs.hashes().to_vec(),
            ..TxEip4844::default()
        };
        let signed = tx.into_signed(Signature::test_signature());
        let envelope: TxEnvelope = signed.into();
        envelope.encoded_2718()
    }

    #[test]
    fn payload_of_two_blobs_is_what_l1_would_check_and_readers_read() {
        let payload: Vec<u8> = (0u32..200_000).map(|i| i.to_le_bytes()[0]).collect();
        let mut blobs = BlobSet::of_payload(&payload).unwrap();
        assert_eq!(blobs.hashes().len(), 2);
        let raw = raw_with(&blobs);
        let sidecar = blobs.take_sidecar().unwrap();
        let pooled = with_sidecar(&raw, &sidecar);
        let read = TxEnvelope::decode_2718_exact(&pooled).unwrap();
        let TxEnvelope::Eip4844(signed) = read else {
            panic!("no blob transaction")
        };
        let TxEip4844Variant::TxEip4844WithSidecar(tx) = signed.tx() else {
            panic!("no sidecar")
        };
        tx.validate_blob(EnvKzgSettings::Default.get()).unwrap();
        let element = |hash: B256, index: u32| {
            let blob = tx.sidecar.blob_by_versioned_hash(&hash).unwrap();
            let start = index as usize * 32;
            Ok::<_, ()>(B256::from_slice(&blob[start..start + 32]))
        };
        let read = read_payload(blobs.hashes(), element).unwrap();
        assert_eq!(read, Some(payload.into()));
    }

    #[test]
    fn filler_is_the_blob_of_zeros_with_its_true_proofs() {
        let computed = BlobTransactionSidecarEip7594::try_from_blobs(vec![Blob::ZERO]).unwrap();
        let (filler, computed) = (BlobSet::filler(), BlobSet::of_sidecar(&computed));
        assert_eq!(filler, computed);
        assert_eq!(filler.sidecar, computed.sidecar);
    }
}
