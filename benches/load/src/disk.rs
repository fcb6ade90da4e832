//! The disk under the data: which file system, and how long it takes to make a write durable.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use eyre::{WrapErr, bail};

/// Writes that are timed.
const WRITES: usize = 200;
/// Bytes of each.
const BYTES: usize = 4_096;

/// A folder's file system.
#[derive(Debug)]
pub(crate) struct Disk {
    /// Type, as the kernel names it.
    pub(crate) kind: String,
    /// Median time to append 4 KiB and make it durable.
    pub(crate) sync: Duration,
}

/// Describes the disk that `folder` is on.
///
/// # Errors
/// When the folder cannot be written, or lies in memory, where durability means nothing.
pub(crate) fn describe(folder: &Path) -> eyre::Result<Disk> {
    fs::create_dir_all(folder)?;
    let folder = folder.canonicalize()?;
    let kind = kind(&folder)?;
    if ["tmpfs", "ramfs"].contains(&kind.as_str()) {
        bail!(
            "{} is in memory ({kind}): name a folder on a disk with --disk",
            folder.display()
        );
    }
    Ok(Disk {
        kind,
        sync: sync(&folder)?,
    })
}

/// File system of the mount that is the longest prefix of `folder`.
fn kind(folder: &Path) -> eyre::Result<String> {
    let mounts = fs::read_to_string("/proc/self/mounts").wrap_err("no /proc")?;
    let under = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(at).then(|| (at.len(), kind.to_owned()))
    });
    Ok(under
        .max_by_key(|(length, _)| *length)
        .map_or_else(|| "unknown".to_owned(), |(_, kind)| kind))
}

fn sync(folder: &Path) -> eyre::Result<Duration> {
    let path = folder.join("trestle-load.sync");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let start = Instant::now();
        file.write_all(&[0x5a; BYTES])?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    fs::remove_file(path)?;
    times.sort_unstable();
    Ok(times.get(WRITES / 2).copied().unwrap_or_default())
}
