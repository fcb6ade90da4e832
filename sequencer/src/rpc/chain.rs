//! Reading the chain: what block an identifier means, and its content.
//!
//! Everything served comes from the durable snapshot, so that no answer can be lost by a crash.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use alloy_primitives::B256;
use trestle_protocol::{HeaderExtra, SealedBlock, SealedHeader, StateDiff, fees};

use super::{RpcError, context::Context};
use crate::store::{BlockRef, LookUp, Snapshot, StateView};

/// A block's state with its header.
#[derive(Debug, Clone)]
pub(super) struct StateAt {
    pub(super) view: StateView,
    pub(super) header: SealedHeader,
}

impl Context {
    /// What may be served.
    pub(super) fn snapshot(&self) -> Result<Snapshot, RpcError> {
        Ok(self.store.durable()?)
    }

    /// The number that a tag or number means. A number above the head is given back as it is.
    pub(super) fn number(&self, snapshot: &Snapshot, tag: BlockNumberOrTag) -> u64 {
        let head = snapshot.head().number;
        match tag {
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => head,
            BlockNumberOrTag::Safe => self.settled.borrow().safe.number.min(head),
            BlockNumberOrTag::Finalized => self.settled.borrow().finalized.number.min(head),
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Number(number) => number,
        }
    }

    /// The number that an identifier means; `None` if there is no such block.
    pub(super) fn find(&self, snapshot: &Snapshot, id: BlockId) -> Result<Option<u64>, RpcError> {
        match id {
            BlockId::Hash(RpcBlockHash { block_hash, .. }) => Ok(snapshot.number(&block_hash)?),
            BlockId::Number(tag) => {
                let number = self.number(snapshot, tag);
                Ok((number <= snapshot.head().number).then_some(number))
            }
        }
    }

    /// As [`Context::find`], where there must be such a block.
    pub(super) fn require(&self, snapshot: &Snapshot, id: BlockId) -> Result<u64, RpcError> {
        self.find(snapshot, id)?.ok_or_else(|| {
            let name = match id {
                BlockId::Hash(hash) => format!("hash {}", hash.block_hash),
                BlockId::Number(number) => number.to_string(),
            };
            RpcError::not_found(format!("block not found: {name}"))
        })
    }

    /// The state after a block; the newest one by default.
    pub(super) fn state(&self, id: Option<BlockId>) -> Result<StateAt, RpcError> {
        let snapshot = self.snapshot()?;
        let number = self.require(&snapshot, id.unwrap_or_default())?;
        let header = sealed_header(&snapshot, number)?;
        Ok(StateAt {
            view: snapshot.state_at(number)?,
            header,
        })
    }

    /// A whole block; `None` above the head.
    pub(super) fn block(
        &self,
        snapshot: &Snapshot,
        number: u64,
    ) -> Result<Option<Arc<SealedBlock>>, RpcError> {
        if let Some(block) = snapshot.recent(number) {
            return Ok(Some(block.clone()));
        }
        let Some(header) = snapshot.header(number)? else {
            return Ok(None);
        };
        if let Some(block) = self.blocks.get(&header.hash) {
            return Ok(Some(block));
        }
        let Some(body) = snapshot.body(number)? else {
            return Ok(None);
        };
        let block = Arc::new(SealedBlock {
            header,
            body,
            diff: StateDiff::default(),
        });
        self.blocks.insert(block.clone());
        Ok(Some(block))
    }

    /// The block that an identifier means.
    pub(super) fn block_by_id(&self, id: BlockId) -> Result<Option<Arc<SealedBlock>>, RpcError> {
        let snapshot = self.snapshot()?;
        match self.find(&snapshot, id)? {
            Some(number) => self.block(&snapshot, number),
            None => Ok(None),
        }
    }

    /// The block that an identifier means, where there must be one.
    pub(super) fn require_block(&self, id: BlockId) -> Result<Arc<SealedBlock>, RpcError> {
        let snapshot = self.snapshot()?;
        let number = self.require(&snapshot, id)?;
        let block = self.block(&snapshot, number)?;
        block.ok_or_else(|| RpcError::not_found(format!("block not found: {number:#x}")))
    }

    /// The block that holds a transaction, and its place there.
    pub(super) fn transaction(
        &self,
        hash: &B256,
    ) -> Result<Option<(Arc<SealedBlock>, usize)>, RpcError> {
        let (block, index) = match self.store.look_up(hash) {
            LookUp::Included(block, index) => (block, index),
            LookUp::Waits => return Ok(None),
            LookUp::Unknown => {
                let snapshot = self.snapshot()?;
                let Some((number, index)) = snapshot.transaction(hash)? else {
                    return Ok(None);
                };
                let Some(block) = self.block(&snapshot, number)? else {
                    return Ok(None);
                };
                (block, index)
            }
        };
        let index = usize::try_from(index).map_err(|_| RpcError::internal("index overflow"))?;
        Ok(Some((block, index)))
    }

    /// Blocks that left the chain since `last` was its head, newest first, and the newest block
    /// that stayed.
    pub(super) fn fork_point(
        &self,
        snapshot: &Snapshot,
        last: BlockRef,
    ) -> Result<(Vec<Arc<SealedBlock>>, BlockRef), RpcError> {
        let (mut gone, mut base) = (Vec::new(), last);
        while snapshot.header(base.number)?.map(|header| header.hash) != Some(base.hash) {
            let Some(block) = self.blocks.get(&base.hash) else {
                // Forgotten: nothing can be said of what was there.
                tracing::warn!(
                    from = base.number,
                    "chain unwound deeper than is remembered"
                );
                return Ok((gone, snapshot.head()));
            };
            let header = &block.header.header;
            base = BlockRef {
                number: header.number.saturating_sub(1),
                hash: header.parent_hash,
            };
            gone.push(block);
        }
        Ok((gone, base))
    }

    /// Base fee in wei per gas of a block on top of `parent` that were sealed now.
    pub(super) fn next_base_fee(&self, parent: &SealedHeader) -> Result<u64, RpcError> {
        let extra = HeaderExtra::decode(&parent.header.extra_data)
            .map_err(|error| RpcError::internal(error.to_string()))?;
        let seconds = self.clock.now().saturating_sub(parent.header.timestamp);
        Ok(fees::base_fee(&self.config, extra, seconds))
    }
}

/// The header of a block that must exist.
pub(super) fn sealed_header(snapshot: &Snapshot, number: u64) -> Result<SealedHeader, RpcError> {
    let header = snapshot.header(number)?;
    header.ok_or_else(|| RpcError::not_found(format!("block not found: {number:#x}")))
}
