//! Counts requests by method and outcome, and how long they took.
//!
//! Methods that are served have a meter each, made when first used; every other name, which a client could make
//! up without end, is counted as `unknown`. A request costs two additions and one look into a table.

use metrics::{Counter, Histogram, counter, histogram};
use std::{collections::HashMap, sync::OnceLock, time::Instant};

/// Label of methods that are not served.
const UNKNOWN: &str = "unknown";

/// Meters of one method.
#[derive(Debug)]
struct Meter {
    ok: Counter,
    error: Counter,
    seconds: Histogram,
}

impl Meter {
    fn of(method: &'static str) -> Self {
        let by = |outcome| counter!("trestle_rpc_requests_total", "method" => method, "outcome" => outcome);
        Self {
            ok: by("ok"),
            error: by("error"),
            seconds: histogram!("trestle_rpc_seconds", "method" => method),
        }
    }
}

/// Meters of all methods.
#[derive(Debug)]
pub(super) struct Meters {
    known: HashMap<&'static str, OnceLock<Meter>>,
    unknown: OnceLock<Meter>,
}

impl Meters {
    /// Meters of these methods.
    pub(super) fn new(methods: impl Iterator<Item = &'static str>) -> Self {
        Self {
            known: methods.map(|name| (name, OnceLock::new())).collect(),
            unknown: OnceLock::new(),
        }
    }

    /// Counts a request that came at `begun` and is answered now.
    pub(super) fn note(&self, method: &str, begun: Instant, is_ok: bool) {
        let (name, place) = match self.known.get_key_value(method) {
            Some((name, place)) => (*name, place),
            None => (UNKNOWN, &self.unknown),
        };
        let meter = place.get_or_init(|| Meter::of(name));
        let outcome = if is_ok { &meter.ok } else { &meter.error };
        outcome.increment(1);
        meter.seconds.record(begun.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use std::time::Duration;

    const METHODS: [&str; 2] = ["eth_chainId", "eth_call"];
    const REQUESTS: u32 = 100_000;

    #[test]
    fn made_up_methods_share_one_label() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let meters = Meters::new(METHODS.into_iter());
            for number in 0..1_000 {
                meters.note(&format!("eth_{number}"), Instant::now(), false);
            }
            meters.note("eth_call", Instant::now(), true);
        });
        let page = recorder.handle().render();
        let count = |line: &str| page.lines().any(|got| got == line);
        assert!(
            count(r#"trestle_rpc_requests_total{method="unknown",outcome="error"} 1000"#),
            "{page}"
        );
        assert!(
            count(r#"trestle_rpc_requests_total{method="eth_call",outcome="ok"} 1"#),
            "{page}"
        );
        assert!(!page.contains("eth_999"), "{page}");
    }

    #[test]
    fn counting_a_request_costs_little() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let spent = metrics::with_local_recorder(&recorder, || {
            let meters = Meters::new(METHODS.into_iter());
            let begun = Instant::now();
            for _ in 0..REQUESTS {
                meters.note("eth_chainId", Instant::now(), true);
            }
            begun.elapsed()
        });
        eprintln!("{:?} for each request", spent / REQUESTS);
        // Without optimisation and on a loaded machine; an answer takes a hundred times as long.
        assert!(spent / REQUESTS < Duration::from_micros(20), "{spent:?}");
    }
}
