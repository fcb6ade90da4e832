//! The table, and how its figures came about.

use std::fmt::{self, Display, Formatter};

use crate::{
    disk::Disk,
    load::{BATCH, Kind, Plan},
    measure::Measured,
    stack::Posted,
};

/// One run.
#[derive(Debug)]
pub(crate) struct Row {
    /// What was loaded.
    pub(crate) chain: &'static str,
    /// With what.
    pub(crate) kind: Kind,
    /// What it took.
    pub(crate) measured: Measured,
    /// What reached L1, for a rollup.
    pub(crate) posted: Option<Posted>,
}

/// All runs.
#[derive(Debug)]
pub(crate) struct Report {
    /// How much was sent.
    pub(crate) plan: Plan,
    /// Where the data is.
    pub(crate) disk: Disk,
    /// The runs, a chain and its comparison after each other.
    pub(crate) rows: Vec<Row>,
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.fmt_method(f)?;
        writeln!(
            f,
            "{:<8} {:<6} {:>8} {:>9} {:>11} {:>11} {:>9} {:>9} {:>10}",
            "chain",
            "kind",
            "tx",
            "tx/s",
            "node µs/tx",
            "load µs/tx",
            "p50 ms",
            "p99 ms",
            "L1 B/tx"
        )?;
        self.rows.iter().try_for_each(|row| row.fmt_line(f))?;
        for pair in self.rows.chunks(2) {
            if let [ours, theirs] = pair {
                fmt_ratio(f, ours, theirs)?;
            }
        }
        Ok(())
    }
}

impl Report {
    fn fmt_method(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Plan {
            senders,
            each,
            connections,
        } = self.plan;
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        writeln!(
            f,
            "Method: {senders} accounts send {each} transactions each, signed beforehand, over"
        )?;
        writeln!(
            f,
            "{connections} connections in JSON-RPC batches of {BATCH}; every receipt is fetched by its hash."
        )?;
        writeln!(
            f,
            "Time runs from the first request to the last receipt. Latency runs from the start of a"
        )?;
        writeln!(
            f,
            "batch's request to the moment its last receipt is read. CPU is user and system time of"
        )?;
        writeln!(
            f,
            "the node's process from /proc; on the same {cores} cores run this generator and, for"
        )?;
        writeln!(
            f,
            "trestle, its L1 and its replica. trestle: default settings, every block durable before"
        )?;
        writeln!(
            f,
            "its receipts are served, data on {} where 4 KiB take {} µs to become durable.",
            self.disk.kind,
            self.disk.sync.as_micros()
        )?;
        writeln!(
            f,
            "anvil: blocks every second of up to 10^9 gas, state in memory. Bytes on L1: payloads of"
        )?;
        writeln!(
            f,
            "all batches of the chain by all its user transactions, those that fund the load included.\n"
        )
    }
}

impl Row {
    fn fmt_line(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            chain,
            kind,
            measured,
            posted,
        } = self;
        let kind = match kind {
            Kind::Ether => "ETH",
            Kind::Token => "ERC-20",
        };
        let [half, most] = measured.latency.map(|latency| latency.as_secs_f64() * 1e3);
        write!(
            f,
            "{chain:<8} {kind:<6} {:>8} {:>9.0} {:>11.1} {:>11.1} {half:>9.0} {most:>9.0}",
            measured.transactions,
            measured.rate(),
            measured.node_micros(),
            measured.own_micros(),
        )?;
        match posted {
            Some(posted) => writeln!(f, " {:>10.1}", posted.per_transaction()),
            None => writeln!(f, " {:>10}", "-"),
        }
    }
}

impl Posted {
    /// Bytes of payload for each transaction.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    fn per_transaction(&self) -> f64 {
        self.bytes as f64 / self.transactions.max(1) as f64
    }
}

fn fmt_ratio(f: &mut Formatter<'_>, ours: &Row, theirs: &Row) -> fmt::Result {
    let rate = ours.measured.rate() / theirs.measured.rate();
    let cpu = ours.measured.node_micros() / theirs.measured.node_micros();
    writeln!(
        f,
        "{} / {} ({:?}): {rate:.2} × the transactions per second at {cpu:.2} × the CPU time",
        ours.chain, theirs.chain, ours.kind
    )
}
