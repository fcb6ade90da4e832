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

#[cfg(test)]
mod tests {
    use super::*;
    use c_kzg::Bytes48;
    use serde_json::json;
    use trestle_test_support::Anvil;

    /// A blob of small numbers, its versioned hash, and the fields of a transaction that carries it.
    fn blob_and_sidecar(first: u8) -> (Bytes, B256, Value) {
        let mut bytes = vec![0; 131_072];
        bytes
            .chunks_exact_mut(32)
            .for_each(|element| element[31] = first);
        let commitment = commitment_of(&bytes).unwrap();
        let hash = versioned_hash(&commitment);
        let blob = Blob::from_bytes(&bytes).unwrap();
        let proof = ethereum_kzg_settings(0)
            .compute_blob_kzg_proof(&blob, &Bytes48::from(commitment))
            .unwrap();
        let fields = json!({
            "type": "0x3",
            "blobVersionedHashes": [hash],
            "blobs": [hex::encode_prefixed(&bytes)],
            "commitments": [hex::encode_prefixed(commitment)],
            "proofs": [hex::encode_prefixed(*proof.to_bytes())],
            "maxFeePerBlobGas": "0x3b9aca00",
        });
        (bytes.into(), hash, fields)
    }

    /// Sends a blob to anvil; its place, the blob, and its versioned hash.
    async fn sent(anvil: &Anvil) -> (BatchPlace, Bytes, B256) {
        let (blob, hash, mut tx) = blob_and_sidecar(7);
        let from: Vec<alloy_primitives::Address> = anvil.rpc("eth_accounts", ()).await.unwrap();
        tx["from"] = json!(from[0]);
        tx["to"] = json!(from[1]);
        let id: B256 = anvil.rpc("eth_sendTransaction", (tx,)).await.unwrap();
        let place = BatchPlace {
            batch: 1,
            number: block_of(anvil, id).await,
            time: 0,
        };
        (place, blob, hash)
    }

    /// Number of the block that a transaction is in, once it is in one.
    async fn block_of(anvil: &Anvil, id: B256) -> u64 {
        for _ in 0..600 {
            let receipt: Value = anvil.rpc("eth_getTransactionReceipt", (id,)).await.unwrap();
            if let Some(number) = receipt["blockNumber"].as_str() {
                return u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{id} is in no block after 30 s");
    }

    #[tokio::test]
    async fn blob_on_l1_comes_from_the_beacon_endpoint_and_another_is_refused() {
        let anvil = Anvil::start().unwrap();
        let (place, blob, hash) = sent(&anvil).await;
        let source = BlobSource {
            archive: None,
            beacon: Some((anvil.url(), BeaconIds::ExecutionNumbers)),
        };
        assert_eq!(source.blobs(place, &[hash]).await.unwrap(), [blob]);
        let (_, other, _) = blob_and_sidecar(8);
        let error = source.blobs(place, &[hash, other]).await.unwrap_err();
        assert!(
            matches!(error, HostError::Blob { batch: 1, versioned_hash, .. } if versioned_hash == other),
            "{error}"
        );
        let nowhere = BatchPlace {
            number: place.number + 1_000,
            ..place
        };
        assert!(source.blobs(nowhere, &[hash]).await.is_err());
    }

    #[tokio::test]
    async fn blob_of_an_archive_needs_no_endpoint_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let source = BlobSource {
            archive: Some(folder.path().into()),
            beacon: None,
        };
        let place = BatchPlace {
            batch: 3,
            number: 1,
            time: 1,
        };
        let (blob, hash, _) = blob_and_sidecar(9);
        let file = folder.path().join(hash.to_string());
        assert!(source.blobs(place, &[hash]).await.is_err());
        std::fs::write(&file, &blob).unwrap();
        assert_eq!(source.blobs(place, &[hash]).await.unwrap()[0], blob);
        let mut damaged = blob.to_vec();
        damaged[31] ^= 1;
        std::fs::write(&file, damaged).unwrap();
        let error = source.blobs(place, &[hash]).await.unwrap_err();
        assert!(error.to_string().contains("no blob endpoint"), "{error}");
    }
}
