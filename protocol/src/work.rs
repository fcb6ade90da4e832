//! What an entry of a payload costs of its batch's work budget, in gas.
//!
//! Derivation charges it, and the batcher counts the same before it posts. Spec: `SPEC.md`, 5.6.

use crate::required_gas;
use op_alloy_consensus::OpTxEnvelope;

/// Work of an entry that does not decode.
pub const BLOCK_ENTRY_WORK: u64 = 21_000;

/// Work of a transaction that is skipped, and the least of one that is executed; an executed one
/// is charged the gas that it used if that is more.
#[must_use]
pub fn transaction_work(tx: &OpTxEnvelope) -> u64 {
    required_gas(tx).max(BLOCK_ENTRY_WORK)
}
