//! What an operator does and sees: metrics, settings, keys, the doctor, snapshots.

mod doctor;
mod keys;
pub(crate) mod metrics;
mod settings;
mod snapshots;
