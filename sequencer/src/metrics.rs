//! What the programs tell a monitor: the table of all metrics, the recorder, and the page that serves them.
//!
//! `trestle sequencer`, `replica` and `challenger` install the recorder before anything else, so that handles made
//! at the start of a part count; without `--metrics-addr` nothing is installed and counting costs nothing. Counters
//! are there from the start, at zero, so that a rate over their first increment is right. Never read by the node
//! itself.

mod page;
mod table;
#[cfg(test)]
mod tests;

pub use page::{Gauges, MetricsError, MetricsPage};
pub use table::{Kind, METRICS, Metric, Part};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the buckets of times, in seconds: from a fast read to a request that is about to be given up.
const SECONDS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// Installs the process's recorder and counts of `parts` at zero. Call it once, before the parts start.
///
/// # Errors
/// When a recorder is installed already.
pub fn install(parts: &[Part]) -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .install_recorder()?;
    for metric in METRICS {
        if parts.contains(&metric.part) {
            metric.register();
        }
    }
    Ok(handle)
}

/// A number as a gauge takes it; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
pub(crate) const fn number(value: u64) -> f64 {
    value as f64
}

/// A count in memory as a gauge takes it.
pub(crate) fn count(value: usize) -> f64 {
    number(u64::try_from(value).unwrap_or(u64::MAX))
}
