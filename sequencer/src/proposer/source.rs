//! What can be proposed: the newest batch that is derived and final on L1.

use super::ProposerError;
use crate::{
    engine::{BatchRecord, BatchTip, Heads, read_batch},
    store::Store,
};
use alloy_primitives::{B256, Bytes};
use std::{fmt, sync::Arc};
use tokio::sync::watch;
use trestle_protocol::OutputPreimage;

/// A batch with all that a proposal of its output root needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provable {
    /// Index of the batch.
    pub batch: u64,
    /// The Inbox's accumulator after it.
    pub batch_acc: B256,
    /// Output root after it.
    pub output_root: B256,
    /// Storage root of the message passer in its last block.
    pub message_passer_root: B256,
    /// RLP of its last block's header.
    pub header: Bytes,
    /// Number of that block.
    pub block_number: u64,
}

/// Where the proposer gets the chain from.
pub trait ProposalSource: Send + Sync + fmt::Debug {
    /// The newest batch whose L1 block is final; `None` before the first.
    ///
    /// # Errors
    /// When the chain cannot be read.
    fn newest_final(&self) -> Result<Option<Provable>, ProposerError>;
}

/// The node's own chain.
#[derive(Debug)]
pub struct StoreProposals {
    store: Arc<Store>,
    tip: watch::Receiver<BatchTip>,
    heads: watch::Receiver<Heads>,
}

impl StoreProposals {
    /// The chain in `store`, whose engine publishes `tip` and `heads`.
    #[must_use]
    pub const fn new(
        store: Arc<Store>,
        tip: watch::Receiver<BatchTip>,
        heads: watch::Receiver<Heads>,
    ) -> Self {
        Self { store, tip, heads }
    }

    /// Walks back over the batches that are not final yet: as many as two L1 epochs hold.
    fn final_record(&self) -> Result<Option<(u64, BatchRecord)>, ProposerError> {
        let finalized = self.heads.borrow().l1_finalized.number;
        let mut index = self.tip.borrow().index;
        while index > 0 {
            match read_batch(&self.store, index)? {
                Some(record) if record.l1_number <= finalized => return Ok(Some((index, record))),
                _ => index = index.saturating_sub(1),
            }
        }
        Ok(None)
    }
}

impl ProposalSource for StoreProposals {
    fn newest_final(&self) -> Result<Option<Provable>, ProposerError> {
        let Some((batch, record)) = self.final_record()? else {
            return Ok(None);
        };
        let snapshot = self.store.durable()?;
        let Some(sealed) = snapshot.header(record.end_number)? else {
            // On its way to the disk.
            return Ok(None);
        };
        let preimage = OutputPreimage {
            state_root: sealed.header.state_root,
            message_passer_root: sealed.header.withdrawals_root.unwrap_or_default(),
            block_hash: sealed.hash,
        };
        if sealed.hash != record.end_hash || preimage.root() != record.output {
            return Err(ProposerError::Inconsistent {
                batch,
                expected: record.end_hash,
                got: sealed.hash,
            });
        }
        Ok(Some(Provable {
            batch,
            batch_acc: record.acc,
            output_root: record.output,
            message_passer_root: preimage.message_passer_root,
            header: alloy_rlp::encode(&sealed.header).into(),
            block_number: record.end_number,
        }))
    }
}
