//! L1 blocks as the endpoint gives them, checked as far as their hash reaches.
//!
//! A header must hash to its hash; its bloom then says for certain where the Inbox was silent, and its
//! receipts root proves the logs where it was not. A payload is proven by the batch header. So the
//! endpoint is believed for one thing only: which block is the newest of the chain.

use super::{BlobError, BlobPlace, BlobSource, L1Client, RpcError, inbox::FoundBatch};
use crate::engine::{L1BlockRef, SeenBatch};
use alloy::{
    consensus::proofs::calculate_receipt_root,
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bloom, BloomInput, Bytes, U64},
    rpc::types::{Filter, Header, Log, TransactionReceipt},
};
use serde::Deserialize;
use trestle_protocol::{BatchContent, blobs::read_payload, chunked_hash};

/// Place of the payload in the input of `appendBatch`: selector, six words of head, length.
const PAYLOAD_OFFSET: usize = 228;

/// An L1 block header whose hash was recomputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct L1Header {
    pub(super) at: L1BlockRef,
    pub(super) parent: B256,
    bloom: Bloom,
    receipts_root: B256,
}

/// Why a block of L1 cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// L1 could not be asked.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The endpoint has no such block, or not any more.
    #[error("l1 endpoint has no block {id}")]
    Missing {
        /// Number, tag or hash asked for.
        id: String,
    },
    /// The header does not hash to what the endpoint says, or is another than asked for.
    #[error("l1 block {number} does not hash to {claimed}")]
    HeaderHash {
        /// Its number.
        number: u64,
        /// Hash that the endpoint gives or was asked for.
        claimed: B256,
    },
    /// The receipts are not those that the header commits to.
    #[error("receipts of l1 block {number} do not match its header")]
    Receipts {
        /// Its number.
        number: u64,
    },
    /// Blobs of a batch cannot be had.
    #[error("batch {index}: {source}")]
    Blobs {
        /// Number of the batch.
        index: u64,
        /// Which blob, and what every source said.
        source: BlobError,
    },
    /// The transaction at the batch's place does not carry its payload.
    #[error("payload of batch {index} does not match its header")]
    Payload {
        /// Number of the batch.
        index: u64,
    },
}

#[derive(Debug, Deserialize)]
struct TransactionInput {
    input: Bytes,
}

impl L1Client {
    /// The header with this tag; `None` where L1 has no such block yet.
    pub(super) async fn header_tagged(
        &self,
        tag: BlockNumberOrTag,
    ) -> Result<Option<L1Header>, BlockError> {
        let header = self.call("eth_getBlockByNumber", (tag, false)).await;
        match header {
            Ok(header) => Option::map(header, checked).transpose(),
            // geth's way of saying that nothing is final yet.
            Err(error) if error.refusal().contains("finalized block not found") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The header with this hash.
    pub(super) async fn header_by_hash(&self, hash: B256) -> Result<L1Header, BlockError> {
        let header: Option<Header> = self.call("eth_getBlockByHash", (hash, false)).await?;
        let header = header.ok_or_else(|| BlockError::Missing {
            id: hash.to_string(),
        })?;
        let header = checked(header)?;
        if header.at.hash != hash {
            return Err(BlockError::HeaderHash {
                number: header.at.number,
                claimed: hash,
            });
        }
        Ok(header)
    }

    /// Every log of `address` in the block, in order, proven by the receipts root.
    pub(super) async fn logs_of(
        &self,
        header: &L1Header,
        address: Address,
    ) -> Result<Vec<Log>, BlockError> {
        if !header
            .bloom
            .contains_input(BloomInput::Raw(address.as_slice()))
        {
            return Ok(Vec::new());
        }
        let (hash, number) = (header.at.hash, header.at.number);
        let receipts: Option<Vec<TransactionReceipt>> =
            match self.call("eth_getBlockReceipts", (hash,)).await {
                Err(error) if error.is_unknown_method() => {
                    // Without receipts the accumulators alone vouch for the logs.
                    let filter = Filter::new().at_block_hash(hash).address(address);
                    return Ok(self.call("eth_getLogs", (filter,)).await?);
                }
                receipts => receipts?,
            };
        let receipts = receipts.ok_or_else(|| BlockError::Missing {
            id: hash.to_string(),
        })?;
        let logs = receipts.iter().flat_map(|receipt| receipt.logs().iter());
        let logs = logs
            .filter(|log| log.address() == address)
            .cloned()
            .collect();
        let plain: Vec<_> = receipts
            .into_iter()
            .map(|receipt| receipt.into_primitives_receipt().inner)
            .collect();
        if calculate_receipt_root(&plain) != header.receipts_root {
            return Err(BlockError::Receipts { number });
        }
        Ok(logs)
    }

    /// Hashes of the blocks in `from..=to` in which `address` logged anything, by number.
    pub(super) async fn blocks_with_logs(
        &self,
        address: Address,
        from: u64,
        to: u64,
    ) -> Result<Vec<(u64, B256)>, RpcError> {
        let filter = Filter::new().address(address).from_block(from).to_block(to);
        let logs: Vec<Log> = self.call("eth_getLogs", (filter,)).await?;
        let mut blocks: Vec<_> = logs
            .iter()
            .filter_map(|log| Some((log.block_number?, log.block_hash?)))
            .collect();
        blocks.sort_unstable();
        blocks.dedup();
        Ok(blocks)
    }

    /// A batch found in `block`, with its payload.
    pub(super) async fn with_payload(
        &self,
        at: &L1BlockRef,
        found: FoundBatch,
        blobs: &BlobSource,
    ) -> Result<SeenBatch, BlockError> {
        let block = at.hash;
        let payload = match &found.header.content {
            BatchContent::Calldata { hash, length } => {
                let params = (block, U64::from(found.tx_index));
                let tx: Option<TransactionInput> = self
                    .call("eth_getTransactionByBlockHashAndIndex", params)
                    .await?;
                let tx = tx.ok_or_else(|| BlockError::Missing {
                    id: block.to_string(),
                })?;
                let index = found.header.index;
                Some(payload_in(&tx.input, *hash, *length).ok_or(BlockError::Payload { index })?)
            }
            BatchContent::Blobs(hashes) => {
                let (index, number, time) = (found.header.index, at.number, at.time);
                let blobs = blobs.blobs(BlobPlace { number, time }, hashes).await;
                let blobs = blobs.map_err(|source| BlockError::Blobs { index, source })?;
                payload_of_blobs(hashes, &blobs)
            }
            BatchContent::Forced => None,
        };
        Ok(SeenBatch {
            header: found.header,
            acc: found.acc,
            payload,
        })
    }
}

/// The payload that the blobs with these hashes carry, each 131,072 bytes long; `None` where they carry none.
fn payload_of_blobs(hashes: &[B256], blobs: &[Bytes]) -> Option<Bytes> {
    let element = |hash: B256, index: u32| {
        let named = hashes.iter().zip(blobs).find(|(name, _)| **name == hash);
        let start = usize::try_from(index).ok()?.checked_mul(32)?;
        named?.1.get(start..)?.first_chunk::<32>().map(B256::from)
    };
    let element = |hash, index| element(hash, index).ok_or(());
    read_payload(hashes, element).ok().flatten()
}

fn payload_in(input: &Bytes, hash: B256, length: u32) -> Option<Bytes> {
    let end = PAYLOAD_OFFSET.checked_add(usize::try_from(length).ok()?)?;
    let payload = input.get(PAYLOAD_OFFSET..end)?;
    (chunked_hash(payload) == hash).then(|| input.slice(PAYLOAD_OFFSET..end))
}

fn checked(header: Header) -> Result<L1Header, BlockError> {
    let (claimed, number) = (header.hash, header.inner.number);
    if header.inner.hash_slow() != claimed {
        return Err(BlockError::HeaderHash { number, claimed });
    }
    Ok(L1Header {
        at: L1BlockRef {
            number,
            hash: claimed,
            time: header.inner.timestamp,
        },
        parent: header.inner.parent_hash,
        bloom: header.inner.logs_bloom,
        receipts_root: header.inner.receipts_root,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_taken_from_its_place_and_checked() {
        let mut input = vec![1u8; PAYLOAD_OFFSET];
        input.extend([2u8; 40]);
        let input = Bytes::from(input);
        let hash = chunked_hash(&[2; 33]);
        assert_eq!(payload_in(&input, hash, 33), Some(Bytes::from(vec![2; 33])));
        assert_eq!(payload_in(&input, hash, 32), None);
        assert_eq!(payload_in(&input, hash, 41), None);
        assert_eq!(payload_in(&Bytes::new(), hash, 33), None);
    }
}
