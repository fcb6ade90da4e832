//! Blobs: where they come from, and what makes them believed.
//!
//! A blob is believed when its commitment hashes to its name (EIP-4844), whoever gave it. Beacon nodes drop blobs
//! after about 18 days; a folder of an archive, or the archive's own endpoint, has older ones.

use super::beacon::BeaconClient;
use super::kzg;
use alloy::primitives::{B256, Bytes};
use c_kzg::Blob;
use std::path::PathBuf;

/// Length of a blob in bytes: 4,096 field elements of 32.
pub const BLOB_BYTES: usize = 131_072;

/// Where blobs come from: a folder of files named by versioned hash, then beacon endpoints in turn.
#[derive(Debug, Clone, Default)]
pub struct BlobSource {
    /// Folder of an archive: files of 131,072 bytes, named by versioned hash with 0x.
    pub archive: Option<PathBuf>,
    /// Beacon endpoints, asked in this order.
    pub beacons: Vec<BeaconClient>,
}

/// The L1 block that carried a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobPlace {
    /// Its number.
    pub number: u64,
    /// Its timestamp in seconds since 1970.
    pub time: u64,
}

/// No source has a blob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "blob {versioned_hash} of l1 block {number} (time {time}) is not to be had: {tried}; beacon nodes drop blobs after about 18 days, an archive keeps them"
)]
pub struct BlobError {
    /// Its versioned hash.
    pub versioned_hash: B256,
    /// Number of the L1 block that carried it.
    pub number: u64,
    /// Timestamp of that block, in seconds since 1970.
    pub time: u64,
    /// What each source answered.
    pub tried: String,
}

impl BlobSource {
    /// The blobs of one L1 block with these versioned hashes, in their order, each held against its name.
    ///
    /// # Errors
    /// [`BlobError`] for the first that no source has.
    pub async fn blobs(&self, place: BlobPlace, hashes: &[B256]) -> Result<Vec<Bytes>, BlobError> {
        let mut blobs = Vec::with_capacity(hashes.len());
        for hash in hashes {
            blobs.push(self.blob(place, *hash).await?);
        }
        Ok(blobs)
    }

    /// The blob with this versioned hash, held against it.
    ///
    /// # Errors
    /// [`BlobError`] when no source has it.
    pub async fn blob(&self, place: BlobPlace, hash: B256) -> Result<Bytes, BlobError> {
        if let Some(blob) = self.archived(hash).await {
            return Ok(blob);
        }
        let mut tried = Vec::new();
        for beacon in &self.beacons {
            match beacon.blob(place, hash).await {
                Ok(blob) => return Ok(blob),
                Err(error) => tried.push(format!("{} {error}", beacon.host())),
            }
        }
        if tried.is_empty() {
            tried.push("no blob endpoint is configured".into());
        }
        Err(BlobError {
            versioned_hash: hash,
            number: place.number,
            time: place.time,
            tried: tried.join(", "),
        })
    }

    async fn archived(&self, hash: B256) -> Option<Bytes> {
        let path = self.archive.as_ref()?.join(hash.to_string());
        let read = move || {
            let blob = Bytes::from(std::fs::read(path).ok()?);
            is_blob(&blob, hash).then_some(blob)
        };
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }
}

/// Whether these bytes are the blob that `hash` names. Takes some 50 ms, and seconds the first time in a process.
#[must_use]
pub fn is_blob(blob: &[u8], hash: B256) -> bool {
    commitment_of(blob).is_some_and(|commitment| versioned_hash(&commitment) == hash)
}

/// The KZG commitment of a blob; `None` when the bytes are no blob.
#[must_use]
pub fn commitment_of(blob: &[u8]) -> Option<[u8; 48]> {
    let blob = Blob::from_bytes(blob).ok()?;
    let commitment = kzg::for_checks().blob_to_kzg_commitment(&blob).ok()?;
    Some(*commitment.to_bytes())
}

/// The versioned hash of a commitment: SHA-256 with the first byte replaced by 1 (EIP-4844).
#[must_use]
pub fn versioned_hash(commitment: &[u8; 48]) -> B256 {
    alloy::eips::eip4844::kzg_to_versioned_hash(commitment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use trestle_test_support::{Anvil, TestBlob};

    fn beacon(url: &str) -> BeaconClient {
        BeaconClient::new(url.parse().unwrap(), Duration::from_secs(20))
    }

    #[tokio::test]
    async fn blob_on_l1_comes_from_the_endpoint_that_has_it_and_another_is_refused() {
        let anvil = Anvil::start().unwrap();
        let (blob, other) = (TestBlob::of(7).unwrap(), TestBlob::of(8).unwrap());
        let receipt = anvil.send_blobs(std::slice::from_ref(&blob)).await.unwrap();
        let place = BlobPlace {
            number: receipt.block_number.unwrap(),
            time: 5,
        };
        let source = BlobSource {
            archive: None,
            beacons: vec![beacon("http://127.0.0.1:1"), beacon(&anvil.url())],
        };
        assert_eq!(
            source.blobs(place, &[blob.hash]).await.unwrap(),
            [blob.bytes]
        );
        let error = source
            .blobs(place, &[blob.hash, other.hash])
            .await
            .unwrap_err();
        assert_eq!(
            (error.versioned_hash, error.number),
            (other.hash, place.number)
        );
        for word in ["127.0.0.1:1 unreachable", "has no such blob", "time 5"] {
            assert!(error.to_string().contains(word), "{error}");
        }
        let nowhere = BlobPlace {
            number: place.number + 1_000,
            ..place
        };
        let error = source.blobs(nowhere, &[blob.hash]).await.unwrap_err();
        assert!(error.to_string().contains("http status 404"), "{error}");
    }

    #[tokio::test]
    async fn blob_of_an_archive_needs_no_endpoint_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let source = BlobSource {
            archive: Some(folder.path().into()),
            beacons: Vec::new(),
        };
        let place = BlobPlace { number: 1, time: 1 };
        let blob = TestBlob::of(9).unwrap();
        let file = folder.path().join(blob.hash.to_string());
        assert!(source.blob(place, blob.hash).await.is_err());
        std::fs::write(&file, &blob.bytes).unwrap();
        assert_eq!(source.blob(place, blob.hash).await.unwrap(), blob.bytes);
        let mut damaged = blob.bytes.clone();
        damaged[31] ^= 1;
        std::fs::write(&file, damaged).unwrap();
        let error = source.blob(place, blob.hash).await.unwrap_err();
        assert!(error.to_string().contains("no blob endpoint"), "{error}");
    }
}
