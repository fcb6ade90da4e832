//! `GET /metrics`: what a Prometheus scrapes, on an address of its own, apart from the RPC that users reach.
//!
//! Gauges that follow from the node's state are set when the page is asked for, not kept up to date in between.

use crate::rpc::{Guarded, RpcLimits};
use axum::{Router, http::header, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};

/// Pause between two tidyings of the histograms, whose samples would pile up while nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);
/// What a Prometheus expects of the text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Connections at once, at most; others wait.
const CONNECTIONS: u32 = 128;

/// Sets gauges from the state of a program; called before every answer.
pub type Gauges = Arc<dyn Fn() + Send + Sync>;

/// Why the page is not served.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The address cannot be had.
    #[error(
        "cannot serve metrics on {address}: {source}; choose another --metrics-addr or stop what uses it"
    )]
    Bind {
        /// Where it should listen.
        address: SocketAddr,
        /// The operating system's answer.
        source: std::io::Error,
    },
}

/// The page, being served. Dropped, it ends.
#[derive(Debug)]
pub struct MetricsPage {
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl MetricsPage {
    /// Serves what `recorder` has at `http://ADDRESS/metrics`, after `gauges` were set.
    ///
    /// # Errors
    /// [`MetricsError::Bind`] when the address cannot be had.
    pub async fn serve(
        address: SocketAddr,
        recorder: PrometheusHandle,
        gauges: Gauges,
    ) -> Result<Self, MetricsError> {
        Self::serve_with(address, recorder, gauges, Router::new()).await
    }

    /// As [`Self::serve`], and other routes beside it; to a bounded number of peers that make progress.
    ///
    /// # Errors
    /// As [`Self::serve`].
    pub async fn serve_with(
        address: SocketAddr,
        recorder: PrometheusHandle,
        gauges: Gauges,
        routes: Router,
    ) -> Result<Self, MetricsError> {
        let bind = |source| MetricsError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let tidied = recorder.clone();
        let process = metrics_process::Collector::default();
        process.describe();
        let answer = move || async move {
            process.collect();
            gauges();
            ([(header::CONTENT_TYPE, CONTENT_TYPE)], recorder.render())
        };
        let app = routes.route("/metrics", get(answer));
        let limits = RpcLimits {
            connections: CONNECTIONS,
            ..RpcLimits::default()
        };
        let listener = Guarded::new(listener, &limits);
        let serve = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "metrics are no longer served");
            }
        });
        let tidy = tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                tidied.run_upkeep();
            }
        });
        Ok(Self {
            address,
            tasks: [serve, tidy],
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for MetricsPage {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
