//! One blob with openings, made by c-kzg: the judge of where a blob is opened.
//!
//! The opening's value comes from c-kzg, at the point that the machine names; that it equals the
//! blob's bytes shows that the point is right.

use alloy_primitives::{B256, b256, keccak256};
use c_kzg::{Blob, Bytes32, KzgCommitment, KzgProof, ethereum_kzg_settings};
use std::sync::LazyLock;
use trestle_vm::{BlobProof, brp_root};

/// Elements that vectors read.
pub const INDICES: [u16; 5] = [0, 1, 2, 2049, 4095];
/// Versioned hash of the blob.
pub const VERSIONED_HASH: B256 =
    b256!("014ef1170805f7806dba9f6afa99cc79cf52b68e40672e81893b0719fb1378a1");

static BLOB: LazyLock<Box<Blob>> = LazyLock::new(|| {
    let mut bytes = Box::new([0; 131_072]);
    for (k, element) in bytes.chunks_exact_mut(32).enumerate() {
        element.copy_from_slice(keccak256(k.to_be_bytes()).as_slice());
        // Below the modulus.
        element.iter_mut().take(1).for_each(|byte| *byte = 0);
    }
    Box::new(Blob::new(*bytes))
});

/// Commitment of the blob.
///
/// # Panics
/// When c-kzg refuses the blob.
#[expect(clippy::expect_used, reason = "the blob is valid by construction")]
pub fn commitment() -> KzgCommitment {
    static COMMITMENT: LazyLock<KzgCommitment> = LazyLock::new(|| {
        ethereum_kzg_settings(0)
            .blob_to_kzg_commitment(&BLOB)
            .expect("the blob is valid")
    });
    *COMMITMENT
}

/// Element `index` as the blob's bytes have it.
#[must_use]
pub fn bytes(index: u16) -> B256 {
    let element = BLOB.chunks_exact(32).nth(usize::from(index));
    B256::from_slice(element.unwrap_or(&[0; 32]))
}

/// Element `index` with its opening, by c-kzg.
///
/// # Panics
/// When c-kzg refuses the blob.
#[must_use]
#[expect(clippy::expect_used, reason = "the blob is valid by construction")]
pub fn element(index: u16) -> (B256, BlobProof) {
    let z = Bytes32::from(brp_root(u64::from(index)).to_be_bytes::<32>());
    let opened: (KzgProof, Bytes32) = ethereum_kzg_settings(0)
        .compute_kzg_proof(&BLOB, &z)
        .expect("the blob is valid");
    let (proof, value) = opened;
    let opening = BlobProof {
        commitment: *commitment().to_bytes(),
        proof: *proof.to_bytes(),
    };
    (B256::from(*value), opening)
}
