//! The table, and how its figures came about.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use crate::{
    disk::Disk,
    load::{ASK_LATER_MILLIS, BATCH, Plan, UNDER_WAY},
    measure::{Latency, Measured},
    senders::Kind,
    stack::{Posted, Settings},
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
    /// How soon receipts came below full load.
    pub(crate) paced: Option<Paced>,
    /// What reached L1, for a rollup.
    pub(crate) posted: Option<Posted>,
    /// From a crash at the end to the first answer, without the time to notice it.
    pub(crate) restart: Option<Duration>,
}

/// Latencies below full load.
#[derive(Debug)]
pub(crate) struct Paced {
    /// A lone client on an idle chain.
    pub(crate) idle: Latency,
    /// Batches at half of the rate of full load.
    pub(crate) half: Measured,
    /// A lone client beside them.
    pub(crate) beside: Latency,
}

/// One minute of a rate that is held.
#[derive(Debug)]
pub(crate) struct Minute {
    /// Which, from 1.
    pub(crate) minute: u64,
    /// What was held.
    pub(crate) held: Measured,
    /// The lone client beside it.
    pub(crate) lone: Latency,
}

impl Display for Minute {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { minute, held, lone } = self;
        write!(
            f,
            "{minute:>4}: {:>6.0} tx/s, anonymous {:>5} MiB, {:>6.1} µs/tx, {:>6.0} B written/tx, p99 {:.1} ms, lone client p99 {:.1} ms",
            held.rate(),
            held.resident >> 20,
            held.node_micros(),
            held.written(),
            millis(held.latency.most),
            millis(lone.most)
        )
    }
}

/// All runs.
#[derive(Debug)]
pub(crate) struct Report {
    /// How much was sent.
    pub(crate) plan: Plan,
    /// Where the data is.
    pub(crate) disk: Disk,
    /// What differs from what is shipped.
    pub(crate) settings: Settings,
    /// Accounts besides the senders.
    pub(crate) accounts: usize,
    /// Seconds of each run below full load.
    pub(crate) seconds: u64,
    /// Time of one recovery on one core.
    pub(crate) recovery: Duration,
    /// The runs, a chain and its comparison after each other.
    pub(crate) rows: Vec<Row>,
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.fmt_method(f)?;
        writeln!(f, "\nfull load")?;
        writeln!(
            f,
            "{:<8} {:<7} {:>8} {:>8} {:>11} {:>11} {:>7} {:>7} {:>8} {:>8}",
            "chain",
            "kind",
            "tx",
            "tx/s",
            "node µs/tx",
            "load µs/tx",
            "p50 ms",
            "p99 ms",
            "wrote B/tx",
            "anon MiB"
        )?;
        self.rows.iter().try_for_each(|row| row.fmt_full(f))?;
        writeln!(f, "\nbelow full load, ms")?;
        self.rows.iter().try_for_each(|row| row.fmt_paced(f))?;
        writeln!(f, "\nL1 when the load ends, and a crash after it")?;
        self.rows.iter().try_for_each(|row| row.fmt_posted(f))?;
        for pair in self.rows.windows(2) {
            if let [ours, theirs] = pair {
                fmt_ratio(f, ours, theirs)?;
            }
        }
        self.fmt_limit(f)
    }
}

impl Report {
    fn fmt_method(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Plan {
            senders,
            each,
            connections,
        } = self.plan;
        let cores = cores();
        let Settings {
            target_gas,
            l1_block_time,
            ..
        } = self.settings;
        let lines = [
            format!(
                "Method: {senders} accounts send {each} transactions each, signed beforehand, over {connections} connections"
            ),
            format!(
                "in JSON-RPC batches of {BATCH}; every receipt is fetched by its hash. Time runs from the first request"
            ),
            "to the last receipt, latency from the start of a batch's request to its last receipt, which are asked for every".into(),
            format!(
                "{ASK_LATER_MILLIS} ms after sending under full load, else at each block (newHeads over a WebSocket). CPU, bytes of"
            ),
            format!(
                "write calls and memory (anonymous) are those of the node's process, from /proc. Under full load at most {UNDER_WAY}"
            ),
            "batches of a connection wait for receipts. On the same".into(),
            format!(
                "{cores} cores run this generator and, for trestle, its L1. trestle: the shipped configuration but for a"
            ),
            format!(
                "target of {target_gas} gas per second and deposits without depth; batches in blobs, L1 blocks every"
            ),
            format!(
                "{l1_block_time} s; every transaction durable before its hash, every block before its receipts are served"
            ),
            format!(
                "(fdatasync); data on {} where 4 KiB take {} µs to become durable. Recipients: {}.",
                self.disk.kind,
                self.disk.sync.as_micros(),
                match self.accounts {
                    0 => "one account".to_owned(),
                    accounts => format!("{accounts} accounts, at random"),
                }
            ),
            format!(
                "Below full load: {} s of one client that sends a transaction when the receipt of the last is there,",
                self.seconds
            ),
            "first alone, then beside batches at half of full load's rate. anvil: a tenth of the transactions,".into(),
            "blocks every second of up to 10^9 gas, state in memory. market: of five transactions two pay in ETH,".into(),
            "two in an ERC-20, one in ETH with a commission through Multicall3.".into(),
        ];
        lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }

    fn fmt_limit(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let micros = self.recovery.as_secs_f64() * 1e6;
        let limit = f64::from(u32::try_from(cores()).unwrap_or(1)) * 1e6 / micros;
        writeln!(
            f,
            "one signature recovered by the C library: {micros:.1} µs; recovery alone would limit all cores to {limit:.0} tx/s"
        )
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Name of a kind of load.
pub(crate) const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Ether => "ETH",
        Kind::Token => "ERC-20",
        Kind::Market => "market",
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Row {
    fn fmt_full(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Measured {
            transactions,
            latency,
            resident,
            ..
        } = &self.measured;
        writeln!(
            f,
            "{:<8} {:<7} {:>8} {:>8.0} {:>11.1} {:>11.1} {:>7.1} {:>7.1} {:>8.0} {:>8}",
            self.chain,
            name(self.kind),
            transactions,
            self.measured.rate(),
            self.measured.node_micros(),
            self.measured.own_micros(),
            millis(latency.half),
            millis(latency.most),
            self.measured.written(),
            resident >> 20,
        )
    }

    fn fmt_paced(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(Paced { idle, half, beside }) = &self.paced else {
            return Ok(());
        };
        let pair = |latency: &Latency| {
            format!(
                "p50 {:.1} p99 {:.1}",
                millis(latency.half),
                millis(latency.most)
            )
        };
        writeln!(
            f,
            "{:<8} {:<7} alone: {}; half load ({:.0} tx/s, {:.1} node µs/tx): batches {}, single requests {}",
            self.chain,
            name(self.kind),
            pair(idle),
            half.rate(),
            half.node_micros(),
            pair(&half.latency),
            pair(beside)
        )
    }

    fn fmt_posted(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (Some(posted), Some(restart)) = (&self.posted, self.restart) else {
            return Ok(());
        };
        writeln!(
            f,
            "{:<8} {:<7} {} transactions posted, {:.1} bytes of blob space each; {} wait for L1; killed, it answers again after {:.0} ms",
            self.chain,
            name(self.kind),
            posted.transactions,
            posted.per_transaction(),
            posted.backlog,
            millis(restart)
        )
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
    if ours.chain == theirs.chain || ours.kind != theirs.kind {
        return Ok(());
    }
    let rate = ours.measured.rate() / theirs.measured.rate();
    let cpu = ours.measured.node_micros() / theirs.measured.node_micros();
    writeln!(
        f,
        "{} / {} ({}): {rate:.2} × the transactions per second at {cpu:.2} × the CPU time",
        ours.chain,
        theirs.chain,
        name(ours.kind)
    )
}
