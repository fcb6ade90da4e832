//! Far behind the tip: final blocks with events, found by ranges of logs.
//!
//! The ranges only say *where* the Inbox logged: each such block is then read by its hash like any
//! other, and an event that a range left out shows as a hole in the numbers.

use super::{L1Reader, ReaderError, Stop};
use crate::engine::L1Update;
use crate::l1::{
    RpcError,
    block::L1Header,
    chain::{KEPT_BLOCKS, Tracked},
};
use alloy::eips::BlockNumberOrTag;

impl L1Reader {
    /// Reads final history by ranges when `head` is far away; otherwise does nothing.
    pub(super) async fn catch_up_to(&mut self, head: &L1Header) -> Result<(), Stop> {
        let gap = u64::try_from(KEPT_BLOCKS).unwrap_or(u64::MAX);
        let tip = self.chain()?.tip().at;
        if head.at.number.saturating_sub(tip.number) <= gap {
            return Ok(());
        }
        let Some(goal) = self
            .client
            .header_tagged(BlockNumberOrTag::Finalized)
            .await?
        else {
            return Ok(());
        };
        if goal.at.number.saturating_sub(tip.number) <= gap {
            return Ok(());
        }
        self.rewind_to_canonical().await?;
        self.scan_to(&goal).await?;
        self.chain()?.finalize(goal.at.number);
        self.emit(L1Update::Finalized(goal.at)).await
    }

    /// Goes back to the newest remembered block that L1 still has: all below the goal are final.
    async fn rewind_to_canonical(&mut self) -> Result<(), Stop> {
        let known: Vec<Tracked> = self.chain()?.newest_first().copied().collect();
        for block in &known {
            let theirs = self
                .tagged(BlockNumberOrTag::Number(block.at.number))
                .await?;
            if theirs.at.hash == block.at.hash {
                return self.rewind_to(block.at.number).await;
            }
        }
        let base = self.chain()?.base().at;
        if self.chain()?.is_base_final() {
            let theirs = self
                .tagged(BlockNumberOrTag::Number(base.number))
                .await?
                .at
                .hash;
            let (number, ours) = (base.number, base.hash);
            return Err(ReaderError::FinalizedReorged {
                number,
                ours,
                theirs,
            }
            .into());
        }
        Err(ReaderError::FinalityConflict {
            number: base.number,
        }
        .into())
    }

    async fn scan_to(&mut self, goal: &L1Header) -> Result<(), Stop> {
        let mut range = self.config.max_range.max(1);
        let mut from = self.chain()?.tip().at.number.saturating_add(1);
        while from <= goal.at.number {
            let to = from
                .saturating_add(range)
                .saturating_sub(1)
                .min(goal.at.number);
            let found = self
                .client
                .blocks_with_logs(self.config.inbox, from, to)
                .await;
            let blocks = match found {
                Ok(blocks) => blocks,
                Err(error) if range > 1 && is_too_much(&error) => {
                    range /= 2;
                    tracing::info!(range, %error, "asking l1 for a shorter range");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for (number, hash) in blocks {
                if number < from || number > to {
                    continue;
                }
                let header = self.client.header_by_hash(hash).await?;
                self.take(&header).await?;
            }
            tracing::info!(from, to, goal = goal.at.number, "read l1 history");
            from = to.saturating_add(1);
            range = range.saturating_mul(2).min(self.config.max_range.max(1));
        }
        if self.chain()?.tip().at.number < goal.at.number {
            self.take(goal).await?;
        }
        Ok(())
    }
}

/// Whether a shorter range may help: endpoints bound the blocks, the logs or the time of a query,
/// each in words of its own.
fn is_too_much(error: &RpcError) -> bool {
    matches!(
        error,
        RpcError::Refused { .. } | RpcError::Timeout { .. } | RpcError::Malformed { .. }
    )
}
