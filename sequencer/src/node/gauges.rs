//! Gauges that follow from a node's state, set when the page of metrics is asked for.

use super::{MetricsConfig, health::Readiness};
use crate::{
    engine::Heads,
    l1::L1View,
    mempool::Mempool,
    metrics::{MetricsError, MetricsPage, count, number},
    store::Store,
};
use metrics::gauge;
use std::{
    sync::{Arc, Weak},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;

/// What is looked at.
pub(super) struct Watched {
    pub(super) store: Weak<Store>,
    pub(super) mempool: Arc<Mempool>,
    pub(super) heads: watch::Receiver<Heads>,
    pub(super) view: watch::Receiver<L1View>,
    pub(super) readiness: Readiness,
}

impl Watched {
    /// Serves the page of metrics, if it is asked for.
    ///
    /// # Errors
    /// [`MetricsError`] when the address cannot be had.
    pub(super) async fn serve(
        self,
        config: Option<MetricsConfig>,
    ) -> Result<Option<MetricsPage>, MetricsError> {
        let Some(MetricsConfig { listen, recorder }) = config else {
            return Ok(None);
        };
        let gauges = Arc::new(move || self.set());
        MetricsPage::serve(listen, recorder, gauges).await.map(Some)
    }

    fn set(&self) {
        let heads = *self.heads.borrow();
        let head = |name: &'static str| gauge!("trestle_head_block", "head" => name);
        head("safe").set(number(heads.safe.number));
        head("finalized").set(number(heads.finalized.number));
        if let Some(store) = self.store.upgrade() {
            let newest = store.durable_head().borrow().number;
            head("unsafe").set(number(newest));
            if let Some(time) = time_of(&store, newest) {
                gauge!("trestle_head_age_seconds").set(number(now().saturating_sub(time)));
            }
            gauge!("trestle_store_unfolded_blocks").set(count(store.unfolded_blocks()));
            gauge!("trestle_store_unfolded_bytes").set(count(store.lag().bytes));
            gauge!("trestle_store_stalled").set(flag(store.check().is_err()));
        }
        gauge!("trestle_pool_transactions").set(count(self.mempool.len()));
        gauge!("trestle_pool_bytes").set(count(self.mempool.bytes()));
        gauge!("trestle_ready").set(flag(self.readiness.check().is_ok()));
        let view = self.view.borrow();
        gauge!("trestle_l1_lag_seconds").set(number(now().saturating_sub(view.head.time)));
        gauge!("trestle_l1_live").set(flag(view.is_live && view.fault.is_none()));
        gauge!("trestle_l1_halted").set(flag(view.is_halted));
    }
}

/// Timestamp of a durable block.
fn time_of(store: &Store, block: u64) -> Option<u64> {
    let snapshot = store.durable().ok()?;
    let header = snapshot.header(block).ok()??;
    Some(header.header.timestamp)
}

const fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

/// Seconds since the Unix epoch; 0 for a clock before it.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
