//! Inputs of the transition by their hash: what an output root and a batch accumulator commit to.
//!
//! Nothing is trusted: each piece names the hash of the next. Missing or malformed pieces are the
//! host's failure, never part of the result. Spec: `SPEC.md`, section 9.

use crate::{
    BatchContent, BatchHeader, CHUNK_BYTES, OutputPreimage, QueueEntry, QueuedEntry, SealedHeader,
    blobs,
};
use alloc::vec::Vec;
use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable;

/// Where the prover's inputs come from.
pub trait Preimages {
    /// Why an input could not be delivered.
    type Error;

    /// The bytes whose Keccak-256 is `hash`.
    ///
    /// # Errors
    /// When the host does not have them.
    fn keccak(&mut self, hash: B256) -> Result<Bytes, Self::Error>;

    /// Field element `index` of a blob, 32 bytes big-endian.
    ///
    /// # Errors
    /// When the host does not have the blob.
    fn blob_element(&mut self, versioned_hash: B256, index: u32) -> Result<B256, Self::Error>;

    /// Whether this source holds every Keccak-256 preimage against its hash itself, as the judge of
    /// the machine does; [`Inputs`] then does not do it again.
    fn is_checked(&self) -> bool {
        false
    }
}

impl<P: Preimages + ?Sized> Preimages for &mut P {
    type Error = P::Error;

    fn keccak(&mut self, hash: B256) -> Result<Bytes, Self::Error> {
        (**self).keccak(hash)
    }

    fn blob_element(&mut self, versioned_hash: B256, index: u32) -> Result<B256, Self::Error> {
        (**self).blob_element(versioned_hash, index)
    }

    fn is_checked(&self) -> bool {
        (**self).is_checked()
    }
}

/// Why an input of the transition is unusable: the host's failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError<E> {
    /// The host does not have it.
    #[error("preimage unavailable")]
    Missing(#[source] E),
    /// The host's bytes hash to something else.
    #[error("preimage hashes to {got}, expected {expected}")]
    Lie {
        /// Hash asked for.
        expected: B256,
        /// Hash of what came.
        got: B256,
    },
    /// The bytes are right and are not what the hash should stand for.
    #[error("preimage of {hash} is no {kind}")]
    Malformed {
        /// Hash asked for.
        hash: B256,
        /// What it should stand for.
        kind: &'static str,
    },
}

/// Preimages with every Keccak-256 checked, here or by a source that says so.
#[derive(Debug)]
pub struct Inputs<P>(pub P);

type Input<T, P> = Result<T, InputError<<P as Preimages>::Error>>;

impl<P: Preimages> Inputs<P> {
    /// The checked bytes of a hash.
    ///
    /// # Errors
    /// [`InputError::Missing`] and [`InputError::Lie`].
    pub fn bytes(&mut self, hash: B256) -> Input<Bytes, P> {
        let bytes = self.0.keccak(hash).map_err(InputError::Missing)?;
        if self.0.is_checked() {
            return Ok(bytes);
        }
        let got = keccak256(&bytes);
        if got == hash {
            Ok(bytes)
        } else {
            Err(InputError::Lie {
                expected: hash,
                got,
            })
        }
    }

    /// What an output root commits to.
    ///
    /// # Errors
    /// Every [`InputError`].
    pub fn output(&mut self, root: B256) -> Input<OutputPreimage, P> {
        let bytes = self.bytes(root)?;
        OutputPreimage::decode(&bytes).ok_or(InputError::Malformed {
            hash: root,
            kind: "output root",
        })
    }

    /// A block header by its hash.
    ///
    /// # Errors
    /// Every [`InputError`].
    pub fn header(&mut self, hash: B256) -> Input<SealedHeader, P> {
        let bytes = self.bytes(hash)?;
        let header = Header::decode(&mut bytes.as_ref()).map_err(|_| InputError::Malformed {
            hash,
            kind: "block header",
        })?;
        Ok(SealedHeader { header, hash })
    }

    /// The two halves of an accumulator: what it was before, and the hash of the item.
    ///
    /// # Errors
    /// Every [`InputError`].
    pub fn accumulator(&mut self, acc: B256) -> Input<(B256, B256), P> {
        let bytes = self.bytes(acc)?;
        let halves = bytes.split_at_checked(32);
        halves
            .and_then(|(before, item)| {
                Some((B256::try_from(before).ok()?, B256::try_from(item).ok()?))
            })
            .ok_or(InputError::Malformed {
                hash: acc,
                kind: "accumulator",
            })
    }

    /// A batch header by its hash.
    ///
    /// # Errors
    /// Every [`InputError`].
    pub fn batch_header(&mut self, hash: B256) -> Input<BatchHeader, P> {
        let bytes = self.bytes(hash)?;
        BatchHeader::decode(&bytes).map_err(|_| InputError::Malformed {
            hash,
            kind: "batch header",
        })
    }

    /// The queue entries that a batch consumes, in order, found backwards from its accumulator.
    ///
    /// # Errors
    /// Every [`InputError`].
    pub fn entries(&mut self, header: &BatchHeader) -> Input<Vec<QueuedEntry>, P> {
        let mut acc = header.deposit_acc;
        let mut entries = Vec::new();
        for index in (header.deposit_from..header.deposit_to).rev() {
            let (before, hash) = self.accumulator(acc)?;
            let entry = self.entry(hash)?;
            entries.push(QueuedEntry { index, acc, entry });
            acc = before;
        }
        entries.reverse();
        Ok(entries)
    }

    fn entry(&mut self, hash: B256) -> Input<QueueEntry, P> {
        let bytes = self.bytes(hash)?;
        let data = match QueueEntry::data_commitment(&bytes) {
            Some((length, data)) => self.chunked(data, length)?,
            None => Bytes::new(),
        };
        QueueEntry::decode(&bytes, data).map_err(|_| InputError::Malformed {
            hash,
            kind: "queue entry",
        })
    }

    /// Data by its chunked hash and its length in bytes.
    ///
    /// # Errors
    /// Every [`InputError`].
    pub fn chunked(&mut self, hash: B256, length: u32) -> Input<Bytes, P> {
        let malformed = || InputError::Malformed {
            hash,
            kind: "list of chunk hashes",
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let list = self.bytes(hash)?;
        let mut data = Vec::new();
        for chunk in list.chunks(32) {
            let chunk = B256::try_from(chunk).map_err(|_| malformed())?;
            data.extend_from_slice(&self.bytes(chunk)?);
        }
        if data.len() != length || list.len() != length.div_ceil(CHUNK_BYTES).saturating_mul(32) {
            return Err(malformed());
        }
        Ok(Bytes::from(data))
    }

    /// The payload of a batch; `None` if it has none, or its blobs hold none.
    ///
    /// # Errors
    /// Every [`InputError`].
    pub fn payload(&mut self, content: &BatchContent) -> Input<Option<Bytes>, P> {
        match content {
            BatchContent::Calldata { hash, length } => self.chunked(*hash, *length).map(Some),
            BatchContent::Blobs(hashes) => {
                let element = |hash, index| self.0.blob_element(hash, index);
                blobs::read_payload(hashes, element).map_err(InputError::Missing)
            }
            BatchContent::Forced => Ok(None),
        }
    }
}
