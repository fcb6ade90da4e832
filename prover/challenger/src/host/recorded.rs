//! The inputs of one batch: recorded while the transition runs natively, saved, loaded, replayed.
//!
//! File: the magic line, the 128 bytes of the input, then items until the end: kind 1, `u32` length, the bytes of
//! a preimage; kind 2, a versioned hash, the 131,072 bytes of a blob. Numbers are big-endian. Keys are not
//! in the file but computed from the bytes, so a file that lies is a file that lacks something.

use super::{Store, StoreError, opening};
use alloy_primitives::{B256, Bytes, keccak256};
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
};
use trestle_guest::BatchInput;
use trestle_protocol::{ChainConfig, Preimages};
use trestle_sequencer::l1::is_blob;
use trestle_vm::{BLOB_LEN, BlobProof, PreimageSource};

const MAGIC: &[u8] = b"trestle batch inputs 1\n";
const KIND_KECCAK: u8 = 1;
const KIND_BLOB: u8 = 2;
/// Longest preimage, in bytes: the largest contract code. Spec: section 1.
const MAX_PREIMAGE: u32 = 24_576;

/// Why a recorded set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// The file could not be read or written.
    #[error("inputs of a batch: {0}")]
    Io(#[from] io::Error),
    /// The file is something else, or cut off.
    #[error("the file holds no inputs of a batch: {0}")]
    Format(&'static str),
}

/// Everything that the proof of one batch reads.
#[derive(Debug, Clone)]
pub struct Recorded {
    input: BatchInput,
    preimages: BTreeMap<B256, Bytes>,
    blobs: BTreeMap<B256, Bytes>,
}

impl Recorded {
    /// What the machine is started with.
    #[must_use]
    pub const fn input(&self) -> &BatchInput {
        &self.input
    }

    /// Bytes of all preimages and blobs.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        let all = self.preimages.values().chain(self.blobs.values());
        all.map(|bytes| bytes.len()).sum()
    }

    /// The preimages by their hashes.
    #[must_use]
    pub const fn preimages(&self) -> &BTreeMap<B256, Bytes> {
        &self.preimages
    }

    /// The same set for another input, or without a preimage: for tests of what must fail.
    #[must_use]
    pub fn altered(mut self, input: BatchInput, without: Option<&B256>) -> Self {
        self.insert(input.encode().into());
        self.input = input;
        if let Some(hash) = without {
            self.preimages.remove(hash);
        }
        self
    }

    /// Adds a preimage.
    pub fn insert(&mut self, bytes: Bytes) {
        self.preimages.insert(keccak256(&bytes), bytes);
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`RecordedError::Io`].
    pub fn save(&self, to: &mut dyn Write) -> Result<(), RecordedError> {
        to.write_all(MAGIC)?;
        to.write_all(&self.input.encode())?;
        for bytes in self.preimages.values() {
            let length = u32::try_from(bytes.len()).map_err(|_| RecordedError::Format("length"))?;
            to.write_all(&[KIND_KECCAK])?;
            to.write_all(&length.to_be_bytes())?;
            to.write_all(bytes)?;
        }
        for (hash, blob) in &self.blobs {
            to.write_all(&[KIND_BLOB])?;
            to.write_all(hash.as_slice())?;
            to.write_all(blob)?;
        }
        Ok(to.flush()?)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`RecordedError`]; a blob that is not what its name says is a format error.
    pub fn load(from: &mut dyn Read) -> Result<Self, RecordedError> {
        if read_array::<{ MAGIC.len() }>(from)? != *MAGIC {
            return Err(RecordedError::Format("its first line is another"));
        }
        let input = BatchInput::decode(&read_array::<{ BatchInput::ENCODED_LEN }>(from)?)
            .ok_or(RecordedError::Format("its input is malformed"))?;
        let mut set = Self {
            input,
            preimages: BTreeMap::new(),
            blobs: BTreeMap::new(),
        };
        let mut kind = [0];
        while from.read(&mut kind)? == 1 {
            set.load_item(kind, from)?;
        }
        Ok(set)
    }

    fn load_item(&mut self, kind: [u8; 1], from: &mut dyn Read) -> Result<(), RecordedError> {
        match kind {
            [KIND_KECCAK] => {
                let length = u32::from_be_bytes(read_array(from)?);
                if length > MAX_PREIMAGE {
                    return Err(RecordedError::Format("a preimage is too long"));
                }
                self.insert(read_bytes(from, u64::from(length))?);
            }
            [KIND_BLOB] => {
                let hash = B256::from(read_array::<32>(from)?);
                let blob = read_bytes(from, BLOB_LEN)?;
                if !is_blob(&blob, hash) {
                    return Err(RecordedError::Format("a blob has another versioned hash"));
                }
                self.blobs.insert(hash, blob);
            }
            _ => return Err(RecordedError::Format("an item of unknown kind")),
        }
        Ok(())
    }
}

fn read_array<const N: usize>(from: &mut dyn Read) -> Result<[u8; N], RecordedError> {
    let mut bytes = [0; N];
    match from.read_exact(&mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(RecordedError::Format("it is cut off"))
        }
        read => Ok(read.map(|()| bytes)?),
    }
}

fn read_bytes(from: &mut dyn Read, length: u64) -> Result<Bytes, RecordedError> {
    let mut bytes = Vec::new();
    let got = from.take(length).read_to_end(&mut bytes)?;
    if u64::try_from(got).is_ok_and(|got| got == length) {
        Ok(bytes.into())
    } else {
        Err(RecordedError::Format("it is cut off"))
    }
}

impl PreimageSource for Recorded {
    fn keccak(&self, hash: &B256) -> Option<Bytes> {
        self.preimages.get(hash).cloned()
    }

    fn blob_element(&self, versioned_hash: &B256, index: u16) -> Option<B256> {
        opening::element(self.blobs.get(versioned_hash)?, u32::from(index))
    }

    fn blob_proof(&self, versioned_hash: &B256, index: u16) -> Option<BlobProof> {
        opening::opening(self.blobs.get(versioned_hash)?, index)
    }
}

impl Preimages for &Recorded {
    type Error = StoreError;

    fn keccak(&mut self, hash: B256) -> Result<Bytes, StoreError> {
        self.preimages
            .get(&hash)
            .cloned()
            .ok_or(StoreError::Missing(hash))
    }

    fn blob_element(&mut self, versioned_hash: B256, index: u32) -> Result<B256, StoreError> {
        self.blobs
            .get(&versioned_hash)
            .and_then(|blob| opening::element(blob, index))
            .ok_or(StoreError::MissingBlob(versioned_hash))
    }
}

/// A source over a store that notes what is read.
#[derive(Debug)]
pub(super) struct Recorder<'a> {
    store: &'a dyn Store,
    set: Recorded,
    missing: Option<B256>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(store: &'a dyn Store, chain: &ChainConfig, input: &BatchInput) -> Self {
        let mut set = Recorded {
            input: *input,
            preimages: BTreeMap::new(),
            blobs: BTreeMap::new(),
        };
        set.insert(input.encode().into());
        set.insert(chain.encode().into());
        Self {
            store,
            set,
            missing: None,
        }
    }

    /// The preimage that the store lacked, if one was asked for.
    pub(super) const fn missing(&self) -> Option<B256> {
        self.missing
    }

    pub(super) fn into_recorded(self) -> Recorded {
        self.set
    }
}

impl Preimages for Recorder<'_> {
    type Error = StoreError;

    fn keccak(&mut self, hash: B256) -> Result<Bytes, StoreError> {
        if let Some(bytes) = self.set.preimages.get(&hash) {
            return Ok(bytes.clone());
        }
        let Some(bytes) = self.store.preimage(&hash)? else {
            self.missing = Some(hash);
            return Err(StoreError::Missing(hash));
        };
        self.set.preimages.insert(hash, bytes.clone());
        Ok(bytes)
    }

    fn blob_element(&mut self, versioned_hash: B256, index: u32) -> Result<B256, StoreError> {
        let missing = StoreError::MissingBlob(versioned_hash);
        if !self.set.blobs.contains_key(&versioned_hash) {
            let blob = self.store.blob(&versioned_hash)?;
            let blob = blob.ok_or(StoreError::MissingBlob(versioned_hash))?;
            self.set.blobs.insert(versioned_hash, blob);
        }
        let blob = self.set.blobs.get(&versioned_hash);
        blob.and_then(|blob| opening::element(blob, index))
            .ok_or(missing)
    }
}
