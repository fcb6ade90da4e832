//! Disk and ports of this machine.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::report::Report;

/// Bytes that should be free: below the first nothing good can be expected, below the second not for long.
const FREE: (u64, u64) = (2 << 30, 20 << 30);
/// Time of a sync: above the first the node works, above the second users wait for the disk alone.
const SYNC: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));
/// Syncs that are measured.
const SYNCS: usize = 21;
/// Bytes written before each sync.
const BLOCK: [u8; 4096] = [0; 4096];

/// Room, speed and lock of a data directory; whether a node runs on it.
pub(super) fn check_datadir(datadir: &Path, report: &mut Report) -> bool {
    // A relative path has no parent to look at.
    let whole = std::path::absolute(datadir);
    let nearest = whole
        .as_deref()
        .ok()
        .and_then(|path| path.ancestors().find(|place| place.exists()));
    let Some(place) = nearest.filter(|place| place.is_dir()) else {
        let found = match nearest {
            Some(file) => format!("{} is no folder", file.display()),
            None => format!("no folder of {} is there", datadir.display()),
        };
        report.fail("data directory", found, "name another with --datadir");
        return false;
    };
    check_room(place, report);
    check_sync(place, report);
    let is_running = is_locked(datadir);
    let state = match (datadir.is_dir(), is_running) {
        (false, _) => "not there yet, will be made",
        (true, true) => "in use by a running node",
        (true, false) => "not in use",
    };
    report.ok("data directory", format!("{}, {state}", datadir.display()));
    is_running
}

fn is_locked(datadir: &Path) -> bool {
    let Ok(lock) = File::options().write(true).open(datadir.join("lock")) else {
        return false;
    };
    matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}

fn check_room(place: &Path, report: &mut Report) {
    let to_do =
        "make room: `trestle snapshot create` elsewhere, a larger disk, or another --datadir";
    let free = match rustix::fs::statvfs(place) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => {
            report.fail("disk", format!("cannot be asked: {error}"), to_do);
            return;
        }
    };
    let found = format!("{} GiB free", free >> 30);
    match free {
        free if free < FREE.0 => report.fail("disk", found, to_do),
        free if free < FREE.1 => report.warn("disk", found, to_do),
        _ => report.ok("disk", found),
    }
}

fn check_sync(place: &Path, report: &mut Report) {
    let probe = place.join(format!(".trestle-doctor-{}", std::process::id()));
    let measured = measure(&probe);
    let _ = fs::remove_file(&probe);
    let to_do = "use a disk of one's own with a write cache that survives power loss (NVMe)";
    match measured {
        Ok(median) => {
            let found = format!("a sync takes {median:.1?}");
            match median {
                median if median > SYNC.1 => report.fail("disk's speed", found, to_do),
                median if median > SYNC.0 => report.warn("disk's speed", found, to_do),
                _ => report.ok("disk's speed", found),
            }
        }
        Err(error) => {
            let found = format!("{} cannot be written: {error}", place.display());
            report.fail(
                "disk's speed",
                found,
                "give the node's user the folder (chown), or name another --datadir",
            );
        }
    }
}

/// Median time of a sync of a small append.
fn measure(probe: &PathBuf) -> std::io::Result<Duration> {
    let mut file = File::options().create_new(true).append(true).open(probe)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&BLOCK)?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(SYNCS / 2).copied().unwrap_or_default())
}

/// Whether a port can be listened on.
pub(super) fn check_port(what: &str, address: SocketAddr, is_running: bool, report: &mut Report) {
    match TcpListener::bind(address) {
        Ok(_) => report.ok(what, format!("{address} is free")),
        Err(_) if is_running => report.ok(what, format!("{address}, in use by a running node")),
        Err(error) => report.fail(
            what,
            format!("{address}: {error}"),
            "stop what listens there (`ss -ltnp`), or choose another port",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a data directory, as seen from the folder of this crate.
    fn look(datadir: &str) -> eyre::Result<()> {
        let mut report = Report::default();
        assert!(!check_datadir(Path::new(datadir), &mut report));
        report.end()
    }

    #[test]
    fn relative_data_directory_that_is_not_there_yet_is_in_order() {
        look("not-there-yet").unwrap();
        look("./not-there-yet/below").unwrap();
    }

    #[test]
    fn file_in_place_of_a_data_directory_is_a_failure() {
        assert!(look("Cargo.toml").is_err());
        assert!(look("Cargo.toml/below").is_err());
    }
}
