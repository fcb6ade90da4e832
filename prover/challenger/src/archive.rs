//! `trestle archive`: keeps the blobs of a chain's batches past their expiry on L1, and serves them.
//!
//! ```text
//! L1's log ─► L1Log::next_header ─► Archivist ─► Shelf (a file for each blob) ─► beacon API over HTTP
//!                                      ▲ beacon endpoints, other archives
//! ```
//! It believes nobody: a blob is kept, and given, only if its KZG commitment hashes to its name. Whoever derives the chain
//! may read the folder itself or ask the server, and checks again. What cannot be had now is asked for again,
//! and named until then.

mod error;
mod follow;
mod serve;
mod shelf;

pub use error::ArchiveError;
pub use follow::{ArchiveConfig, ArchiveStatus, Archivist};
pub use serve::routes;
pub use shelf::{Missing, Shelf};
