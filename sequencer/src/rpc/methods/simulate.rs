//! `eth_simulateV1`: calls in blocks that were never sealed.

use alloy::rpc::types::simulate::{SimCallResult, SimulatePayload};
use alloy_eips::BlockId;
use serde::Serialize;

use crate::rpc::{
    RpcError,
    args::Args,
    context::Context,
    heavy::Deadline,
    simulate::{Simulation, SimulationLimits, SimulationMode},
    wire::{self, RpcBlock},
};

/// A simulated block.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    block: RpcBlock,
    calls: Vec<SimCallResult>,
}

pub(super) fn simulate(
    context: &Context,
    mut args: Args,
    deadline: Deadline,
) -> Result<Vec<Shown>, RpcError> {
    let payload: SimulatePayload = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    let most = context.limits.simulate_blocks;
    if payload.block_state_calls.is_empty() {
        return Err(RpcError::params("empty input"));
    }
    if payload.block_state_calls.len() > most {
        return Err(RpcError::with_code(-38026, "too many blocks"));
    }
    let mode = SimulationMode {
        is_validated: payload.validation,
        with_transfers: payload.trace_transfers,
    };
    let limits = SimulationLimits {
        gas: context.limits.call_gas,
        blocks: u64::try_from(most).unwrap_or(u64::MAX),
        deadline,
    };
    let state = context.state(id)?;
    let mut simulation = Simulation::new(&context.config, &state, mode, limits)?;
    let mut shown = Vec::new();
    for block in payload.block_state_calls {
        let done = simulation.run(block)?;
        shown.extend(done.into_iter().map(|simulated| Shown {
            block: wire::block(&simulated.block, payload.return_full_transactions),
            calls: simulated.calls,
        }));
    }
    Ok(shown)
}
