//! What a game's address says about it: implementation and proposal, by the rules of CREATE2.
//!
//! Mirrors `DisputeGameFactory.sol`: a minimal proxy (EIP-1167) with the proposal appended to its code.

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use trestle_contracts::bindings::dispute_game_factory::DisputeGameFactory::Proposal;

/// Code of the proxy before the implementation's address, and after it.
const BEFORE: [u8; 10] = hex!("363d3d373d3d3d363d73");
const AFTER: [u8; 15] = hex!("5af43d82803e903d91602b57fd5bf3");
/// Length of the proposal in the code, in bytes: three words and three numbers of 8 bytes.
const ARGS: usize = 120;
/// Where the proposal begins in the code, in bytes.
const ARGS_AT: usize = BEFORE.len() + 20 + AFTER.len();

/// What a game is about, read out of its code; `None` when the code is not the one that makes its address.
pub(super) fn proposal_of(
    factory: Address,
    game_type: u32,
    game: Address,
    code: &[u8],
) -> Option<Proposal> {
    let args = code.get(ARGS_AT..)?;
    let is_proxy = code.starts_with(&BEFORE) && code.get(30..)?.starts_with(&AFTER);
    let length = u16::try_from(code.len()).ok()?;
    let init = [
        [0x61].as_slice(),
        &length.to_be_bytes(),
        hex!("3d81600a3d39f3").as_slice(),
        code,
    ]
    .concat();
    let salt = B256::from(U256::from(game_type));
    let is_its = factory.create2(salt, keccak256(init)) == game;
    if !is_proxy || !is_its || args.len() != ARGS {
        return None;
    }
    let word = |at: usize| args.get(at..).and_then(<[u8]>::first_chunk::<32>);
    let number = |at: usize| args.get(at..).and_then(<[u8]>::first_chunk::<8>);
    Some(Proposal {
        outputRoot: word(0)?.into(),
        batchAcc: word(32)?.into(),
        anchorRoot: word(64)?.into(),
        batch: u64::from_be_bytes(*number(96)?),
        anchorBatch: u64::from_be_bytes(*number(104)?),
        l2BlockNumber: u64::from_be_bytes(*number(112)?),
    })
}
