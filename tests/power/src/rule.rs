//! What the test tells the shim, and what the shim counts. Tests include this file too.

use std::{
    fmt,
    ops::{Index, IndexMut},
    str::FromStr,
};

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// Bytes are written.
    Write,
    /// Its bytes, or a directory's names, are made durable.
    Sync,
    /// It is opened with the wish to create it.
    Create,
    /// Its length is set.
    Truncate,
    /// Its name is removed.
    Remove,
}

/// Which file, by its place below the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A segment of the journal.
    Journal,
    /// The database.
    Database,
    /// A directory.
    Directory,
    /// Any other: locks, keys.
    Other,
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The process dies before it.
    KillBefore,
    /// The process dies once it is done.
    KillAfter,
    /// The disk is full: of a write, the first half is done.
    NoSpace,
    /// The device fails: of a write, the first half is done; of a sync, nothing, and the bytes are lost for good.
    BadDevice,
    /// Every sync, of whatever kind, reports success and does nothing.
    Pretend,
    /// The disk takes two seconds for it.
    Slow,
}

/// An order to the shim: the `nth` such operation from now, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) action: Action,
    pub(crate) op: Op,
    pub(crate) kind: Kind,
    pub(crate) nth: u64,
    /// Every later one as well.
    pub(crate) is_lasting: bool,
    /// Only writes that hold these bytes count, and what follows such a write; all when empty.
    pub(crate) holding: Vec<u8>,
}

/// Every operation, in the order of the counts.
const OPS: [Op; 5] = [Op::Write, Op::Sync, Op::Create, Op::Truncate, Op::Remove];
/// Every kind, in the order of the counts.
const KINDS: [Kind; 4] = [Kind::Journal, Kind::Database, Kind::Directory, Kind::Other];
const ACTIONS: [Action; 6] = [
    Action::KillBefore,
    Action::KillAfter,
    Action::NoSpace,
    Action::BadDevice,
    Action::Pretend,
    Action::Slow,
];

/// What a process did so far: operations by kind, and bytes written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    done: [[u64; OPS.len()]; KINDS.len()],
    pub(crate) bytes: u64,
}

impl Index<(Op, Kind)> for Counts {
    type Output = u64;

    fn index(&self, (op, kind): (Op, Kind)) -> &u64 {
        &self.done[kind as usize][op as usize]
    }
}

impl IndexMut<(Op, Kind)> for Counts {
    fn index_mut(&mut self, (op, kind): (Op, Kind)) -> &mut u64 {
        &mut self.done[kind as usize][op as usize]
    }
}

impl From<&Counts> for Vec<u8> {
    fn from(counts: &Counts) -> Self {
        let all = counts.done.iter().flatten().chain([&counts.bytes]);
        all.flat_map(|n| n.to_le_bytes()).collect()
    }
}

impl From<&[u8]> for Counts {
    fn from(bytes: &[u8]) -> Self {
        let mut numbers = bytes.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b));
        let mut counts = Self::default();
        for place in counts.done.iter_mut().flatten() {
            *place = numbers.next().unwrap_or_default();
        }
        counts.bytes = numbers.next().unwrap_or_default();
        counts
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action,
            op,
            kind,
            nth,
            is_lasting,
            holding,
        } = self;
        write!(f, "{action:?} {op:?} {kind:?} {nth} {is_lasting} ")?;
        holding.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Rule {
    type Err = String;

    /// What `to_string` gave.
    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).ok_or_else(|| format!("not a rule: {text}"))
    }
}

fn parse(text: &str) -> Option<Rule> {
    let mut words = text.split(' ');
    let mut word = || words.next();
    Some(Rule {
        action: named(&ACTIONS, word()?)?,
        op: named(&OPS, word()?)?,
        kind: named(&KINDS, word()?)?,
        nth: word()?.parse().ok()?,
        is_lasting: word()?.parse().ok()?,
        holding: bytes(word()?.trim_end())?,
    })
}

fn named<T: Copy + fmt::Debug>(all: &[T], name: &str) -> Option<T> {
    all.iter().copied().find(|one| format!("{one:?}") == name)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let byte = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(byte).collect()
}
