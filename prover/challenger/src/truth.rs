//! What really happened: the one thing that a challenger must know and nobody can tell it.

use alloy_primitives::{B256, Bytes};

/// The true trace, from the challenger's own derivation and its own machine.
///
/// Every answer is about the true chain: the machine runs of a batch start from the true output before it.
pub trait Truth {
    /// Why the truth could not be had, for instance a run that is still under way.
    type Error: core::error::Error;

    /// Output root after a batch; `None` when that batch, or one before it, failed in the machine.
    ///
    /// # Errors
    /// Whatever keeps the batch from being derived.
    fn output(&self, batch: u64) -> Result<Option<B256>, Self::Error>;

    /// Hashes of a batch's machine states at these steps, in the order asked. Steps after the halt repeat it.
    ///
    /// # Errors
    /// Whatever keeps the batch from being run.
    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, Self::Error>;

    /// Layout of the state after 2^42 steps, the preimage of the last point of a machine claim.
    ///
    /// # Errors
    /// Whatever keeps the batch from being run.
    fn end_state(&self, batch: u64) -> Result<Bytes, Self::Error>;

    /// Witness of the step from state `step` to the next.
    ///
    /// # Errors
    /// Whatever keeps the batch from being run.
    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, Self::Error>;
}
