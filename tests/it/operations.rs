//! What an operator does and sees: metrics, settings, keys, the doctor, snapshots, the log.

mod doctor;
mod keys;
pub(crate) mod metrics;
mod output;
mod settings;
mod snapshots;
