//! Blocks of the sequencer's feed on a replica: executed, and taken only if the result is what was
//! signed.
//!
//! They extend the unsafe chain and never shorten it: the block that came first stays until L1
//! contradicts it. A block that consumes queue entries waits until this node has read them on L1
//! itself.

use super::{Chain, EngineError, L1Ledger, chain::next_deposit};
use crate::feed::FeedBlock;
use alloy_eips::eip2718::Decodable2718;
use op_alloy_consensus::OpTxEnvelope;
use std::{thread::Thread, time::SystemTime};
use tokio::sync::{mpsc, oneshot};
use trestle_protocol::{BlockInput, OpenBlock, PendingBlock, QueuedEntry, entries_that_fit};

/// Most queue entries in one block, as the builder takes.
const MOST_ENTRIES: u64 = 512;

/// What became of a block of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is the new head.
    Taken,
    /// The chain holds it already.
    Known,
    /// It does not follow on from the head.
    Unconnected,
    /// The chain holds another block in its place.
    Contradicted,
    /// The store refuses at the moment.
    Busy,
    /// Executing it does not give what was signed, or it breaks a rule.
    Wrong(String),
}

/// What becomes of a block now.
pub(super) enum Verdict {
    /// This is final.
    Done(Outcome),
    /// Asked again once more of L1 has been read.
    AwaitsL1,
}

/// A block that waits for the engine's answer.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) block: FeedBlock,
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// Where the feed's blocks come to the engine.
#[derive(Debug, Clone)]
pub struct FeedInlet {
    pub(super) to: mpsc::Sender<Offered>,
    pub(super) engine: Thread,
}

impl FeedInlet {
    /// Offers a block and waits for what becomes of it; `None` when the engine has ended.
    pub async fn offer(&self, block: FeedBlock) -> Option<Outcome> {
        let (answer, outcome) = oneshot::channel();
        self.to.send(Offered { block, answer }).await.ok()?;
        self.engine.unpark();
        outcome.await.ok()
    }
}

/// Takes in a block, if it is what it says.
///
/// # Errors
/// When the store refuses; nothing in the block can cause one.
pub(super) fn take(
    chain: &mut Chain,
    ledger: &L1Ledger,
    block: &FeedBlock,
) -> Result<Verdict, EngineError> {
    let head = chain.head();
    let (number, hash) = (head.header.number, head.hash);
    if block.number <= number {
        let is_known = chain.has(block.number, block.hash)?;
        let outcome = if is_known {
            Outcome::Known
        } else {
            Outcome::Contradicted
        };
        return Ok(Verdict::Done(outcome));
    }
    if block.number > number.saturating_add(1) || block.parent_hash != hash {
        return Ok(Verdict::Done(Outcome::Unconnected));
    }
    if block.deposit_to > ledger.deposits() {
        return Ok(Verdict::AwaitsL1);
    }
    let pending = match execute(chain, ledger, block)? {
        Ok(pending) => pending,
        Err(reason) => return Ok(Verdict::Done(Outcome::Wrong(reason))),
    };
    let outcome = match chain.append_expected(pending, block.hash)? {
        true => Outcome::Taken,
        false => Outcome::Wrong("its hash is another".to_owned()),
    };
    Ok(Verdict::Done(outcome))
}

/// Why a block is wrong, in words.
type Executed = Result<PendingBlock, String>;

fn execute(chain: &Chain, ledger: &L1Ledger, block: &FeedBlock) -> Result<Executed, EngineError> {
    let state = chain.state()?;
    let next = next_deposit(&state.0)?;
    let count = block.deposit_to.saturating_sub(block.deposit_from);
    if count > MOST_ENTRIES || (count > 0 && block.deposit_from != next) {
        return Ok(Err(format!(
            "it consumes entries from {}, next is {next}",
            block.deposit_from
        )));
    }
    let entries = ledger.entries(next..next.saturating_add(count))?;
    if entries_that_fit(chain.config(), entries.iter()) != entries.len() {
        return Ok(Err("its queue entries do not fit".to_owned()));
    }
    if let Err(reason) = check_time(chain, block, &entries) {
        return Ok(Err(reason));
    }
    let config = chain.config();
    let input = BlockInput {
        config,
        parent: chain.head(),
        timestamp: block.timestamp,
        entries: &entries,
    };
    let mut open = OpenBlock::begin(input, state)?;
    for (index, encoded) in block.transactions.iter().enumerate() {
        let Ok(tx) = OpTxEnvelope::decode_2718_exact(encoded) else {
            return Ok(Err(format!("transaction {index} does not decode")));
        };
        if let Err(reason) = open.offer(tx, None)? {
            return Ok(Err(format!("transaction {index} is invalid: {reason}")));
        }
    }
    if open.is_empty() {
        return Ok(Err("it is empty".to_owned()));
    }
    Ok(Ok(open.finish()))
}

/// Bounds of the timestamp that do not depend on the batch to come.
fn check_time(chain: &Chain, block: &FeedBlock, entries: &[QueuedEntry]) -> Result<(), String> {
    let newest = entries.iter().map(|queued| queued.entry.l1_time).max();
    let least = newest.unwrap_or(0).max(chain.head().header.timestamp);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(u64::MAX, |elapsed| elapsed.as_secs());
    let most = now.saturating_add(chain.config().max_time_drift);
    if (least..=most).contains(&block.timestamp) {
        return Ok(());
    }
    Err(format!(
        "its timestamp {} is not within {least} and {most}",
        block.timestamp
    ))
}
