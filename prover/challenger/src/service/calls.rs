//! Moves as transactions to a game.

use alloy::sol_types::SolCall;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use trestle_contracts::bindings::dispute_game::DisputeGame as abi;
use trestle_sequencer::l1::{TxKey, TxRequest};

use crate::{Header, Level, Move, Segment};

/// L1 gas limits: about twice what the gas snapshot shows, so that moves can be sent behind one another.
const COUNTER_GAS: u64 = 600_000;
const STEP_GAS: u64 = 6_000_000;
const UPKEEP_GAS: u64 = 300_000;

impl From<&Header> for abi::Header {
    fn from(header: &Header) -> Self {
        Self {
            parent: header.parent,
            level: header.level.code(),
            segment: header.segment,
            lo: header.lo,
            hi: header.hi,
            start: header.start,
            points: header.points,
        }
    }
}

/// The content of a claim in an event or an answer; `None` for a level that does not exist.
pub(super) fn header_of(header: &abi::Header) -> Option<Header> {
    Some(Header {
        parent: header.parent,
        level: Level::from_code(header.level)?,
        segment: header.segment,
        lo: header.lo,
        hi: header.hi,
        start: header.start,
        points: header.points,
    })
}

impl From<&Segment> for abi::Segment {
    fn from(segment: &Segment) -> Self {
        Self {
            index: segment.index,
            start: segment.start,
            end: segment.end,
            startProof: segment.start_proof,
            endProof: segment.end_proof,
        }
    }
}

/// What a move is called in logs and metrics.
pub(super) const fn name_of(step: &Move) -> &'static str {
    match step {
        Move::Counter { .. } => "counter",
        Move::Step { .. } => "step",
        Move::Decide { .. } => "decide",
        Move::Settle { .. } => "settle",
    }
}

/// Ether that a move locks, in wei.
pub(super) const fn bond_of(step: &Move) -> U256 {
    match step {
        Move::Counter { bond, .. } => *bond,
        Move::Step { .. } | Move::Decide { .. } | Move::Settle { .. } => U256::ZERO,
    }
}

/// The transaction of a move. Bonds are paid in full by value: credit may be paid out by anybody meanwhile.
///
/// Its key is what it does, so the same move is sent once however often it is asked for.
pub(super) fn request(game: Address, step: &Move) -> TxRequest {
    let (name, subject) = (name_of(step), subject_of(game, step));
    TxRequest {
        key: TxKey(keccak256([name.as_bytes(), subject.as_slice()].concat())),
        to: game,
        data: calldata(step),
        value: bond_of(step),
        gas_limit: Some(match step {
            Move::Counter { .. } => COUNTER_GAS,
            Move::Step { .. } => STEP_GAS,
            Move::Decide { .. } | Move::Settle { .. } => UPKEEP_GAS,
        }),
        blobs: None,
    }
}

/// The claim that a move makes or changes.
fn subject_of(game: Address, step: &Move) -> B256 {
    match step {
        Move::Counter { child, .. } => child.id(game),
        Move::Step { claim, .. } | Move::Decide { claim } | Move::Settle { claim, .. } => {
            claim.id(game)
        }
    }
}

fn calldata(step: &Move) -> Bytes {
    match step {
        Move::Counter {
            parent,
            segment,
            points,
            machine_end,
            ..
        } => abi::counterCall {
            parent: parent.into(),
            segment: segment.into(),
            points: points.clone(),
            machineEnd: machine_end.clone(),
        }
        .abi_encode(),
        Move::Step {
            claim,
            segment,
            witness,
        } => abi::stepCall {
            header: claim.into(),
            segment: segment.into(),
            witness: witness.clone(),
        }
        .abi_encode(),
        Move::Decide { claim } => abi::decideCall {
            header: claim.into(),
        }
        .abi_encode(),
        Move::Settle { claim, best } => abi::settleCall {
            header: claim.into(),
            best: best.into(),
        }
        .abi_encode(),
    }
    .into()
}

/// The transaction that pays an account its credit in a game.
pub(super) fn claim_credit(game: Address, account: Address, credit: U256) -> TxRequest {
    let parts = [
        b"credit".as_slice(),
        game.as_slice(),
        &credit.to_be_bytes::<32>(),
    ]
    .concat();
    TxRequest {
        key: TxKey(keccak256(parts)),
        to: game,
        data: abi::claimCreditCall { account }.abi_encode().into(),
        value: U256::ZERO,
        gas_limit: Some(UPKEEP_GAS),
        blobs: None,
    }
}
