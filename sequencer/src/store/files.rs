//! The store's door to the file system, so narrow that a fault-injecting one fits under it.
//!
//! The journal does all its input and output through [`Files`]; MDBX has its own, and is opened in
//! its durable mode. Nothing here buffers, retries or hides an error.

use std::{
    fmt::Debug,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Named moments at which a fault injector may end the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Records are written, not yet synced.
    JournalWritten,
    /// Records are synced, nobody has been told.
    JournalSynced,
    /// A fold is complete but for its commit.
    FoldReady,
    /// A fold is committed, its journal segments still exist.
    FoldCommitted,
    /// An unwind is in the journal, not yet in memory or in the tables.
    UnwindJournaled,
}

/// A file that only grows.
pub trait Appender: Debug + Send {
    /// Adds `bytes` at the end. After an error any prefix of them may have been written.
    ///
    /// # Errors
    /// Whatever the operating system says, a full disk included.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns once everything appended survives a loss of power (`fdatasync`).
    ///
    /// # Errors
    /// After an error nothing appended since the last success may be relied on, not even by
    /// syncing again: the kernel may have dropped the dirty pages.
    fn sync(&mut self) -> io::Result<()>;
}

/// The file operations of the journal.
pub trait Files: Debug + Send + Sync {
    /// Creates an empty file, or empties an existing one; readable by the owner only.
    ///
    /// # Errors
    /// From the operating system.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Appender>>;

    /// Makes a file of so many zeros, durable but for its name. Takes its time: other files are written meanwhile.
    ///
    /// # Errors
    /// From the operating system; [`io::ErrorKind::Interrupted`] where `stop` is set before it is whole.
    fn prepare(&self, path: &Path, bytes: usize, stop: &AtomicBool) -> io::Result<()>;

    /// Opens a file that was prepared; what is appended replaces its zeros from the start.
    ///
    /// # Errors
    /// From the operating system.
    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Appender>>;

    /// The whole content of a file.
    ///
    /// # Errors
    /// From the operating system.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Returns once the present content of a file survives a loss of power, whoever wrote it.
    ///
    /// # Errors
    /// From the operating system.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// The entries of a directory, sorted.
    ///
    /// # Errors
    /// From the operating system.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// Removes a file.
    ///
    /// # Errors
    /// From the operating system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Returns once creations and removals in `dir` survive a loss of power.
    ///
    /// # Errors
    /// From the operating system.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Called at each [`Point`]; an error ends the operation there, as a crash would.
    ///
    /// # Errors
    /// Only from a fault injector.
    fn reached(&self, point: Point) -> io::Result<()> {
        let _ = point;
        Ok(())
    }
}

/// Bytes that [`Disk`] prepares at a time, so that others' syncs do not wait behind them.
const PIECE: usize = 1 << 20;
/// Pause after each.
const PAUSE: Duration = Duration::from_millis(10);

/// The operating system's files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Appender>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        Ok(Box::new(DiskFile(options.open(path)?)))
    }

    fn prepare(&self, path: &Path, bytes: usize, stop: &AtomicBool) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(path)?;
        let zeros = vec![0; PIECE];
        let mut left = bytes;
        while left > 0 {
            if stop.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let piece = zeros.get(..left.min(PIECE)).unwrap_or(&zeros);
            file.write_all(piece)?;
            file.sync_data()?;
            left = left.saturating_sub(piece.len());
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Appender>> {
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths = fs::read_dir(dir)?
            .map(|e| e.map(|e| e.path()))
            .collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

#[derive(Debug)]
struct DiskFile(File);

impl Appender for DiskFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
