//! The L1 transaction that carries a batch.

use super::{
    BatchKind,
    pick::ClosedBatch,
    task::{Batcher, BatcherError, UnderWay},
};
use crate::engine::BatchTip;
use crate::l1::{TxKey, TxRequest};
use alloy::sol_types::SolCall;
use alloy_primitives::U256;
use trestle_contracts::bindings::inbox::Inbox::{appendBatchCall, appendBlobBatchCall};

impl Batcher {
    pub(super) async fn post(
        &mut self,
        posted: &BatchTip,
        closed: ClosedBatch,
    ) -> Result<(), BatcherError> {
        let index = posted.index.saturating_add(1);
        let request = self.request(posted, &closed)?;
        let ClosedBatch { batch, blobs } = closed;
        let taken = self.queue.iter().take(batch.blocks);
        let is_idle = taken.clone().all(|block| block.is_idle);
        let state = self.sender.submit(request).await?;
        self.under_way = Some(UnderWay {
            index,
            prev_acc: posted.acc,
            end_number: batch.end_number,
            end_hash: batch.end_hash,
            is_idle,
        });
        let (bytes, end) = (batch.payload.len(), batch.end_number);
        let blobs = blobs.map_or(0, |blobs| blobs.hashes().len());
        let kind = match blobs {
            0 => BatchKind::Calldata,
            _ => BatchKind::Blobs,
        };
        let (blocks, transactions) = (batch.blocks, batch.transactions);
        let kind = kind.name();
        tracing::info!(
            index,
            kind,
            blocks,
            transactions,
            bytes,
            blobs,
            end,
            ?state,
            "batch handed to l1"
        );
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        metrics::counter!("trestle_batcher_batches_total", "kind" => kind).increment(1);
        metrics::counter!("trestle_batcher_bytes_total", "kind" => kind).increment(count(bytes));
        metrics::counter!("trestle_batcher_blobs_total").increment(count(blobs));
        metrics::counter!("trestle_batcher_transactions_total").increment(count(transactions));
        Ok(())
    }

    fn request(&self, posted: &BatchTip, closed: &ClosedBatch) -> Result<TxRequest, BatcherError> {
        let index = posted.index.saturating_add(1);
        let batch = &closed.batch;
        let (deposit_to, deposit_acc) = match batch.deposits {
            Some(end) => end,
            None => (
                posted.deposit_to,
                self.source.deposit_acc(posted.deposit_to)?,
            ),
        };
        let data = match &closed.blobs {
            None => appendBatchCall {
                expectedIndex: index,
                expectedPrevBatchAcc: posted.acc,
                depositTo: deposit_to,
                expectedDepositAcc: deposit_acc,
                claimedEndBlockHash: batch.end_hash,
                payload: batch.payload.clone(),
            }
            .abi_encode(),
            Some(_) => appendBlobBatchCall {
                expectedIndex: index,
                expectedPrevBatchAcc: posted.acc,
                depositTo: deposit_to,
                expectedDepositAcc: deposit_acc,
                claimedEndBlockHash: batch.end_hash,
            }
            .abi_encode(),
        };
        Ok(TxRequest {
            key: batch_key(index),
            to: self.config.chain.inbox,
            data: data.into(),
            value: U256::ZERO,
            gas_limit: None,
            blobs: closed.blobs.clone(),
        })
    }
}

/// Key of batch `index` at the sender.
pub(super) fn batch_key(index: u64) -> TxKey {
    TxKey::numbered("batch", index)
}
