//! Near the tip: every block by its hash, linked to its parent.

use super::{L1Reader, ReaderError, Stop};
use crate::{
    engine::L1Update,
    l1::{block::L1Header, chain::RecentChain, inbox::InboxState},
};
use alloy::eips::BlockNumberOrTag;

/// Where a new head joins what we know.
enum Joint {
    /// On a block that we know: the rest of the way, oldest first.
    Known { ancestor: u64, path: Vec<L1Header> },
    /// Nothing new: the endpoint is behind what it said before.
    Behind,
    /// Before everything that we know, none of which was final: reading starts over.
    StartOver,
}

impl L1Reader {
    /// Moves to `head`, over a reorg if need be.
    pub(super) async fn follow(&mut self, head: L1Header) -> Result<(), Stop> {
        match self.join(head).await? {
            Joint::Behind => {
                tracing::debug!(head = head.at.number, "l1 endpoint is behind its own past");
                Ok(())
            }
            Joint::StartOver => {
                let start = self.start().await?;
                tracing::warn!(
                    number = start.number,
                    "l1 replaced the block that reading began at"
                );
                self.chain = Some(RecentChain::new(start, InboxState::default()));
                self.accs.rewind(&InboxState::default());
                self.emit(L1Update::Rewind { to: start }).await
            }
            Joint::Known { ancestor, path } => {
                self.rewind_to(ancestor).await?;
                for header in path {
                    self.take(&header).await?;
                }
                Ok(())
            }
        }
    }

    async fn join(&mut self, head: L1Header) -> Result<Joint, ReaderError> {
        let (base, tip) = (self.chain()?.base().at, self.chain()?.tip().at);
        if head.at.number < base.number {
            return Err(ReaderError::Lagging {
                head: head.at.number,
                known: base.number,
            });
        }
        let known = self.chain()?.at(head.at.number).map(|block| block.at.hash);
        if known == Some(head.at.hash) && head.at.number < tip.number {
            return Ok(Joint::Behind);
        }
        let mut path = Vec::new();
        let mut oldest = head;
        loop {
            let Some(below) = oldest
                .at
                .number
                .checked_sub(1)
                .filter(|n| *n >= base.number)
            else {
                return self.joint_below_base(&oldest);
            };
            if self
                .chain()?
                .at(below)
                .is_some_and(|block| block.at.hash == oldest.parent)
            {
                path.push(oldest);
                path.reverse();
                return Ok(Joint::Known {
                    ancestor: below,
                    path,
                });
            }
            let parent = self.client.header_by_hash(oldest.parent).await?;
            path.push(oldest);
            oldest = parent;
        }
    }

    /// The chain of the new head does not contain our base; `theirs` stands in its place.
    fn joint_below_base(&mut self, theirs: &L1Header) -> Result<Joint, ReaderError> {
        let chain = self.chain()?;
        if !chain.is_base_final() {
            return Ok(Joint::StartOver);
        }
        let (number, ours) = (chain.base().at.number, chain.base().at.hash);
        Err(ReaderError::FinalizedReorged {
            number,
            ours,
            theirs: theirs.at.hash,
        })
    }

    /// Goes back to the remembered block `number`, if that is not where we are.
    pub(super) async fn rewind_to(&mut self, number: u64) -> Result<(), Stop> {
        let chain = self.chain()?;
        let from = chain.tip().at.number;
        if from == number {
            return Ok(());
        }
        chain.rewind(number);
        let tip = *chain.tip();
        self.accs.rewind(&tip.inbox);
        let depth = from.saturating_sub(number);
        tracing::warn!(from, to = number, depth, "l1 reorganised");
        metrics::counter!("trestle_l1_reorgs_total").increment(1);
        self.emit(L1Update::Rewind { to: tip.at }).await
    }

    /// Moves the base to what L1 calls final now.
    pub(super) async fn follow_finality(&mut self) -> Result<(), Stop> {
        let Some(header) = self
            .client
            .header_tagged(BlockNumberOrTag::Finalized)
            .await?
        else {
            return Ok(());
        };
        let (number, theirs) = (header.at.number, header.at.hash);
        let chain = self.chain()?;
        let (base, tip) = (chain.base().at, chain.tip().at);
        let is_old = number < base.number || (number == base.number && chain.is_base_final());
        if number == base.number && base.hash != theirs && chain.is_base_final() {
            return Err(ReaderError::FinalizedReorged {
                number,
                ours: base.hash,
                theirs,
            }
            .into());
        }
        if is_old || number > tip.number {
            return Ok(());
        }
        match chain.at(number) {
            Some(block) if block.at.hash == theirs => {}
            Some(_) => return Err(ReaderError::FinalityConflict { number }.into()),
            // Between base and window; a later one falls into the window.
            None => return Ok(()),
        }
        chain.finalize(number);
        let consumed = chain.base().inbox.consumed;
        self.accs.forget_below(consumed);
        self.emit(L1Update::Finalized(header.at)).await
    }
}
