//! Wall time, CPU time of processes from `/proc`, and latencies.

use std::{fs, time::Duration};

use eyre::{WrapErr, eyre};

/// Fields of `/proc/<pid>/stat` after the command's closing bracket, up to `utime`.
const BEFORE_UTIME: usize = 11;

/// Send to receipt, of half and of 99 in 100 transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Latency {
    /// Median.
    pub(crate) half: Duration,
    /// 99th percentile.
    pub(crate) most: Duration,
}

impl Latency {
    /// Of these, which are at least one.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn of(mut latencies: Vec<Duration>) -> eyre::Result<Self> {
        latencies.sort_unstable();
        let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied();
        let (half, most) = at(50)
            .zip(at(99))
            .ok_or_else(|| eyre!("nothing was sent"))?;
        Ok(Self { half, most })
    }
}

/// What a run took.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Transactions included, each with its receipt.
    pub(crate) transactions: usize,
    /// First request to last receipt.
    pub(crate) wall: Duration,
    /// What the node used in that time.
    pub(crate) node: Usage,
    /// CPU time of this program in that time.
    pub(crate) own_cpu: Duration,
    /// Send to receipt.
    pub(crate) latency: Latency,
    /// Anonymous resident memory of the node at the end, in bytes: without what is mapped from files.
    pub(crate) resident: u64,
}

/// What a process has used since it began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// User and system time of all threads.
    pub(crate) cpu: Duration,
    /// Bytes of its write calls, to files and sockets: the kernel's count of bytes for disks takes a whole large
    /// folio for a page of it, six times what was written.
    pub(crate) written: u64,
}

impl Measured {
    /// Transactions per second.
    pub(crate) fn rate(&self) -> f64 {
        self.per(self.wall.as_secs_f64())
    }

    /// CPU time of the node, in µs per transaction.
    pub(crate) fn node_micros(&self) -> f64 {
        1e6 / self.per(self.node.cpu.as_secs_f64())
    }

    /// CPU time of this program, in µs per transaction.
    pub(crate) fn own_micros(&self) -> f64 {
        1e6 / self.per(self.own_cpu.as_secs_f64())
    }

    /// Bytes that the node wrote, per transaction.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(crate) fn written(&self) -> f64 {
        1.0 / self.per(self.node.written as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    fn per(&self, seconds: f64) -> f64 {
        self.transactions as f64 / seconds
    }
}

/// Clocks at the start of a run.
#[derive(Debug)]
pub(crate) struct Meter {
    process: u32,
    node: Usage,
    own: Duration,
}

impl Meter {
    /// Reads the clocks.
    ///
    /// # Errors
    /// When the process is not there.
    pub(crate) fn start(process: u32) -> eyre::Result<Self> {
        Ok(Self {
            process,
            node: usage(process)?,
            own: cpu(std::process::id())?,
        })
    }

    /// Reads them again.
    ///
    /// # Errors
    /// When the process is gone, or nothing was sent.
    pub(crate) fn finish(self, wall: Duration, latencies: Vec<Duration>) -> eyre::Result<Measured> {
        let now = usage(self.process)?;
        Ok(Measured {
            transactions: latencies.len(),
            wall,
            node: Usage {
                cpu: now.cpu.saturating_sub(self.node.cpu),
                written: now.written.saturating_sub(self.node.written),
            },
            own_cpu: cpu(std::process::id())?.saturating_sub(self.own),
            latency: Latency::of(latencies)?,
            resident: field(self.process, "status", "RssAnon:")?.saturating_mul(1_024),
        })
    }
}

fn usage(process: u32) -> eyre::Result<Usage> {
    Ok(Usage {
        cpu: cpu(process)?,
        written: field(process, "io", "wchar:")?,
    })
}

/// A number from a file of `/proc/<pid>` with a name on each line.
fn field(process: u32, file: &str, name: &str) -> eyre::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/{file}"))
        .wrap_err_with(|| format!("process {process} is not there"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    let number = value.and_then(|value| value.split_whitespace().next());
    Ok(number
        .ok_or_else(|| eyre!("/proc/{process}/{file} has no {name}"))?
        .parse()?)
}

/// User and system time of a process, all its threads included.
fn cpu(process: u32) -> eyre::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))
        .wrap_err_with(|| format!("process {process} is not there"))?;
    let (_, fields) = stat
        .rsplit_once(')')
        .ok_or_else(|| eyre!("/proc/{process}/stat has no command"))?;
    let mut fields = fields.split_whitespace().skip(BEFORE_UTIME);
    let mut ticks = || -> eyre::Result<u64> {
        Ok(fields
            .next()
            .ok_or_else(|| eyre!("/proc/{process}/stat is short"))?
            .parse()?)
    };
    let total = ticks()? + ticks()?;
    Ok(Duration::from_millis(total * 1_000 / ticks_per_second()))
}

/// Unit of `/proc/<pid>/stat`; Linux has shown 100 to user space on every architecture for decades.
const fn ticks_per_second() -> u64 {
    100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_of_this_process_grows() {
        let before = cpu(std::process::id()).unwrap();
        let start = std::time::Instant::now();
        let mut x = 1u64;
        while start.elapsed() < Duration::from_millis(100) {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        assert!(cpu(std::process::id()).unwrap() > before);
    }

    #[test]
    fn latencies_are_those_of_the_sorted_list() {
        let meter = Meter::start(std::process::id()).unwrap();
        let latencies = (0..100).rev().map(Duration::from_secs).collect();
        let measured = meter.finish(Duration::from_secs(10), latencies).unwrap();
        let [half, most] = [50, 99].map(Duration::from_secs);
        assert_eq!(measured.latency, Latency { half, most });
        assert!((measured.rate() - 10.0).abs() < 1e-9);
    }
}
