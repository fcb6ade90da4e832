//! Batches seen on L1 against the chain: confirmed where it holds their blocks already, derived
//! where it does not.

use super::{Chain, EngineError, L1Ledger, SeenBatch};
use crate::store::{BlockRef, Snapshot};
use alloy_consensus::TxReceipt;
use std::sync::Arc;
use trestle_protocol::{Derivation, KnownBlock, SealedHeader};

/// What a batch did to the chain.
#[derive(Debug)]
pub(super) struct Applied {
    /// The last block of the batch.
    pub(super) end: SealedHeader,
    /// Block to which the chain was unwound, if it contradicted the batch.
    pub(super) unwound_to: Option<u64>,
}

/// Makes the chain hold exactly the batch's blocks after the batch before it.
pub(super) fn apply_batch(
    chain: &mut Chain,
    ledger: &L1Ledger,
    batch: &SeenBatch,
) -> Result<Applied, EngineError> {
    let start = ledger.tip().end;
    let entries = ledger.entries(batch.header.deposit_from..batch.header.deposit_to)?;
    let payload = batch.payload.as_ref().map(AsRef::as_ref);
    let config = Arc::clone(chain.config());
    let derivation = || Derivation::new(&config, &batch.header, entries.clone(), payload);
    let held = confirm(&chain.store().sequenced()?, derivation(), start)?;
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
enum Held {
    /// All its blocks; the last of them.
    All(Box<SealedHeader>),
    /// Its first blocks or none, and nothing else; what is left to derive.
    Beginning(Box<Derivation>),
    /// A block that is not the batch's.
    Other,
}

/// Holds the chain after `start` against a batch.
fn confirm(
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
    let (Some(body), Some(receipts)) = (snapshot.body(number)?, snapshot.receipts(number)?) else {
        return Ok(false);
    };
    let cumulative = receipts.iter().map(TxReceipt::cumulative_gas_used);
    let gas_used: Vec<u64> = cumulative
        .scan(0u64, |before, after| {
            let used = after.saturating_sub(*before);
            *before = after;
            Some(used)
        })
        .collect();
    let known = KnownBlock {
        header: &next.header,
        transactions: &body.transactions,
        gas_used: &gas_used,
        deposits: &body.deposits,
    };
    Ok(derivation.confirm(parent, known))
}
