//! The next segment, prepared on a thread of its own while the present one fills.
//!
//! A sync of a file that grows must also make its new length and the places of its blocks durable: file systems do
//! that together with those of all other files, and so it waits for what a fold has written. Bytes that are there
//! already are replaced without that. On ext4 one kernel thread converts the new blocks of all files, one file after
//! the other: syncs of a growing journal were seen to wait hundreds of milliseconds for it.

use crate::store::Files;
use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// A file of zeros, or one on the way. As long as it has no header it holds nothing, and a start removes it.
#[derive(Debug)]
pub(super) struct Spare {
    /// Number of the segment.
    pub(super) number: u64,
    path: PathBuf,
    thread: JoinHandle<io::Result<()>>,
    stop: Arc<AtomicBool>,
}

impl Spare {
    /// Begins to prepare segment `number` at `path`; `None` where no thread is to be had: it can do without.
    pub(super) fn prepare(
        files: &Arc<dyn Files>,
        path: PathBuf,
        number: u64,
        bytes: usize,
    ) -> Option<Self> {
        let (files, target) = (Arc::clone(files), path.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("segment".into())
            .spawn(move || {
                let prepared = files.prepare(&target, bytes, &stopped);
                // A full disk has no room for half a file that nobody needs.
                prepared.inspect_err(|_| drop(files.remove(&target)))
            })
            .ok()?;
        Some(Self {
            number,
            path,
            thread,
            stop,
        })
    }

    /// Whether the thread has ended.
    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Where it is, if it could be made.
    pub(super) fn path(self) -> Option<PathBuf> {
        matches!(self.thread.join(), Ok(Ok(()))).then_some(self.path)
    }

    /// Ends making it, and removes it. What cannot be removed is, at the next start.
    pub(super) fn discard(self, files: &dyn Files) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
        let _ = files.remove(&self.path);
    }
}
