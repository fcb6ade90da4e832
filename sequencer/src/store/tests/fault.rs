//! A file system in memory that forgets what was not synced, runs full and breaks.

use crate::store::{Appender, Files, Point};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// What becomes of the process.
#[derive(Debug, Clone, Copy)]
pub(super) enum Crash {
    /// The process ends; the kernel still writes out what it was given.
    Kill,
    /// The machine ends: unsynced bytes are gone, or partly there, as the number says.
    PowerLoss(u64),
}

#[derive(Debug, Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    /// Bytes from the start that were synced.
    synced: usize,
    /// The directory entry was synced.
    linked: bool,
    /// Removed, but the directory was not synced since.
    removed: bool,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<PathBuf, Content>,
    /// Operations that change something, so far.
    operations: u64,
    /// From this operation on, so many fail.
    fail: Option<(u64, u64)>,
    /// The process ends at this point, after so many passes.
    crash: Option<(Point, u32)>,
    dead: bool,
    /// As in a build without syncing.
    ignores_sync: bool,
    /// Nobody gets past this point.
    held: Option<Point>,
}

/// Files in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Fault(Arc<Mutex<State>>);

impl Fault {
    pub(super) fn without_sync() -> Self {
        let fault = Self::default();
        fault.0.lock().ignores_sync = true;
        fault
    }

    /// `count` operations fail, after `skip` more that succeed.
    pub(super) fn fail_after(&self, skip: u64, count: u64) {
        let mut state = self.0.lock();
        state.fail = Some((state.operations + skip, count));
    }

    /// The process ends when `point` is reached once more after `passes`.
    pub(super) fn crash_at(&self, point: Point, passes: u32) {
        self.0.lock().crash = Some((point, passes));
    }

    /// From now on whoever reaches `point` waits there; with `None` all go on.
    pub(super) fn hold_at(&self, point: Option<Point>) {
        self.0.lock().held = point;
    }

    /// No operation succeeds any more.
    pub(super) fn die(&self) {
        self.0.lock().dead = true;
    }

    /// The process has ended; this is what the next one finds.
    pub(super) fn restart(&self, crash: Crash) {
        let mut state = self.0.lock();
        (state.dead, state.fail, state.crash) = (false, None, None);
        if let Crash::PowerLoss(noise) = crash {
            state
                .files
                .retain(|_, file| file.linked || noise.is_multiple_of(2));
            for (file, n) in state.files.values_mut().zip(noise..) {
                file.lose_power(n);
            }
        }
        state.files.retain(|_, file| !file.removed);
    }

    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let state = self.0.lock();
        state
            .files
            .iter()
            .filter(|(_, file)| !file.removed)
            .map(|(path, _)| path.clone())
            .collect()
    }

    pub(super) fn content(&self, path: &Path) -> Vec<u8> {
        self.0.lock().files[path].bytes.clone()
    }

    pub(super) fn remove_all_but(&self, kept: &[&PathBuf]) {
        self.0.lock().files.retain(|path, _| kept.contains(&path));
    }

    /// Replaces the content of a file, as synced.
    pub(super) fn overwrite(&self, path: &Path, bytes: Vec<u8>) {
        let synced = bytes.len();
        let file = Content {
            bytes,
            synced,
            linked: true,
            removed: false,
        };
        self.0.lock().files.insert(path.into(), file);
    }
}

impl Content {
    /// Unsynced bytes are cut off, zeroed, or lost up to some point; a removal may be undone.
    fn lose_power(&mut self, noise: u64) {
        self.removed &= noise.is_multiple_of(3);
        let lost = self.bytes.len() - self.synced;
        let kept = usize::try_from(noise / 3).unwrap_or_default() % (lost + 1);
        match noise % 3 {
            0 => self.bytes.truncate(self.synced),
            1 => self.bytes.truncate(self.synced + kept),
            _ => self.bytes[self.synced..]
                .iter_mut()
                .take(kept)
                .for_each(|b| *b = 0),
        }
        self.synced = self.bytes.len();
        self.linked = true;
    }
}

impl State {
    fn operate(&mut self) -> io::Result<()> {
        if self.dead {
            return Err(io::Error::other("the process has ended"));
        }
        self.operations += 1;
        let broken =
            |(from, count): (u64, u64)| (from..from + count).contains(&(self.operations - 1));
        if self.fail.is_some_and(broken) {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        let ignores = self.ignores_sync;
        let file = self.file(path)?;
        if !ignores {
            file.synced = file.bytes.len();
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> io::Result<&mut Content> {
        self.files
            .get_mut(path)
            .filter(|file| !file.removed)
            .ok_or(ErrorKind::NotFound.into())
    }
}

impl Files for Fault {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Appender>> {
        let mut state = self.0.lock();
        state.operate()?;
        state.files.insert(path.into(), Content::default());
        Ok(Box::new(FaultFile {
            fault: self.clone(),
            path: path.into(),
            position: 0,
        }))
    }

    fn prepare(&self, path: &Path, bytes: usize, _: &AtomicBool) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.dead {
            return Err(io::Error::other("the process has ended"));
        }
        let file = Content {
            bytes: vec![0; bytes],
            synced: bytes,
            ..Content::default()
        };
        state.files.insert(path.into(), file);
        Ok(())
    }

    fn reopen(&self, path: &Path) -> io::Result<Box<dyn Appender>> {
        let mut state = self.0.lock();
        state.operate()?;
        state.file(path)?;
        Ok(Box::new(FaultFile {
            fault: self.clone(),
            path: path.into(),
            position: 0,
        }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(self.0.lock().file(path)?.bytes.clone())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        state.sync(path)
    }

    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.paths())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        state.file(path)?.removed = true;
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        if !state.ignores_sync {
            state.files.retain(|_, file| !file.removed);
            state.files.values_mut().for_each(|file| file.linked = true);
        }
        Ok(())
    }

    fn reached(&self, point: Point) -> io::Result<()> {
        let mut state = self.0.lock();
        while state.held == Some(point) {
            drop(state);
            std::thread::sleep(Duration::from_millis(1));
            state = self.0.lock();
        }
        match &mut state.crash {
            Some((at, passes)) if *at == point && *passes == 0 => state.dead = true,
            Some((at, passes)) if *at == point => *passes -= 1,
            _ => {}
        }
        if state.dead {
            Err(io::Error::other("the process has ended"))
        } else {
            Ok(())
        }
    }
}

#[derive(Debug)]
struct FaultFile {
    fault: Fault,
    path: PathBuf,
    position: usize,
}

impl Appender for FaultFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.fault.0.lock();
        let outcome = state.operate();
        let written = if outcome.is_ok() {
            bytes
        } else {
            &bytes[..bytes.len() / 2]
        };
        let file = state.file(&self.path)?;
        let end = self.position + written.len();
        file.synced = file.synced.min(self.position);
        file.bytes.resize(file.bytes.len().max(end), 0);
        file.bytes[self.position..end].copy_from_slice(written);
        self.position = end;
        outcome
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.fault.0.lock();
        state.operate()?;
        state.sync(&self.path)
    }
}
