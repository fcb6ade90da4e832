//! Reading the journal back when a directory is opened.

use super::{
    FORMAT, RECORD_MAGIC, SEGMENT_HEADER,
    record::{Frame, Op, SegmentHeader, read_segment_header},
};
use crate::store::{Files, Identity, StoreError};
use std::path::{Path, PathBuf};

/// A segment that still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Segment {
    pub(in crate::store) path: PathBuf,
    /// Its first record.
    pub(in crate::store) first: u64,
}

/// What the journal holds.
#[derive(Debug, Default)]
pub(in crate::store) struct Recovered {
    /// Records after `applied`, in order, without gaps.
    pub(in crate::store) ops: Vec<(u64, Op)>,
    /// Number of the next record.
    pub(in crate::store) next_record: u64,
    /// Number of the next segment file.
    pub(in crate::store) next_segment: u64,
    /// The segments, oldest first.
    pub(in crate::store) segments: Vec<Segment>,
}

struct Loaded {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Option<SegmentHeader>,
}

/// Reads all records after `applied` from the segments in `dir`.
///
/// A torn tail ends the journal quietly: its records never counted as durable. Everything else that
/// is missing or unreadable is an error.
pub(in crate::store) fn recover(
    files: &dyn Files,
    dir: &Path,
    identity: &Identity,
    applied: u64,
) -> Result<Recovered, StoreError> {
    let loaded = load(files, dir, identity)?;
    let mut found = Recovered {
        next_segment: next_segment(&loaded),
        ..Recovered::default()
    };
    let mut expected = None;
    for (index, segment) in loaded.iter().enumerate() {
        let later = loaded.get(index + 1..).unwrap_or_default();
        let Some(header) = &segment.header else {
            let next = expected.unwrap_or(0).max(applied + 1);
            if !is_replaced(later, next) {
                refuse_damage(segment, 0, later, next)?;
            }
            files
                .remove(&segment.path)
                .map_err(StoreError::io("remove", &segment.path))?;
            continue;
        };
        let next = expected.unwrap_or(header.first);
        if header.first > next.max(applied + 1) {
            return Err(StoreError::MissingRecords {
                expected: next.max(applied + 1),
                got: header.first,
            });
        }
        let limit = later
            .iter()
            .find_map(|s| s.header.as_ref())
            .map(|h| h.first);
        let mut scan = Scan {
            segment,
            later,
            next: header.first,
            limit,
            applied,
        };
        scan.run(&mut found.ops)?;
        expected = Some(scan.next);
        found.segments.push(Segment {
            path: segment.path.clone(),
            first: header.first,
        });
    }
    found.next_record = expected.unwrap_or(0).max(applied + 1);
    check_continuity(&found, applied)?;
    make_durable(files, dir, &found.segments)?;
    Ok(found)
}

/// A process that was killed may have left records that only the kernel holds; from now on they
/// count as durable.
fn make_durable(files: &dyn Files, dir: &Path, segments: &[Segment]) -> Result<(), StoreError> {
    for Segment { path, .. } in segments {
        files.sync(path).map_err(StoreError::io("sync", path))?;
    }
    files.sync_dir(dir).map_err(StoreError::io("sync", dir))
}

fn load(files: &dyn Files, dir: &Path, identity: &Identity) -> Result<Vec<Loaded>, StoreError> {
    let mut loaded = Vec::new();
    for path in files.list(dir).map_err(StoreError::io("list", dir))? {
        if path.extension().is_none_or(|e| e != "journal") {
            continue;
        }
        let bytes = files.read(&path).map_err(StoreError::io("read", &path))?;
        let header = read_segment_header(&bytes);
        if let Some(header) = &header {
            if header.format != FORMAT {
                return Err(StoreError::Format {
                    expected: FORMAT,
                    got: header.format,
                });
            }
            if header.identity != *identity {
                let (expected, got) = (Box::new(*identity), Box::new(header.identity));
                return Err(StoreError::ForeignChain { expected, got });
            }
        }
        loaded.push(Loaded {
            path,
            bytes,
            header,
        });
    }
    Ok(loaded)
}

fn next_segment(loaded: &[Loaded]) -> u64 {
    let number = |s: &Loaded| s.path.file_stem()?.to_str()?.parse::<u64>().ok();
    loaded.iter().filter_map(number).max().map_or(1, |n| n + 1)
}

fn check_continuity(found: &Recovered, applied: u64) -> Result<(), StoreError> {
    let broken = found
        .ops
        .iter()
        .zip(applied + 1..)
        .find(|((got, _), expected)| got != expected);
    match broken {
        Some(((got, _), expected)) => Err(StoreError::MissingRecords {
            expected,
            got: *got,
        }),
        None => Ok(()),
    }
}

/// Walks the records of one segment.
struct Scan<'a> {
    segment: &'a Loaded,
    later: &'a [Loaded],
    next: u64,
    /// First record of the segment after this one, from which on this one is void.
    limit: Option<u64>,
    applied: u64,
}

impl Scan<'_> {
    fn run(&mut self, ops: &mut Vec<(u64, Op)>) -> Result<(), StoreError> {
        let mut rest = self.segment.bytes.get(SEGMENT_HEADER..).unwrap_or_default();
        while self.limit.is_none_or(|limit| self.next < limit) {
            let Some((frame, tail)) = Frame::read(rest).filter(|(f, _)| f.number == self.next)
            else {
                return self.bad_record(rest);
            };
            if frame.number > self.applied {
                ops.push((frame.number, frame.op()?));
            }
            self.next += 1;
            rest = tail;
        }
        Ok(())
    }

    /// Decides what an unreadable record is: the end, or damage.
    fn bad_record(&self, rest: &[u8]) -> Result<(), StoreError> {
        if let Some(limit) = self.limit {
            let needed = limit > self.applied + 1;
            return if needed {
                Err(damage(self.segment, self.next))
            } else {
                Ok(())
            };
        }
        let from = self.segment.bytes.len() - rest.len();
        refuse_damage(self.segment, from, self.later, self.next)
    }
}

/// Whether record `next` is in a later segment, so that one in between holds nothing that counts: its name became
/// durable, and making the rest of it failed.
fn is_replaced(later: &[Loaded], next: u64) -> bool {
    let header = later.iter().find_map(|segment| segment.header.as_ref());
    header.is_some_and(|header| header.first <= next)
}

/// Fails if anything readable from `from` on says that `record` was durable.
fn refuse_damage(
    at: &Loaded,
    from: usize,
    later: &[Loaded],
    record: u64,
) -> Result<(), StoreError> {
    let here = at.bytes.get(from..).unwrap_or_default();
    let mut parts = std::iter::once(here).chain(later.iter().map(|s| s.bytes.as_slice()));
    if parts.any(|bytes| highest_durable(bytes) >= record) {
        return Err(damage(at, record));
    }
    Ok(())
}

/// The highest `durable` of any whole record that starts anywhere in `bytes`.
fn highest_durable(mut bytes: &[u8]) -> u64 {
    let mut highest = 0;
    while let Some(at) = bytes
        .windows(RECORD_MAGIC.len())
        .position(|w| w == RECORD_MAGIC)
    {
        bytes = bytes.get(at..).unwrap_or_default();
        match Frame::read(bytes) {
            Some((frame, rest)) => {
                highest = highest.max(frame.durable);
                bytes = rest;
            }
            None => bytes = bytes.get(1..).unwrap_or_default(),
        }
    }
    highest
}

fn damage(segment: &Loaded, record: u64) -> StoreError {
    StoreError::Corrupt {
        path: segment.path.clone(),
        record,
    }
}
