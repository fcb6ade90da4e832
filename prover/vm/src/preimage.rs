//! Where a program's outside knowledge comes from: preimages keyed by hash.
//!
//! The caller of the machine supplies a [`PreimageSource`]; the machine trusts it to return what
//! was asked for (the L1 verifier does not). Spec: `SPEC.md`, "Machine", section "System calls".

use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::{B256, Bytes, keccak256};

/// Key type of keccak256 preimages.
pub const KEY_KECCAK: u64 = 1;
/// Key type of blobs, keyed by versioned hash.
pub const KEY_BLOB: u64 = 2;
/// Length of a blob in bytes: 4,096 field elements of 32 bytes.
pub const BLOB_LEN: u64 = 131_072;

/// Name of a preimage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PreimageKey {
    /// The bytes with this keccak256 hash.
    Keccak(B256),
    /// The blob with this versioned hash.
    Blob(B256),
}

/// A KZG opening of one blob element, as precompile 0x0a takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobProof {
    /// KZG commitment of the blob.
    pub commitment: [u8; 48],
    /// KZG proof of the element.
    pub proof: [u8; 48],
}

/// Supplies preimages to a running machine.
pub trait PreimageSource {
    /// The bytes whose keccak256 hash is `hash`, or `None` if they are not known.
    fn keccak(&self, hash: &B256) -> Option<Bytes>;

    /// Field element `index` (0..4096, in the order of the blob's bytes) of the blob with this
    /// versioned hash, 32 bytes big-endian.
    fn blob_element(&self, versioned_hash: &B256, index: u16) -> Option<B256> {
        let _ = (versioned_hash, index);
        None
    }

    /// The opening of that element. Asked for by witnesses only.
    fn blob_proof(&self, versioned_hash: &B256, index: u16) -> Option<BlobProof> {
        let _ = (versioned_hash, index);
        None
    }
}

/// A source that knows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPreimages;

impl PreimageSource for NoPreimages {
    fn keccak(&self, _hash: &B256) -> Option<Bytes> {
        None
    }
}

/// Keccak256 preimages and blob elements in memory.
#[derive(Debug, Clone, Default)]
pub struct Preimages {
    keccak: BTreeMap<B256, Bytes>,
    elements: BTreeMap<(B256, u16), (B256, Option<BlobProof>)>,
}

impl Preimages {
    /// Adds a keccak256 preimage and returns its hash.
    pub fn insert(&mut self, bytes: impl Into<Bytes>) -> B256 {
        let bytes = bytes.into();
        let hash = keccak256(&bytes);
        self.keccak.insert(hash, bytes);
        hash
    }

    /// Adds one blob element, with its opening if it is known.
    pub fn insert_element(&mut self, at: (B256, u16), value: B256, proof: Option<BlobProof>) {
        self.elements.insert(at, (value, proof));
    }

    /// Every keccak256 preimage, in the order of the hashes.
    #[must_use]
    pub fn keccak_preimages(&self) -> Vec<Bytes> {
        self.keccak.values().cloned().collect()
    }
}

impl PreimageSource for Preimages {
    fn keccak(&self, hash: &B256) -> Option<Bytes> {
        self.keccak.get(hash).cloned()
    }

    fn blob_element(&self, versioned_hash: &B256, index: u16) -> Option<B256> {
        self.elements
            .get(&(*versioned_hash, index))
            .map(|element| element.0)
    }

    fn blob_proof(&self, versioned_hash: &B256, index: u16) -> Option<BlobProof> {
        self.elements
            .get(&(*versioned_hash, index))
            .and_then(|element| element.1)
    }
}
