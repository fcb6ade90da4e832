//! Openings of blobs: single field elements, and the KZG proofs that L1 checks them by.

use alloy_primitives::B256;
use c_kzg::{Blob, Bytes32, ethereum_kzg_settings};
use trestle_sequencer::l1::commitment_of;
use trestle_vm::{BLOB_LEN, BlobProof, brp_root};

/// Field element `index` of a blob.
pub(super) fn element(blob: &[u8], index: u32) -> Option<B256> {
    let start = usize::try_from(index).ok()?.checked_mul(32)?;
    blob.get(start..)?.first_chunk::<32>().map(B256::from)
}

/// The opening of element `index`, for a witness.
pub(super) fn opening(blob: &[u8], index: u16) -> Option<BlobProof> {
    let commitment = commitment_of(blob)?;
    let blob = Blob::from_bytes(blob).ok()?;
    let at = Bytes32::from(brp_root(u64::from(index)).to_be_bytes::<32>());
    let (proof, _) = ethereum_kzg_settings(0)
        .compute_kzg_proof(&blob, &at)
        .ok()?;
    Some(BlobProof {
        commitment,
        proof: *proof.to_bytes(),
    })
}

const _: () = assert!(BLOB_LEN == 131_072, "blobs of EIP-4844");
