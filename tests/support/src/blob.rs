//! Blob transactions for an L1 under test: a blob of bytes, its name, and a transaction that carries it.

use alloy::{
    eips::eip4844::kzg_to_versioned_hash,
    primitives::{Address, B256, hex},
    rpc::types::TransactionReceipt,
    transports::{TransportErrorKind, TransportResult},
};
use c_kzg::{Blob, Bytes48, ethereum_kzg_settings};
use serde_json::{Value, json};
use std::time::Duration;

use crate::Anvil;

/// Length of a blob in bytes.
const BLOB_BYTES: usize = 131_072;

/// A blob with all that a transaction says about it.
#[derive(Debug, Clone)]
pub struct TestBlob {
    /// 131,072 bytes.
    pub bytes: Vec<u8>,
    /// Its versioned hash.
    pub hash: B256,
    commitment: Vec<u8>,
    proof: Vec<u8>,
}

impl TestBlob {
    /// The blob whose field elements are all `element`.
    ///
    /// # Errors
    /// None with the settings that the library has; its own words otherwise.
    pub fn of(element: u8) -> Result<Self, c_kzg::Error> {
        let mut bytes = vec![0; BLOB_BYTES];
        bytes.chunks_exact_mut(32).for_each(|place| {
            if let Some(last) = place.last_mut() {
                *last = element;
            }
        });
        Self::new(bytes)
    }

    /// The blob of these bytes: 4,096 field elements.
    ///
    /// # Errors
    /// When they are no blob.
    pub fn new(bytes: Vec<u8>) -> Result<Self, c_kzg::Error> {
        let settings = ethereum_kzg_settings(0);
        let blob = Blob::from_bytes(&bytes)?;
        let commitment = settings.blob_to_kzg_commitment(&blob)?.to_bytes();
        let proof = settings.compute_blob_kzg_proof(&blob, &Bytes48::from(*commitment))?;
        Ok(Self {
            bytes,
            hash: kzg_to_versioned_hash(commitment.as_slice()),
            commitment: commitment.to_vec(),
            proof: proof.to_bytes().to_vec(),
        })
    }

    /// The fields of a transaction that carries `blobs`, without sender, recipient and input.
    #[must_use]
    pub fn transaction(blobs: &[Self]) -> Value {
        let all = |of: fn(&Self) -> &Vec<u8>| -> Vec<String> {
            blobs
                .iter()
                .map(|blob| hex::encode_prefixed(of(blob)))
                .collect()
        };
        json!({
            "type": "0x3",
            "blobVersionedHashes": blobs.iter().map(|blob| blob.hash).collect::<Vec<_>>(),
            "blobs": all(|blob| &blob.bytes),
            "commitments": all(|blob| &blob.commitment),
            "proofs": all(|blob| &blob.proof),
            "maxFeePerBlobGas": "0x3b9aca00",
        })
    }
}

impl Anvil {
    /// Sends a transaction that carries `blobs` and does nothing else, and waits for its receipt.
    ///
    /// # Errors
    /// As [`Self::rpc`]; also when it is in no block after half a minute.
    pub async fn send_blobs(&self, blobs: &[TestBlob]) -> TransportResult<TransactionReceipt> {
        let accounts: Vec<Address> = self.rpc("eth_accounts", ()).await?;
        let mut tx = TestBlob::transaction(blobs);
        if let (Some(fields), [from, to, ..]) = (tx.as_object_mut(), accounts.as_slice()) {
            fields.insert("from".into(), json!(from));
            fields.insert("to".into(), json!(to));
        }
        let id: B256 = self.rpc("eth_sendTransaction", (tx,)).await?;
        for _ in 0..600 {
            if let Some(receipt) = self.rpc("eth_getTransactionReceipt", (id,)).await? {
                return Ok(receipt);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(TransportErrorKind::custom_str("anvil does not mine it"))
    }
}
