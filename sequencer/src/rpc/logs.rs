//! Searching blocks for logs, by bloom first.

use alloy::rpc::types::{Filter, Log};
use alloy_primitives::Bloom;

use super::{RpcError, context::Context, heavy::Deadline, wire};
use crate::store::Snapshot;

/// What logs are looked for, by address and topics.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogQuery<'a>(&'a Filter);

impl<'a> LogQuery<'a> {
    pub(super) const fn new(filter: &'a Filter) -> Self {
        Self(filter)
    }

    /// Whether a log is looked for, wherever it is.
    pub(super) fn wants(&self, log: &alloy_primitives::Log) -> bool {
        self.0.matches_address(log.address) && self.0.matches_topics(log.data.topics())
    }

    /// Whether a block with this bloom may hold such a log.
    pub(super) fn may_be_in(&self, bloom: Bloom) -> bool {
        self.0.matches_bloom(bloom)
    }

    /// Appends the logs of one block.
    pub(super) fn collect(
        &self,
        context: &Context,
        snapshot: &Snapshot,
        number: u64,
        logs: &mut Vec<Log>,
    ) -> Result<(), RpcError> {
        let Some(header) = snapshot.header(number)? else {
            return Ok(());
        };
        if header.header.logs_bloom.is_zero() || !self.may_be_in(header.header.logs_bloom) {
            return Ok(());
        }
        if let Some(block) = context.block(snapshot, number)? {
            logs.extend(wire::logs(&block, false, |log| self.wants(log)));
        }
        Ok(())
    }

    /// The logs of a range of blocks that exist.
    pub(super) fn in_range(
        &self,
        context: &Context,
        snapshot: &Snapshot,
        (from, to): (u64, u64),
        deadline: Deadline,
    ) -> Result<Vec<Log>, RpcError> {
        let (blocks, results) = (context.limits.log_blocks, context.limits.log_results);
        if to - from >= blocks {
            return Err(RpcError::params(format!(
                "query exceeds max block range {blocks}"
            )));
        }
        let mut logs = Vec::new();
        for number in from..=to {
            deadline.check()?;
            self.collect(context, snapshot, number, &mut logs)?;
            if logs.len() > results && from != to {
                let end = number.saturating_sub(1).max(from);
                return Err(RpcError::params(format!(
                    "query exceeds max results {results}, retry with the range {from}-{end}"
                )));
            }
        }
        Ok(logs)
    }
}
