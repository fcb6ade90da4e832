//! Batches seen on L1 against the chain: confirmed where it holds their blocks already, derived
//! where it does not.

use super::{Chain, EngineError, L1Ledger, SeenBatch, confirming::Confirmed};
use crate::store::{BlockRef, Snapshot};
use std::sync::Arc;
use trestle_protocol::{ChainConfig, Derivation, KnownBlock, QueuedEntry, SealedHeader};

/// What a batch did to the chain.
#[derive(Debug)]
pub(super) struct Applied {
    /// The last block of the batch.
    pub(super) end: SealedHeader,
    /// Block to which the chain was unwound, if it contradicted the batch.
    pub(super) unwound_to: Option<u64>,
}

/// Makes the chain hold exactly the batch's blocks after the batch before it. What is `confirmed` already counts if the
/// chain has kept it.
pub(super) fn apply_batch(
    chain: &mut Chain,
    ledger: &L1Ledger,
    batch: &SeenBatch,
    confirmed: &[Confirmed],
) -> Result<Applied, EngineError> {
    let start = ledger.tip().end;
    let snapshot = chain.store().sequenced()?;
    for confirmed in confirmed {
        if let Some(end) = confirmed.still(&snapshot, batch, start)? {
            return Ok(Applied {
                end,
                unwound_to: None,
            });
        }
    }
    let entries = ledger.entries(batch.header.deposit_from..batch.header.deposit_to)?;
    let config = Arc::clone(chain.config());
    let derivation = || derivation(&config, batch, entries.clone());
    let held = confirm(&snapshot, derivation(), start)?;
    drop(snapshot);
    let (mut rest, unwound_to) = match held {
        Held::All(end) => {
            return Ok(Applied {
                end: *end,
                unwound_to: None,
            });
        }
        Held::Beginning(rest) => (rest, None),
        Held::Other => {
            chain.unwind(start.number)?;
            (Box::new(derivation()), Some(start.number))
        }
    };
    derive(chain, &mut rest)?;
    Ok(Applied {
        end: chain.head().clone(),
        unwound_to,
    })
}

/// What derives a batch that consumes these entries.
pub(super) fn derivation(
    config: &Arc<ChainConfig>,
    batch: &SeenBatch,
    entries: Vec<QueuedEntry>,
) -> Derivation {
    let payload = batch.payload.as_ref().map(AsRef::as_ref);
    Derivation::new(config, &batch.header, entries, payload)
}

fn derive(chain: &mut Chain, derivation: &mut Derivation) -> Result<(), EngineError> {
    loop {
        let mut state = chain.state()?;
        let Some(block) = derivation.next_block(chain.head(), &mut state)? else {
            return Ok(());
        };
        let (_block, _ticket) = chain.append(block)?;
    }
}

/// What the chain holds of a batch.
pub(super) enum Held {
    /// All its blocks; the last of them.
    All(Box<SealedHeader>),
    /// Its first blocks or none, and nothing else; what is left to derive.
    Beginning(Box<Derivation>),
    /// A block that is not the batch's.
    Other,
}

/// Holds the chain after `start` against a batch.
pub(super) fn confirm(
    snapshot: &Snapshot,
    mut derivation: Derivation,
    start: BlockRef,
) -> Result<Held, EngineError> {
    let Some(mut parent) = snapshot.header(start.number)? else {
        return Err(EngineError::Internal("chain ends before the newest batch"));
    };
    if parent.hash != start.hash {
        return Err(EngineError::Internal(
            "chain does not hold the end of the newest batch",
        ));
    }
    while !derivation.is_used_up() {
        let number = parent.header.number.saturating_add(1);
        let Some(next) = snapshot.header(number)? else {
            return Ok(Held::Beginning(Box::new(derivation)));
        };
        if !confirm_block(snapshot, &mut derivation, &parent, &next)? {
            return Ok(Held::Other);
        }
        parent = next;
    }
    Ok(Held::All(Box::new(parent)))
}

fn confirm_block(
    snapshot: &Snapshot,
    derivation: &mut Derivation,
    parent: &SealedHeader,
    next: &SealedHeader,
) -> Result<bool, EngineError> {
    let number = next.header.number;
    let (block, gas_used) = (snapshot.transactions(number)?, snapshot.gas_used(number)?);
    let (Some(block), Some(gas_used)) = (block, gas_used) else {
        return Ok(false);
    };
    let known = KnownBlock {
        header: &next.header,
        transactions: &block.transactions,
        gas_used: &gas_used,
        deposits: &block.deposits,
    };
    Ok(derivation.confirm(parent, known))
}
