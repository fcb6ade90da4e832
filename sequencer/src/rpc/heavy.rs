//! Work that takes long: calls, estimates, traces, log queries. It runs on blocking threads, a
//! bounded number at once, so that sealing and cheap requests do not wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::{RpcError, RpcLimits, bounded::begin_request};

/// When a request must be done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// Fails once the time is over.
    pub(super) fn check(self) -> Result<(), RpcError> {
        if Instant::now() > self.0 {
            Err(timed_out())
        } else {
            Ok(())
        }
    }
}

/// Runs long work, a bounded number at once.
#[derive(Debug)]
pub(super) struct HeavyPool {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    time: Duration,
}

impl HeavyPool {
    pub(super) fn new(limits: &RpcLimits) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(limits.heavy_calls)),
            waiting: AtomicUsize::new(0),
            queue: limits.heavy_queue,
            time: limits.call_time,
        }
    }

    /// Runs `work` on a blocking thread. The caller gets an answer at the deadline; work that does
    /// not look at it ends by its gas.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Deadline) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        let permit = self.permit().await?;
        let time = self.time;
        let task = tokio::task::spawn_blocking(move || {
            begin_request();
            let outcome = work(Deadline(Instant::now() + time));
            drop(permit);
            outcome
        });
        match tokio::time::timeout(time, task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                tracing::error!(%error, "request failed");
                Err(RpcError::internal("request failed"))
            }
            Err(_) => Err(timed_out()),
        }
    }

    async fn permit(&self) -> Result<tokio::sync::OwnedSemaphorePermit, RpcError> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::enter(&self.waiting);
        if self.waiting.load(Ordering::Relaxed) > self.queue {
            return Err(RpcError::busy(
                "too many calls in progress, try again later",
            ));
        }
        let closed = |_| RpcError::internal("node is shutting down");
        self.permits.clone().acquire_owned().await.map_err(closed)
    }
}

/// Counts one waiting request, also when its future is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn timed_out() -> RpcError {
    RpcError::input("execution aborted (timeout)")
}
