//! The inputs of a batch from a running node of L2, which is believed nothing.
//!
//! The batch itself, its accumulators and the configuration come from L1 and from one's own files; of the node
//! comes the state that the batch reads. Each piece is held against the hash it is given under, and the transition is run
//! over them: a piece that is wrong has another hash, and one that is left out is found missing.
//! Only the output root before the batch is the node's word, unless the caller knows it: what is proven is where
//! the batch leads from there.

use super::{
    Additions, BatchRecord, L1Batch, MemoryStore, Recorded, Store, StoreError, follower::blobs_of,
    recorded::Recorder,
};
use alloy::transports::http::reqwest;
use alloy_primitives::{B256, Bytes, U64, keccak256};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use trestle_guest::{BatchInput, Failure, prove};
use trestle_protocol::ChainConfig;

/// Longest answer that is read, in bytes; a node sends at most 160 MiB.
const MOST_BYTES: usize = 192 << 20;
/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why a node did not give the inputs of a batch.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// It could not be reached, or broke off.
    #[error("replica: {0}")]
    Http(#[source] reqwest::Error),
    /// It answered with an error.
    #[error("replica: {message} ({code})")]
    Refused {
        /// JSON-RPC error code.
        code: i64,
        /// Its words.
        message: String,
    },
    /// Its answer is too long.
    #[error("replica: the answer has more than {MOST_BYTES} bytes")]
    TooLong,
    /// Its answer is of another shape.
    #[error("replica: the answer cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It speaks of another chain, batch or state than L1 does.
    #[error("replica: {what} batch {batch} is {got}, expected {expected}")]
    Differs {
        /// What differs.
        what: &'static str,
        /// Number of the batch.
        batch: u64,
        /// As L1, or what follows from it, has it.
        expected: B256,
        /// As the node has it.
        got: B256,
    },
    /// A preimage is none.
    #[error("replica: the preimage given for {hash} hashes to {got}")]
    Lie {
        /// Hash that it is given under.
        hash: B256,
        /// Hash that it has.
        got: B256,
    },
    /// A preimage that the batch reads is not in the answer.
    #[error("replica: batch {batch} reads the preimage of {hash}, which the answer lacks")]
    Lacks {
        /// Number of the batch.
        batch: u64,
        /// Hash of the preimage.
        hash: B256,
    },
    /// The preimages are right and lead nowhere: the output root before the batch stands for no state.
    #[error("replica: batch {batch} has no result over its answer: {source}")]
    Transition {
        /// Number of the batch.
        batch: u64,
        /// Why.
        source: Box<Failure<StoreError>>,
    },
    /// What came could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a node says of a batch: `trestle_batchPreimages`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaAnswer {
    config_hash: B256,
    output_before: B256,
    output_after: B256,
    batch_acc_before: B256,
    batch_acc_after: B256,
    preimages: BTreeMap<B256, Bytes>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    result: Option<ReplicaAnswer>,
    error: Option<ReplyError>,
}

#[derive(Debug, Deserialize)]
struct ReplyError {
    code: i64,
    message: String,
}

impl ReplicaAnswer {
    /// Asks the node at `url`, whose operator sees the payload of the batch and nothing else.
    ///
    /// # Errors
    /// [`ReplicaError`]; the URL is in none of them.
    pub async fn ask(url: &str, batch: &L1Batch) -> Result<Self, ReplicaError> {
        let http = |error: reqwest::Error| ReplicaError::Http(error.without_url());
        let index = U64::from(batch.header.index);
        let request = serde_json::json!({
            "jsonrpc": "2.0", "id": 1, "method": "trestle_batchPreimages",
            "params": (index, batch.payload_bytes()),
        });
        let client = reqwest::Client::new();
        let request = client
            .post(url)
            .header("content-type", "application/json")
            .body(request.to_string())
            .timeout(TIMEOUT);
        let mut response = request.send().await.map_err(http)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(http)? {
            if body.len().saturating_add(chunk.len()) > MOST_BYTES {
                return Err(ReplicaError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        if let Err(error) = response.error_for_status_ref() {
            return Err(http(error));
        }
        let reply: Reply = serde_json::from_slice(&body)?;
        match (reply.result, reply.error) {
            (Some(answer), None) => Ok(answer),
            (_, Some(ReplyError { code, message })) => Err(ReplicaError::Refused { code, message }),
            (None, None) => Err(ReplicaError::Refused {
                code: 0,
                message: "the answer is empty".to_owned(),
            }),
        }
    }

    /// The output root before the batch, as the node says.
    #[must_use]
    pub const fn output_before(&self) -> B256 {
        self.output_before
    }

    /// The inputs of the batch as a proof reads them, and the output root that it leads to.
    ///
    /// # Errors
    /// [`ReplicaError`]: what in the answer is wrong or missing.
    pub fn inputs(
        &self,
        chain: &ChainConfig,
        batch: &L1Batch,
        output_before: Option<B256>,
    ) -> Result<(Recorded, B256), ReplicaError> {
        let index = batch.header.index;
        let input = BatchInput {
            config_hash: chain.hash(),
            output_before: output_before.unwrap_or(self.output_before),
            batch_acc_before: batch.acc_before,
            batch_acc_after: batch.position.batch_acc,
        };
        self.check(index, &input)?;
        let store = self.store(batch)?;
        let mut recorder = Recorder::new(&store, chain, &input);
        let output = prove(input.hash(), &mut recorder);
        let output = output.map_err(|source| match recorder.missing() {
            Some(hash) => ReplicaError::Lacks { batch: index, hash },
            None => ReplicaError::Transition {
                batch: index,
                source: Box::new(source),
            },
        })?;
        same("the output root after", index, output, self.output_after)?;
        Ok((recorder.into_recorded(), output))
    }

    fn check(&self, batch: u64, input: &BatchInput) -> Result<(), ReplicaError> {
        let all = [
            ("the configuration of", input.config_hash, self.config_hash),
            (
                "the output root before",
                input.output_before,
                self.output_before,
            ),
            (
                "the accumulator before",
                input.batch_acc_before,
                self.batch_acc_before,
            ),
            (
                "the accumulator after",
                input.batch_acc_after,
                self.batch_acc_after,
            ),
        ];
        for (what, expected, got) in all {
            same(what, batch, expected, got)?;
        }
        for (hash, bytes) in &self.preimages {
            let got = keccak256(bytes);
            if got != *hash {
                return Err(ReplicaError::Lie { hash: *hash, got });
            }
        }
        Ok(())
    }

    /// What L1 and the node give, in one place.
    fn store(&self, batch: &L1Batch) -> Result<MemoryStore, StoreError> {
        let mut preimages = batch.preimages();
        preimages.extend(self.preimages.values().cloned());
        let additions = Additions {
            preimages,
            blobs: blobs_of(batch),
        };
        let record = BatchRecord {
            output_root: self.output_after,
            block_hash: B256::ZERO,
            block_number: 0,
            position: batch.position,
        };
        let store = MemoryStore::default();
        store.append(&record, additions)?;
        Ok(store)
    }
}

fn same(what: &'static str, batch: u64, expected: B256, got: B256) -> Result<(), ReplicaError> {
    if expected == got {
        return Ok(());
    }
    Err(ReplicaError::Differs {
        what,
        batch,
        expected,
        got,
    })
}
