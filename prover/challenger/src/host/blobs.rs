//! Blobs: where they come from, and what opens them.
//!
//! A blob is believed when its commitment hashes to its name, whoever gave it. Beacon nodes drop blobs after
//! about 18 days, so what was fetched once stays in the follower's store.

use super::HostError;
use alloy_primitives::{B256, Bytes, hex};
use c_kzg::{Blob, Bytes32, ethereum_kzg_settings};
use serde_json::Value;
use std::path::PathBuf;
use trestle_vm::{BLOB_LEN, BlobProof, brp_root};

/// How a beacon endpoint names the block of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeaconIds {
    /// By slot, as a beacon node does: `(time − genesis) / seconds per slot`.
    Slots {
        /// Time of slot 0, in seconds.
        genesis_time: u64,
        /// Length of a slot, in seconds, at least 1.
        seconds_per_slot: u64,
    },
    /// By the number of the execution block, as anvil does.
    ExecutionNumbers,
}

/// Where blobs come from: a folder of files named by versioned hash, then a beacon endpoint.
#[derive(Debug, Clone, Default)]
pub struct BlobSource {
    /// Folder of an archive: files of 131,072 bytes, named by versioned hash with 0x.
    pub archive: Option<PathBuf>,
    /// URL of a beacon endpoint, and how it names blocks.
    pub beacon: Option<(String, BeaconIds)>,
}

/// The place of a batch on L1.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchPlace {
    pub(super) batch: u64,
    pub(super) number: u64,
    pub(super) time: u64,
}

impl BlobSource {
    /// The blobs of a batch, in the order of `hashes`, each held against its name.
    pub(super) async fn blobs(
        &self,
        place: BatchPlace,
        hashes: &[B256],
    ) -> Result<Vec<Bytes>, HostError> {
        let mut blobs = Vec::with_capacity(hashes.len());
        for hash in hashes {
            let blob = match self.archived(hash) {
                Some(blob) => blob,
                None => self
                    .fetch(place, hash)
                    .await
                    .map_err(|reason| HostError::Blob {
                        batch: place.batch,
                        versioned_hash: *hash,
                        reason,
                    })?,
            };
            blobs.push(blob);
        }
        Ok(blobs)
    }

    fn archived(&self, hash: &B256) -> Option<Bytes> {
        let path = self.archive.as_ref()?.join(hash.to_string());
        let blob = Bytes::from(std::fs::read(path).ok()?);
        is_blob(&blob, hash).then_some(blob)
    }

    async fn fetch(&self, place: BatchPlace, hash: &B256) -> Result<Bytes, String> {
        let (url, ids) = self
            .beacon
            .as_ref()
            .ok_or("no blob endpoint is configured")?;
        let id = ids.id(place);
        let url = format!(
            "{}/eth/v1/beacon/blobs/{id}?versioned_hashes={hash}",
            url.trim_end_matches('/')
        );
        let answer = reqwest::get(&url)
            .await
            .map_err(|error| error.to_string())?;
        let body: Value = answer.json().await.map_err(|error| error.to_string())?;
        let items = body.get("data").and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(|item| item.as_str().or_else(|| item.get("blob")?.as_str()))
            .filter_map(|text| hex::decode(text).ok().map(Bytes::from))
            .find(|blob| is_blob(blob, hash))
            .ok_or_else(|| format!("the endpoint has no such blob at block {id}"))
    }
}

impl BeaconIds {
    fn id(&self, place: BatchPlace) -> u64 {
        match self {
            Self::Slots {
                genesis_time,
                seconds_per_slot,
            } => place
                .time
                .saturating_sub(*genesis_time)
                .checked_div(*seconds_per_slot)
                .unwrap_or_default(),
            Self::ExecutionNumbers => place.number,
        }
    }
}

fn is_blob(blob: &[u8], hash: &B256) -> bool {
    commitment_of(blob).is_some_and(|commitment| versioned_hash(&commitment) == *hash)
}

/// The KZG commitment of a blob; `None` when the bytes are no blob.
#[must_use]
pub fn commitment_of(blob: &[u8]) -> Option<[u8; 48]> {
    let blob = Blob::from_bytes(blob).ok()?;
    let commitment = ethereum_kzg_settings(0)
        .blob_to_kzg_commitment(&blob)
        .ok()?;
    Some(*commitment.to_bytes())
}

/// The versioned hash of a commitment: SHA-256 with the first byte replaced by 1 (EIP-4844).
#[must_use]
pub fn versioned_hash(commitment: &[u8; 48]) -> B256 {
    alloy::eips::eip4844::kzg_to_versioned_hash(commitment)
}

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
