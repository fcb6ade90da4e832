//! A disk that breaks on command and loses power, under a whole process: preloaded with `LD_PRELOAD`.
//!
//! ```text
//! process ── write, pwrite, fdatasync, unlink … ──► hooks ── rule: go on, fail, pretend, kill ──► kernel
//!                                                     └── shadow: what a loss of power would leave
//! ```
//! It watches files below one directory (`TRESTLE_POWER_ROOT`) and works from another, the desk
//! (`TRESTLE_POWER_DESK`): `rule` says what to do and may change at any time, `counts` says what was done, `fired` which
//! rules struck, `clock` by how many seconds the clock of the day is wrong. `content` and `names` are what the disk
//! holds for certain. Without the two variables it does nothing. Nothing of the product links it.
//!
//! **What is durable.** Bytes: when `fsync` or `fdatasync` of their file returned, or when they were written through a
//! descriptor with `O_DSYNC`. Names: when their directory was synced, as POSIX has it; that a file's own `fsync` brings
//! its name along, as ext4 does, is not relied on. What was mapped and written to counts as never synced.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness that cannot do its work must end the process, not go on"
)]

mod hooks;
mod rule;
mod shadow;
mod shim;
