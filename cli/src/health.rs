//! The address where challenger and archive tell how they are.

use std::{net::SocketAddr, sync::Arc};

use trestle_challenger::health::Router;
use trestle_sequencer::metrics::{MetricsPage, Part, install};

/// Collects metrics of `parts` from now on, and serves `/metrics` and `routes` as long as the page is kept.
///
/// # Errors
/// When something else collects metrics already, or the address cannot be opened.
pub(crate) async fn open(
    address: SocketAddr,
    parts: &[Part],
    routes: Router,
) -> eyre::Result<MetricsPage> {
    let recorder = install(parts)?;
    Ok(MetricsPage::serve_with(address, recorder, Arc::new(|| ()), routes).await?)
}
