//! Filters that clients poll. A filter remembers the block up to which it has answered; what is new
//! is worked out from the chain when it is asked, so an idle filter costs nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::rpc::types::{Filter, Log};
use alloy_primitives::{B128, B256, U128};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::broadcast::{self, error::TryRecvError};

use super::{
    RpcError, chain::sealed_header, context::Context, heavy::Deadline, logs::LogQuery, wire,
    wire::RpcTransaction,
};
use crate::{
    mempool::PooledTransaction,
    store::{BlockRef, Snapshot},
};

/// Blocks that one poll of a filter looks at; the next poll continues there.
const BLOCKS_PER_POLL: u64 = 10_000;

/// What a filter collects.
#[derive(Debug)]
pub(super) enum Kind {
    /// Logs.
    Logs(Box<Filter>),
    /// Hashes of blocks.
    Blocks,
    /// Transactions that enter the pool; whole ones if `full`.
    Pending {
        arrivals: broadcast::Receiver<Arc<PooledTransaction>>,
        full: bool,
    },
}

#[derive(Debug)]
struct Installed {
    kind: Kind,
    /// Everything up to this block has been answered.
    last: BlockRef,
    asked: Instant,
}

/// What is new since the last poll.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Changes {
    Logs(Vec<Log>),
    Hashes(Vec<B256>),
    Transactions(Vec<RpcTransaction>),
}

/// All filters.
#[derive(Debug)]
pub(super) struct Filters {
    installed: Mutex<HashMap<U128, Arc<Mutex<Installed>>>>,
    most: usize,
    lifetime: Duration,
}

impl Filters {
    pub(super) fn new(most: usize, lifetime: Duration) -> Self {
        Self {
            installed: Mutex::default(),
            most,
            lifetime,
        }
    }

    /// Installs a filter that begins after `head`; gives its id.
    pub(super) fn install(&self, kind: Kind, head: BlockRef) -> Result<U128, RpcError> {
        let mut installed = self.installed.lock();
        if installed.len() >= self.most {
            let lifetime = self.lifetime;
            installed.retain(|_, filter| {
                filter
                    .try_lock()
                    .is_none_or(|filter| filter.asked.elapsed() < lifetime)
            });
        }
        if installed.len() >= self.most {
            return Err(RpcError::busy(format!("more than {} filters", self.most)));
        }
        let id = U128::from_be_bytes(B128::random().0);
        let filter = Installed {
            kind,
            last: head,
            asked: Instant::now(),
        };
        installed.insert(id, Arc::new(Mutex::new(filter)));
        Ok(id)
    }

    /// Removes a filter; tells whether it was there.
    pub(super) fn uninstall(&self, id: &U128) -> bool {
        self.installed.lock().remove(id).is_some()
    }

    fn get(&self, id: &U128) -> Result<Arc<Mutex<Installed>>, RpcError> {
        let mut installed = self.installed.lock();
        let filter = installed.get(id).cloned().ok_or_else(not_found)?;
        let expired = filter
            .try_lock()
            .is_some_and(|f| f.asked.elapsed() >= self.lifetime);
        if expired {
            installed.remove(id);
            return Err(not_found());
        }
        Ok(filter)
    }

    /// The query of a log filter.
    pub(super) fn log_query(&self, id: &U128) -> Result<Filter, RpcError> {
        let filter = self.get(id)?;
        let mut filter = filter.lock();
        filter.asked = Instant::now();
        match &filter.kind {
            Kind::Logs(query) => Ok((**query).clone()),
            Kind::Blocks | Kind::Pending { .. } => Err(not_found()),
        }
    }

    /// What is new for a filter.
    pub(super) fn changes(
        &self,
        context: &Context,
        id: &U128,
        deadline: Deadline,
    ) -> Result<Changes, RpcError> {
        let filter = self.get(id)?;
        let mut filter = filter.lock();
        filter.asked = Instant::now();
        let Installed { kind, last, .. } = &mut *filter;
        match kind {
            Kind::Pending { arrivals, full } => Ok(pending(arrivals, *full)),
            Kind::Blocks => {
                let snapshot = context.snapshot()?;
                let (_, base) = context.fork_point(&snapshot, *last)?;
                let end = snapshot
                    .head()
                    .number
                    .min(base.number.saturating_add(BLOCKS_PER_POLL));
                let mut hashes = Vec::new();
                for number in base.number.saturating_add(1)..=end {
                    hashes.push(sealed_header(&snapshot, number)?.hash);
                }
                *last = block_ref(&snapshot, end)?;
                Ok(Changes::Hashes(hashes))
            }
            Kind::Logs(query) => {
                let query = LogQuery::new(query);
                new_logs(context, &query, last, deadline).map(Changes::Logs)
            }
        }
    }
}

fn not_found() -> RpcError {
    RpcError::input("filter not found")
}

fn block_ref(snapshot: &Snapshot, number: u64) -> Result<BlockRef, RpcError> {
    let hash = sealed_header(snapshot, number)?.hash;
    Ok(BlockRef { number, hash })
}

fn pending(arrivals: &mut broadcast::Receiver<Arc<PooledTransaction>>, full: bool) -> Changes {
    let mut new = Vec::new();
    loop {
        match arrivals.try_recv() {
            Ok(tx) => new.push(tx),
            // The oldest are lost to a filter that is polled too seldom.
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    if full {
        Changes::Transactions(new.iter().map(|tx| RpcTransaction::waiting(tx)).collect())
    } else {
        Changes::Hashes(new.iter().map(|tx| tx.hash()).collect())
    }
}

/// Logs of blocks that went, marked as removed, then those of blocks that came.
fn new_logs(
    context: &Context,
    query: &LogQuery<'_>,
    last: &mut BlockRef,
    deadline: Deadline,
) -> Result<Vec<Log>, RpcError> {
    let snapshot = context.snapshot()?;
    let (gone, base) = context.fork_point(&snapshot, *last)?;
    let mut logs = Vec::new();
    for block in gone {
        let mut of_block = wire::logs(&block, true, |log| query.wants(log));
        of_block.reverse();
        logs.append(&mut of_block);
    }
    let mut reached = base;
    let end = snapshot
        .head()
        .number
        .min(base.number.saturating_add(BLOCKS_PER_POLL));
    for number in base.number.saturating_add(1)..=end {
        if logs.len() >= context.limits.log_results || deadline.check().is_err() {
            break;
        }
        query.collect(context, &snapshot, number, &mut logs)?;
        reached = block_ref(&snapshot, number)?;
    }
    *last = reached;
    Ok(logs)
}
