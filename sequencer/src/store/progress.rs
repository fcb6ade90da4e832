//! How far the disk has come, and who waits for it.

use super::{
    BlockRef, StoreError,
    block::reference,
    journal::{Op, Segment, Sink},
    lag::{Lag, weight},
};
use parking_lot::{Condvar, Mutex};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Pause before one that waits for room looks whether the disk refuses.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How far the disk has come.
#[derive(Debug, Clone)]
struct Progress {
    /// The last record on disk.
    record: u64,
    /// Why the journal cannot be written at present.
    stalled: Option<Arc<str>>,
}

/// Records on disk that no fold has taken.
#[derive(Debug, Default)]
pub(super) struct Unfolded {
    pub(super) ops: Vec<(u64, Op)>,
    closed: bool,
    /// Why the last fold failed.
    stalled: Option<Arc<str>>,
}

/// Shared by the store, the journal's thread and everyone who waits.
#[derive(Debug)]
pub(super) struct Shared {
    progress: Mutex<Progress>,
    changed: Condvar,
    watch: watch::Sender<Progress>,
    head: watch::Sender<BlockRef>,
    pub(super) unfolded: Mutex<Unfolded>,
    /// Signalled when `unfolded` grows or the store closes.
    wake: Condvar,
    /// Signalled when `unfolded` shrinks, or there is no hope that it does.
    eased: Condvar,
    /// Weight of all records that no fold has taken, on disk or not.
    weight: AtomicUsize,
    /// Weight at which no block comes.
    bound: usize,
    /// Segments that exist, oldest first.
    pub(super) segments: Mutex<Vec<Segment>>,
}

impl Shared {
    pub(super) fn new(record: u64, head: BlockRef, segments: Vec<Segment>, bound: usize) -> Self {
        let progress = Progress {
            record,
            stalled: None,
        };
        Self {
            watch: watch::Sender::new(progress.clone()),
            head: watch::Sender::new(head),
            progress: Mutex::new(progress),
            changed: Condvar::new(),
            unfolded: Mutex::default(),
            wake: Condvar::new(),
            eased: Condvar::new(),
            weight: AtomicUsize::new(0),
            bound,
            segments: Mutex::new(segments),
        }
    }

    /// The newest block that is on disk, to be watched.
    pub(super) fn durable_head(&self) -> watch::Receiver<BlockRef> {
        self.head.subscribe()
    }

    pub(super) fn durable_now(&self) -> BlockRef {
        *self.head.borrow()
    }

    /// Fails while the journal or the tables cannot be written.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let journal = self.progress.lock().stalled.clone();
        match journal.or_else(|| self.unfolded.lock().stalled.clone()) {
            Some(cause) => Err(StoreError::Stalled { cause }),
            None => Ok(()),
        }
    }

    /// Notes how the last fold went.
    pub(super) fn folded(&self, outcome: Result<(), StoreError>) {
        self.unfolded.lock().stalled = outcome.err().map(|error| error.to_string().into());
        self.eased.notify_all();
    }

    /// How far folds are behind.
    pub(super) fn lag(&self) -> Lag {
        Lag {
            bytes: self.weight.load(Ordering::Relaxed),
            bound: self.bound,
        }
    }

    /// Counts a record, before the journal gets it.
    pub(super) fn count(&self, op: &Op) {
        self.weight.fetch_add(weight(op), Ordering::Relaxed);
    }

    /// Forgets the first records, which a fold has taken.
    pub(super) fn forget_folded(&self, ops: &[(u64, Op)]) {
        let weight = ops.iter().map(|(_, op)| weight(op)).sum();
        let mut unfolded = self.unfolded.lock();
        let count = ops.len().min(unfolded.ops.len());
        unfolded.ops.drain(..count);
        self.weight.fetch_sub(weight, Ordering::Relaxed);
        self.eased.notify_all();
    }

    /// Waits while folds are so far behind that no block may come.
    ///
    /// # Errors
    /// [`StoreError::Stalled`] while the disk refuses.
    pub(super) fn wait_for_room(&self) -> Result<(), StoreError> {
        loop {
            self.check()?;
            let mut unfolded = self.unfolded.lock();
            if unfolded.closed || self.lag().pause().is_some() {
                return Ok(());
            }
            self.eased.wait_for(&mut unfolded, LOOK_AGAIN);
        }
    }

    /// Returns `pause` after there is something to fold, or sooner where folds are far behind; `false` when the store
    /// closes.
    pub(super) fn wait_for_work(&self, pause: Duration) -> bool {
        let mut unfolded = self.unfolded.lock();
        while unfolded.ops.is_empty() && unfolded.stalled.is_none() && !unfolded.closed {
            self.wake.wait(&mut unfolded);
        }
        let deadline = Instant::now() + pause;
        let is_urgent =
            |unfolded: &Unfolded| unfolded.stalled.is_none() && self.lag().is_pressing();
        while !unfolded.closed
            && !is_urgent(&unfolded)
            && !self.wake.wait_until(&mut unfolded, deadline).timed_out()
        {}
        !unfolded.closed
    }

    /// Sets the durable head, before anybody watches it.
    pub(super) fn set_head(&self, head: BlockRef) {
        self.head.send_replace(head);
    }

    /// Ends [`Shared::wait_for_work`].
    pub(super) fn close(&self) {
        self.unfolded.lock().closed = true;
        self.wake.notify_all();
    }

    fn publish(&self, change: impl FnOnce(&mut Progress)) {
        let mut progress = self.progress.lock();
        change(&mut progress);
        self.watch.send_replace(progress.clone());
        self.changed.notify_all();
    }
}

/// The journal's side of [`Shared`].
#[derive(Debug)]
pub(super) struct Report(pub(super) Arc<Shared>);

impl Sink for Report {
    fn opened(&mut self, segment: Segment) {
        self.0.segments.lock().push(segment);
    }

    fn durable(&mut self, ops: Vec<(u64, Op)>) {
        let Some((record, _)) = ops.last() else {
            return;
        };
        let record = *record;
        let mut head = None;
        for (_, op) in &ops {
            match op {
                Op::Block(block) => head = Some(reference(block)),
                Op::Unwind(to) => head = Some(*to),
                _ => {}
            }
        }
        self.0.unfolded.lock().ops.extend(ops);
        self.0.wake.notify_all();
        if let Some(head) = head {
            self.0.head.send_replace(head);
        }
        self.0.publish(|progress| {
            *progress = Progress {
                record,
                stalled: None,
            }
        });
    }

    fn stalled(&mut self, cause: &StoreError) {
        let cause: Arc<str> = cause.to_string().into();
        self.0.publish(|progress| progress.stalled = Some(cause));
    }
}

/// A promise that something queued will be on disk.
#[derive(Debug, Clone)]
#[must_use = "nothing is durable before the ticket says so"]
pub struct Ticket {
    pub(super) record: u64,
    pub(super) shared: Arc<Shared>,
}

impl Ticket {
    /// Returns once it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Stalled`] while the journal cannot be written. It is not lost then: it is
    /// written once the disk takes writes again, and waiting may be repeated.
    pub async fn durable(&self) -> Result<(), StoreError> {
        let mut watch = self.shared.watch.subscribe();
        let progress = watch
            .wait_for(|p| p.record >= self.record || p.stalled.is_some())
            .await
            .map_err(|_| StoreError::Internal("store closed"))?;
        self.outcome(&progress)
    }

    /// The same for a thread outside the async runtime.
    ///
    /// # Errors
    /// As [`Ticket::durable`].
    pub fn wait(&self) -> Result<(), StoreError> {
        let mut progress = self.shared.progress.lock();
        while progress.record < self.record && progress.stalled.is_none() {
            self.shared.changed.wait(&mut progress);
        }
        self.outcome(&progress)
    }

    fn outcome(&self, progress: &Progress) -> Result<(), StoreError> {
        match &progress.stalled {
            Some(cause) if progress.record < self.record => Err(StoreError::Stalled {
                cause: Arc::clone(cause),
            }),
            _ => Ok(()),
        }
    }
}
