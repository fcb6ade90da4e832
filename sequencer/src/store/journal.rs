//! The journal: every change to the store, in order, before anything else learns of it.
//!
//! A directory of segments. A segment is a header and then records, all big-endian:
//!
//! ```text
//! header  magic "TRSJ" ‖ format u32 ‖ identity (80 bytes) ‖ first u64 ‖ crc u32 of all before it
//! record  magic "TRSR" ‖ crc u32 of all after it ‖ length u32 of body ‖ number u64 ‖ durable u64
//!         ‖ kind u8 ‖ body
//! ```
//!
//! Records are numbered from 1 without gaps. `durable` is the last record known to be on disk when
//! this one was written; it tells a torn tail (nothing lost) from damage (something lost): a bad
//! record `n` is damage if any readable record says that `n` was durable. A segment is never
//! touched again after it was closed or the process ended: the next one names its first record,
//! and whatever the previous one holds from that number on is void. Zeros may follow the last record, for segments
//! but the first after a start are prepared before they are needed; the first is left as soon as another is ready.

mod record;
mod recover;
mod spare;
mod writer;

pub(super) use record::{MarkWrite, Op};
pub(super) use recover::{Recovered, Segment, recover};
pub(super) use writer::{Journal, JournalConfig, Sink};

use super::Identity;

/// Format of the journal and of the tables; another number is refused.
pub(super) const FORMAT: u32 = 4;

const SEGMENT_MAGIC: &[u8; 4] = b"TRSJ";
const RECORD_MAGIC: &[u8; 4] = b"TRSR";
/// Bytes before the records of a segment.
const SEGMENT_HEADER: usize = 4 + 4 + Identity::LEN + 8 + 4;
/// Bytes before the body of a record.
const RECORD_HEADER: usize = 4 + 4 + 4 + 8 + 8 + 1;
