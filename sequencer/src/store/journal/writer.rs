//! The journal's thread: takes records from a queue, writes what has gathered, syncs once, tells.
//!
//! When a write or a sync fails nothing is forgotten: the records stay queued, the failure is
//! published, and after a pause a *new* segment is begun with the first of them. The failed
//! segment is not touched again, because after a failed sync the kernel may have dropped pages.

use super::{
    record::{Frame, Op, segment_header},
    recover::Segment,
    spare::Spare,
};
use crate::store::{Appender, Files, Identity, Point, StoreError};
use std::{
    fmt::Debug,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Where and how the journal is written.
#[derive(Debug, Clone)]
pub(in crate::store) struct JournalConfig {
    pub(in crate::store) files: Arc<dyn Files>,
    pub(in crate::store) dir: PathBuf,
    pub(in crate::store) identity: Identity,
    /// Size at which a segment is closed, in bytes.
    pub(in crate::store) segment_bytes: usize,
    /// Pause before a failed write is tried again.
    pub(in crate::store) retry: Duration,
}

/// Who is told what became of the records. Called on the journal's thread.
pub(in crate::store) trait Sink: Debug + Send {
    /// A segment exists from now on.
    fn opened(&mut self, segment: Segment);
    /// These records, in order, are on disk.
    fn durable(&mut self, ops: Vec<(u64, Op)>);
    /// The records queued are not on disk, for this reason.
    fn stalled(&mut self, cause: &StoreError);
}

/// Handle of the journal's thread; dropping it writes out the queue and ends the thread.
#[derive(Debug)]
pub(in crate::store) struct Journal {
    queue: Option<Sender<(u64, Op)>>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Starts the thread. `next_record` and `next_segment` come from recovery.
    pub(in crate::store) fn start(
        config: JournalConfig,
        next_record: u64,
        next_segment: u64,
        sink: Box<dyn Sink>,
    ) -> Result<Self, StoreError> {
        let (queue, source) = channel();
        let mut writer = Writer {
            config,
            sink,
            segment: None,
            spare: None,
            next_segment,
            durable: next_record.saturating_sub(1),
            pending: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(&source))
            .map_err(StoreError::io("start", "the journal thread"))?;
        Ok(Self {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Queues record `number`; numbers must be consecutive.
    pub(in crate::store) fn push(&self, number: u64, op: Op) -> Result<(), StoreError> {
        let gone = StoreError::Internal("journal thread ended");
        match &self.queue {
            Some(queue) => queue.send((number, op)).map_err(|_| gone),
            None => Err(gone),
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The part of a segment that grows after which the next is prepared: not at once, for a chain where little happens has
/// no need of it.
const EARLY: usize = 64;

/// A file for a segment.
struct File {
    file: Box<dyn Appender>,
    path: PathBuf,
    grows: bool,
}

/// The segment that is written.
#[derive(Debug)]
struct Open {
    file: Box<dyn Appender>,
    path: PathBuf,
    /// Bytes written.
    length: usize,
    /// Length from which on the next one is prepared.
    prepare_at: usize,
    /// Whether it grows as it is written: it was not prepared.
    grows: bool,
}

#[derive(Debug)]
struct Writer {
    config: JournalConfig,
    sink: Box<dyn Sink>,
    segment: Option<Open>,
    spare: Option<Spare>,
    next_segment: u64,
    /// The last record on disk.
    durable: u64,
    /// Records not on disk.
    pending: Vec<(u64, Op)>,
}

impl Writer {
    fn run(&mut self, source: &Receiver<(u64, Op)>) {
        while self.gather(source) {
            self.commit_or_stall();
        }
        if !self.pending.is_empty() {
            self.commit_or_stall();
        }
        if let Some(spare) = self.spare.take() {
            spare.discard(self.config.files.as_ref());
        }
    }

    /// Waits for work and takes all there is; `false` when the queue has been closed.
    fn gather(&mut self, source: &Receiver<(u64, Op)>) -> bool {
        let first = if self.pending.is_empty() {
            source.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            source.recv_timeout(self.config.retry)
        };
        match first {
            Ok(op) => self.pending.push(op),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        self.pending.extend(source.try_iter());
        true
    }

    fn commit_or_stall(&mut self) {
        match self.commit() {
            Ok(()) => {
                self.durable = self
                    .pending
                    .last()
                    .map_or(self.durable, |(number, _)| *number);
                self.sink.durable(std::mem::take(&mut self.pending));
            }
            Err(cause) => {
                self.segment = None;
                self.sink.stalled(&cause);
            }
        }
    }

    /// Writes and syncs everything pending.
    fn commit(&mut self) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        for (number, op) in &self.pending {
            Frame::write(op, *number, self.durable, &mut bytes);
        }
        self.next_segment_where_due()?;
        let files = Arc::clone(&self.config.files);
        let Some(Open {
            file,
            path,
            length,
            prepare_at,
            ..
        }) = &mut self.segment
        else {
            return Err(StoreError::Internal("no open segment"));
        };
        file.append(&bytes)
            .map_err(StoreError::io("write", &*path))?;
        files
            .reached(Point::JournalWritten)
            .map_err(StoreError::io("write", &*path))?;
        let begun = Instant::now();
        file.sync().map_err(StoreError::io("sync", &*path))?;
        metrics::histogram!("trestle_journal_sync_seconds").record(begun.elapsed());
        metrics::counter!("trestle_journal_bytes_total").increment(bytes.len() as u64);
        *length += bytes.len();
        files
            .reached(Point::JournalSynced)
            .map_err(StoreError::io("sync", &*path))?;
        if *length >= *prepare_at {
            *prepare_at = (*prepare_at).max(self.config.segment_bytes / 2);
            self.prepare_next();
        }
        Ok(())
    }

    /// Begins the next segment where the open one is full, or grows while the next one is ready.
    fn next_segment_where_due(&mut self) -> Result<(), StoreError> {
        let is_full = |open: &Open| open.length >= self.config.segment_bytes;
        if self.segment.as_ref().is_none_or(is_full) {
            self.segment = None;
            let file = self.next_file()?;
            self.segment = Some(self.begin_segment(file)?);
        } else if self.segment.as_ref().is_some_and(|open| open.grows)
            && let Some(ready) = self.ready_file()?
        {
            self.segment = None;
            self.segment = Some(self.begin_segment(ready)?);
        }
        Ok(())
    }

    /// Has the next segment prepared, once.
    fn prepare_next(&mut self) {
        let JournalConfig {
            files,
            dir,
            segment_bytes,
            ..
        } = &self.config;
        match &self.spare {
            Some(spare) if spare.number.saturating_add(1) == self.next_segment => return,
            Some(spare) if !spare.is_finished() => return,
            _ => {}
        }
        if let Some(missed) = self.spare.take() {
            missed.discard(files.as_ref());
        }
        let number = self.next_segment;
        self.spare = Spare::prepare(files, segment_path(dir, number), number, *segment_bytes);
        self.next_segment = number.saturating_add(1);
    }

    /// A new file, or the one that was prepared to come next.
    fn next_file(&mut self) -> Result<File, StoreError> {
        if let Some(ready) = self.ready_file()? {
            return Ok(ready);
        }
        let JournalConfig { files, dir, .. } = &self.config;
        let path = segment_path(dir, self.next_segment);
        self.next_segment += 1;
        let file = files
            .create(&path)
            .map_err(StoreError::io("create", &path))?;
        let grows = true;
        Ok(File { file, path, grows })
    }

    /// The file that was prepared to come next, once it is ready.
    fn ready_file(&mut self) -> Result<Option<File>, StoreError> {
        let is_next = |spare: &mut Spare| {
            spare.number.saturating_add(1) == self.next_segment && spare.is_finished()
        };
        let Some(path) = self.spare.take_if(is_next).and_then(Spare::path) else {
            return Ok(None);
        };
        let file = self.config.files.reopen(&path);
        let file = file.map_err(StoreError::io("open", &path))?;
        let grows = false;
        Ok(Some(File { file, path, grows }))
    }

    fn begin_segment(&mut self, file: File) -> Result<Open, StoreError> {
        let first = self.durable + 1;
        let File {
            mut file,
            path,
            grows,
        } = file;
        let JournalConfig {
            files,
            dir,
            identity,
            segment_bytes,
            ..
        } = &self.config;
        let header = segment_header(identity, first);
        self.sink.opened(Segment {
            path: path.clone(),
            first,
        });
        file.append(&header)
            .map_err(StoreError::io("write", &path))?;
        files.sync_dir(dir).map_err(StoreError::io("sync", dir))?;
        let part = if grows { EARLY } else { 2 };
        Ok(Open {
            file,
            path,
            length: header.len(),
            prepare_at: segment_bytes / part,
            grows,
        })
    }
}

fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.journal"))
}
