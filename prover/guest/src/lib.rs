//! What is proven: the protocol's transition over one batch, from the hash of its inputs.
//!
//! The program in the machine and every native test call [`prove`], over their own sources of
//! preimages. No rule of the chain lives here. Spec: `SPEC.md`, section 9 and chapter "Machine".
//!
//! ```text
//! input hash ─► config hash, output before, accumulators ─► protocol::transition ─► output root
//! ```

#![cfg_attr(not(test), no_std)]
#![warn(clippy::arithmetic_side_effects, clippy::float_arithmetic)]

extern crate alloc;

mod exit;
mod input;

pub use exit::{EXIT_INPUT, EXIT_MEMORY, EXIT_PANIC, EXIT_TRANSITION, Failure};
pub use input::BatchInput;

use alloy_primitives::B256;
use core::error::Error;
use trestle_protocol::{Inputs, Preimages, TransitionInput, transition};

/// The output root after the batch that `input_hash` names.
///
/// # Errors
/// [`Failure`]: the preimages do not give what the hashes stand for. Nothing on L1 causes one.
pub fn prove<P>(input_hash: B256, mut preimages: P) -> Result<B256, Failure<P::Error>>
where
    P: Preimages,
    P::Error: Error + Send + Sync + 'static,
{
    let input = read_input(input_hash, &mut preimages)?;
    Ok(transition(&input, preimages)?)
}

/// What the input hash commits to, the chain's configuration included.
fn read_input<P>(input_hash: B256, preimages: &mut P) -> Result<TransitionInput, Failure<P::Error>>
where
    P: Preimages,
    P::Error: Error + Send + Sync + 'static,
{
    let mut inputs = Inputs(preimages);
    let input = BatchInput::decode(&inputs.bytes(input_hash)?).ok_or(Failure::Input)?;
    let config = inputs.bytes(input.config_hash)?;
    Ok(TransitionInput {
        config: trestle_protocol::ChainConfig::decode(&config)?,
        output_before: input.output_before,
        batch_acc_before: input.batch_acc_before,
        batch_acc_after: input.batch_acc_after,
    })
}
