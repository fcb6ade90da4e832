//! What the disk holds for certain: a copy of every file as it was last synced, and a mark for every durable name.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::ErrorKind,
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

/// Bytes compared and copied at a time.
const PAGE: usize = 4096;

/// A file of which this process has written something.
#[derive(Debug)]
struct Tracked {
    inode: u64,
    /// Length after the last operation, in bytes.
    length: u64,
    /// Written since the last sync; `None` when that is not known.
    pending: Option<Vec<Range<u64>>>,
}

/// The shadow of one directory.
#[derive(Debug)]
pub(crate) struct Shadow {
    root: PathBuf,
    content: PathBuf,
    names: PathBuf,
    files: HashMap<String, Tracked>,
}

impl Shadow {
    pub(crate) fn new(root: &Path, desk: &Path) -> Self {
        let (content, names) = (desk.join("content"), desk.join("names"));
        for dir in [&content, &names] {
            fs::create_dir_all(dir).unwrap();
        }
        Self {
            root: root.into(),
            content,
            names,
            files: HashMap::new(),
        }
    }

    /// Before an operation on a file: notices that it was emptied or replaced meanwhile.
    pub(crate) fn touch(&mut self, path: &str, inode: u64, length: u64) {
        let known = self.files.get(path);
        if known.is_none_or(|file| file.inode != inode || length < file.length) {
            let fresh = Tracked {
                inode,
                length,
                pending: None,
            };
            self.files.insert(path.to_owned(), fresh);
        }
    }

    /// Bytes were written, not synced.
    pub(crate) fn wrote(&mut self, path: &str, range: Range<u64>) {
        let Some(file) = self.files.get_mut(path) else {
            return;
        };
        file.length = file.length.max(range.end);
        match file.pending.as_mut() {
            None => {}
            Some(pending) => match pending.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => pending.push(range),
            },
        }
    }

    /// The length was set.
    pub(crate) fn resized(&mut self, path: &str, length: u64) {
        if let Some(file) = self.files.get_mut(path) {
            if length < file.length {
                file.pending = None;
            }
            file.length = length;
        }
    }

    /// What was written and not synced is lost, whatever is synced later.
    pub(crate) fn lose(&mut self, path: &str) {
        if let Some(file) = self.files.get_mut(path) {
            file.pending = Some(Vec::new());
        }
    }

    /// Everything in the file is on disk.
    pub(crate) fn synced(&mut self, path: &str) {
        let pending = self
            .files
            .get_mut(path)
            .and_then(|file| file.pending.replace(Vec::new()));
        let (live, kept) = self.open(path);
        let length = live.metadata().unwrap().len();
        match pending {
            Some(ranges) => ranges.iter().for_each(|range| copy(&live, &kept, range)),
            None => copy_changes(&live, &kept, length),
        }
        kept.set_len(length).unwrap();
    }

    /// These bytes of the file are on disk, and its length if they are the last.
    pub(crate) fn wrote_through(&mut self, path: &str, range: &Range<u64>) {
        let (live, kept) = self.open(path);
        copy(&live, &kept, range);
    }

    fn open(&self, path: &str) -> (File, File) {
        let place = self.content.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let live = File::open(self.root.join(path)).unwrap();
        (live, options.open(place).unwrap())
    }

    /// The names in a directory are on disk as they are now.
    pub(crate) fn synced_directory(&mut self, path: &str) {
        let (live, marks) = (self.root.join(path), self.names.join(path));
        fs::create_dir_all(&marks).unwrap();
        for entry in fs::read_dir(&live).unwrap() {
            let entry = entry.unwrap();
            let mark = marks.join(entry.file_name());
            // A directory that was synced itself before its parent has its marks already.
            let outcome = if entry.file_type().unwrap().is_dir() {
                fs::create_dir_all(&mark).and_then(|()| fs::write(mark.join(".durable"), ""))
            } else {
                fs::write(&mark, "")
            };
            outcome.unwrap();
        }
        for entry in fs::read_dir(&marks).unwrap() {
            let name = entry.unwrap().file_name();
            let is_gone = matches!(fs::symlink_metadata(live.join(&name)), Err(e) if e.kind() == ErrorKind::NotFound);
            if is_gone && name != ".durable" {
                remove(&marks.join(&name));
                remove(&self.content.join(path).join(&name));
            }
        }
    }

    /// A name was removed, not yet for good.
    pub(crate) fn removed(&mut self, path: &str) {
        self.files.remove(path);
    }
}

/// Inode and length of a file.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len()))
}

fn remove(path: &Path) {
    let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
}

fn copy(live: &File, kept: &File, range: &Range<u64>) {
    let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
    let mut have = 0;
    while have < bytes.len() {
        match live.read_at(&mut bytes[have..], range.start + have as u64) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(error) => panic!("cannot read back: {error}"),
        }
    }
    kept.write_all_at(&bytes[..have], range.start).unwrap();
}

/// Copies the pages that differ.
fn copy_changes(live: &File, kept: &File, length: u64) {
    let (mut ours, mut theirs) = (vec![0; 256 * PAGE], vec![0; 256 * PAGE]);
    let mut at = 0;
    while at < length {
        let n = live.read_at(&mut ours, at).unwrap();
        if n == 0 {
            break;
        }
        let m = kept.read_at(&mut theirs[..n], at).unwrap();
        for (page, start) in ours[..n].chunks(PAGE).zip((0..).step_by(PAGE)) {
            let old = theirs[..m].get(start..start + page.len());
            let is_hole = old.is_none() && page.iter().all(|byte| *byte == 0);
            if old != Some(page) && !is_hole {
                kept.write_all_at(page, at + start as u64).unwrap();
            }
        }
        at += n as u64;
    }
}
