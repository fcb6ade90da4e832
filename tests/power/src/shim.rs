//! The state of the shim in one process, and what it decides for each operation.

use crate::{
    rule::{Action, Counts, Kind, Op, Rule},
    shadow::{Shadow, identity},
};
use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write as _,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
    time::Duration,
};

/// A file below the root.
#[derive(Debug)]
pub(crate) struct Place {
    /// Relative to the root; empty for the root itself.
    pub(crate) path: String,
    pub(crate) kind: Kind,
}

/// What was done.
#[derive(Debug)]
pub(crate) enum Done {
    Wrote { range: Range<u64>, is_through: bool },
    Synced,
    Resized(u64),
    Removed,
    Created,
}

/// What a slow operation takes more.
pub(crate) const SLOW: Duration = Duration::from_secs(2);

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    GoThenKill,
    Kill,
    GoSlowly,
    Pretend,
    NoSpace,
    BadDevice,
}

#[derive(Debug)]
pub(crate) struct Shim {
    root: PathBuf,
    desk: PathBuf,
    counts_file: File,
    clock: Option<File>,
    shadow: Shadow,
    counts: Counts,
    /// The rule as it was read last, and how many operations it has met.
    rule: (String, Option<Rule>, u64),
    /// The last write to a file of the rule's kind held what the rule looks for.
    is_marked: bool,
}

static SHIM: OnceLock<Option<Mutex<Shim>>> = OnceLock::new();

/// The shim of this process, if it has one.
pub(crate) fn shim() -> Option<&'static Mutex<Shim>> {
    SHIM.get_or_init(Shim::from_environment).as_ref()
}

impl Shim {
    fn from_environment() -> Option<Mutex<Self>> {
        let path = |name| env::var_os(name).map(PathBuf::from);
        let (root, desk) = (path("TRESTLE_POWER_ROOT")?, path("TRESTLE_POWER_DESK")?);
        let counts_file = File::create(desk.join("counts")).unwrap();
        Some(Mutex::new(Self {
            shadow: Shadow::new(&root, &desk),
            clock: File::open(desk.join("clock")).ok(),
            counts_file,
            root,
            desk,
            counts: Counts::default(),
            rule: (String::new(), None, 0),
            is_marked: false,
        }))
    }

    /// Seconds that the clock of the day is ahead.
    pub(crate) fn clock_offset(&self) -> i64 {
        let mut text = [0; 24];
        let read = self
            .clock
            .as_ref()
            .and_then(|file| file.read_at(&mut text, 0).ok());
        let text = str::from_utf8(&text[..read.unwrap_or_default()]).unwrap();
        text.trim().parse().unwrap_or_default()
    }

    /// Where `path` is, if below the root.
    pub(crate) fn place(&self, path: &Path, is_directory: bool) -> Option<Place> {
        let path = path.strip_prefix(&self.root).ok()?.to_str()?.to_owned();
        let kind = kind_of(&path, is_directory);
        Some(Place { path, kind })
    }

    /// What to do with an operation that is about to happen.
    pub(crate) fn decide(&mut self, op: Op, place: &Place, bytes: &[u8]) -> Verdict {
        if let Some((inode, length)) = identity(&self.root.join(&place.path))
            && place.kind != Kind::Directory
        {
            self.shadow.touch(&place.path, inode, length);
        }
        self.read_rule();
        let (_, Some(rule), met) = &mut self.rule else {
            return Verdict::Go;
        };
        if rule.action == Action::Pretend {
            let is_sync = op == Op::Sync;
            return if is_sync {
                Verdict::Pretend
            } else {
                Verdict::Go
            };
        }
        if rule.kind != place.kind {
            return Verdict::Go;
        }
        if op == Op::Write {
            let held = &rule.holding;
            self.is_marked = held.is_empty() || bytes.windows(held.len()).any(|part| part == held);
        }
        if rule.op != op || !(self.is_marked || rule.holding.is_empty()) {
            return Verdict::Go;
        }
        *met += 1;
        if *met < rule.nth || (*met > rule.nth && !rule.is_lasting) {
            return Verdict::Go;
        }
        let action = rule.action;
        if *met == rule.nth {
            self.note(&format!("{op:?} {}", place.path));
        }
        match action {
            Action::KillBefore => Verdict::Kill,
            Action::KillAfter => Verdict::GoThenKill,
            Action::NoSpace => Verdict::NoSpace,
            Action::BadDevice => {
                if op == Op::Sync {
                    self.shadow.lose(&place.path);
                }
                Verdict::BadDevice
            }
            Action::Slow => Verdict::GoSlowly,
            Action::Pretend => Verdict::Go,
        }
    }

    /// An operation succeeded.
    pub(crate) fn done(&mut self, place: &Place, done: Done) {
        let (op, bytes) = match &done {
            Done::Wrote { range, .. } => (Op::Write, range.end - range.start),
            Done::Synced => (Op::Sync, 0),
            Done::Resized(_) => (Op::Truncate, 0),
            Done::Removed => (Op::Remove, 0),
            Done::Created => (Op::Create, 0),
        };
        self.counts[(op, place.kind)] += 1;
        self.counts.bytes += bytes;
        self.counts_file
            .write_all_at(&Vec::from(&self.counts), 0)
            .unwrap();
        let path = &place.path;
        match done {
            Done::Wrote { range, is_through } => {
                self.shadow.wrote(path, range.clone());
                if is_through && !self.is_pretending() {
                    self.shadow.wrote_through(path, &range);
                }
            }
            Done::Synced if place.kind == Kind::Directory => self.shadow.synced_directory(path),
            Done::Synced => self.shadow.synced(path),
            Done::Resized(length) => self.shadow.resized(path, length),
            Done::Removed => self.shadow.removed(path),
            Done::Created => {}
        }
    }

    fn is_pretending(&self) -> bool {
        let rule = self.rule.1.as_ref();
        rule.is_some_and(|rule| rule.action == Action::Pretend)
    }

    fn read_rule(&mut self) {
        let text = fs::read_to_string(self.desk.join("rule")).unwrap_or_default();
        if text != self.rule.0 {
            let rule = (!text.is_empty()).then(|| text.parse().unwrap());
            self.rule = (text, rule, 0);
            self.is_marked = false;
        }
    }

    /// Writes down that the rule struck.
    fn note(&self, what: &str) {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        let mut fired = options.open(self.desk.join("fired")).unwrap();
        writeln!(fired, "{} at {what}", self.rule.0).unwrap();
    }
}

/// Kind of the file at `path`, relative to the root.
fn kind_of(path: &str, is_directory: bool) -> Kind {
    match path {
        _ if is_directory => Kind::Directory,
        "db/mdbx.dat" => Kind::Database,
        _ if path.starts_with("journal/") => Kind::Journal,
        _ => Kind::Other,
    }
}
