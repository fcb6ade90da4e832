//! Wall time, CPU time of processes from `/proc`, and latencies.

use std::{fs, time::Duration};

use eyre::{WrapErr, eyre};

/// Fields of `/proc/<pid>/stat` after the command's closing bracket, up to `utime`.
const BEFORE_UTIME: usize = 11;

/// What a run took.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Transactions included, each with its receipt.
    pub(crate) transactions: usize,
    /// First request to last receipt.
    pub(crate) wall: Duration,
    /// CPU time of the node in that time.
    pub(crate) node_cpu: Duration,
    /// CPU time of this program in that time.
    pub(crate) own_cpu: Duration,
    /// Send to receipt, of half and of 99 in 100 transactions.
    pub(crate) latency: [Duration; 2],
}

impl Measured {
    /// Transactions per second.
    pub(crate) fn rate(&self) -> f64 {
        self.per(self.wall.as_secs_f64())
    }

    /// CPU time of the node, in µs per transaction.
    pub(crate) fn node_micros(&self) -> f64 {
        1e6 / self.per(self.node_cpu.as_secs_f64())
    }

    /// CPU time of this program, in µs per transaction.
    pub(crate) fn own_micros(&self) -> f64 {
        1e6 / self.per(self.own_cpu.as_secs_f64())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    fn per(&self, seconds: f64) -> f64 {
        self.transactions as f64 / seconds
    }
}

/// CPU clocks at the start of a run.
#[derive(Debug)]
pub(crate) struct Meter {
    process: u32,
    node: Duration,
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
            node: cpu(process)?,
            own: cpu(std::process::id())?,
        })
    }

    /// Reads them again.
    ///
    /// # Errors
    /// When the process is gone, or nothing was sent.
    pub(crate) fn finish(
        self,
        wall: Duration,
        mut latencies: Vec<Duration>,
    ) -> eyre::Result<Measured> {
        latencies.sort_unstable();
        let transactions = latencies.len();
        let at = |percent: usize| latencies.get(transactions * percent / 100).copied();
        let latency = at(50)
            .zip(at(99))
            .ok_or_else(|| eyre!("nothing was sent"))?;
        Ok(Measured {
            transactions,
            wall,
            node_cpu: cpu(self.process)?.saturating_sub(self.node),
            own_cpu: cpu(std::process::id())?.saturating_sub(self.own),
            latency: latency.into(),
        })
    }
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
        assert_eq!(measured.latency, [50, 99].map(Duration::from_secs));
        assert!((measured.rate() - 10.0).abs() < 1e-9);
    }
}
