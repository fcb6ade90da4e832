//! Taking in what L1 says: entries, batches, reorgs, finality.

use super::{
    Chain, EngineError, L1BlockRef, L1Input, L1Ledger, L1Update, SeenBatch,
    batches::{Applied, apply_batch},
    confirming::Confirmed,
};
use crate::store::BlockRef;
use alloy_primitives::Bytes;
use trestle_protocol::QueuedEntry;

/// What an L1 update changed in the chain.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Block to which the chain was unwound, if it was.
    pub(super) unwound_to: Option<u64>,
    /// End of the newest final batch, if it moved.
    pub(super) finalized: Option<BlockRef>,
}

/// The chain together with what L1 said of it.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) chain: Chain,
    pub(super) ledger: L1Ledger,
    pub(super) genesis: BlockRef,
    /// Whether blocks may stand that no batch holds: on a sequencer, its own.
    pub(super) keeps_unsafe: bool,
}

impl Follower {
    /// Takes in one update; `confirmed` is what was found out about its batches before.
    ///
    /// # Errors
    /// When the store refuses, or the reader skips something; no content of L1 causes one.
    pub(super) fn take(
        &mut self,
        input: L1Input,
        confirmed: &[Confirmed],
    ) -> Result<Changes, EngineError> {
        let cursor = input.cursor;
        match input.update {
            L1Update::Block {
                block,
                entries,
                batches,
            } => {
                let changes = self.batches(block, &entries, &batches, confirmed)?;
                let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
                self.ledger.end_block(block, count, cursor)?;
                Ok(changes)
            }
            L1Update::Rewind { to } => self.rewind(to, cursor),
            L1Update::Finalized(block) => {
                let finalized = self.ledger.finalize(block, cursor)?;
                Ok(Changes {
                    finalized,
                    ..Changes::default()
                })
            }
        }
    }

    fn batches(
        &mut self,
        block: L1BlockRef,
        entries: &[QueuedEntry],
        batches: &[SeenBatch],
        confirmed: &[Confirmed],
    ) -> Result<Changes, EngineError> {
        let mut changes = Changes::default();
        self.ledger.add_entries(entries)?;
        for batch in batches {
            if batch.header.index <= self.ledger.tip().index {
                // Taken in before the disk refused the rest of this L1 block.
                continue;
            }
            let Applied { end, unwound_to } =
                apply_batch(&mut self.chain, &self.ledger, batch, confirmed)?;
            changes.unwound_to = changes.unwound_to.or(unwound_to);
            let reference = BlockRef {
                number: end.header.number,
                hash: end.hash,
            };
            self.ledger
                .add_batch(block, batch, reference, end.output().root())?;
        }
        Ok(changes)
    }

    /// Forgets L1 above `to`, and unwinds every block that consumed entries which are gone.
    fn rewind(&mut self, to: L1BlockRef, cursor: Bytes) -> Result<Changes, EngineError> {
        self.ledger.rewind(to, self.genesis, cursor)?;
        let head = self.chain.head().header.number;
        let keep = match self.keeps_unsafe {
            true => self.last_block_within(self.ledger.deposits())?,
            false => self.ledger.tip().end.number,
        };
        if keep >= head {
            return Ok(Changes::default());
        }
        self.chain.unwind(keep)?;
        Ok(Changes {
            unwound_to: Some(keep),
            ..Changes::default()
        })
    }

    /// The newest block before which no entry at or above `deposits` was consumed.
    fn last_block_within(&self, deposits: u64) -> Result<u64, EngineError> {
        let mut number = self.chain.head().header.number;
        while number > 0 && self.consumed_at(number)? > deposits {
            number -= 1;
        }
        Ok(number)
    }

    /// Queue position after block `number`.
    fn consumed_at(&self, number: u64) -> Result<u64, EngineError> {
        let view = self.chain.store().sequenced()?.state_at(number)?;
        super::chain::next_deposit(&view)
    }
}
