//! `trestle-load`: how many transactions per second a chain includes, how soon, and at what cost.
//!
//! Starts an L1, a chain on it and its sequencer; loads that and, after it, anvil with the same transactions
//! in the same way, and prints one table. Method: see [`report`].

mod anvil;
mod crowd;
mod disk;
mod heads;
mod load;
mod measure;
mod recovery;
mod report;
mod rpc;
mod senders;
mod stack;

use std::{path::PathBuf, time::Duration};

use clap::Parser;

use load::{Load, Plan};
use measure::Latency;
use report::{Paced, Row};
use senders::Kind;
use stack::{Settings, Stack};

/// Load a Trestle chain and anvil with the same transactions, and compare.
#[derive(Debug, Parser)]
struct Args {
    /// The `trestle` program to measure.
    #[arg(long)]
    trestle: PathBuf,
    /// The anvil to compare with; none without.
    #[arg(long)]
    anvil: Option<PathBuf>,
    /// Folder on a disk for the chain's data.
    #[arg(long, default_value = "target")]
    disk: PathBuf,
    /// Accounts that send.
    #[arg(long, default_value_t = 1_000)]
    senders: usize,
    /// Transactions of each account, in each run.
    #[arg(long, default_value_t = 400)]
    each: usize,
    /// Connections that send at once.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Accounts that the chain has besides, to one of which each payment goes.
    #[arg(long, default_value_t = 0)]
    accounts: usize,
    /// What is sent; all kinds, one after the other, without.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Seconds at half load, and as many of a lone client.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Instead of all that, hold a rate for so many minutes and print memory and latency of each.
    #[arg(long, value_name = "MINUTES")]
    hold: Option<u64>,
    /// Transactions per second that are held.
    #[arg(long, default_value_t = 1_000, requires = "hold")]
    rate: u32,
    /// Target of the fee rule in gas per second, the highest that a chain may have.
    #[arg(long, default_value_t = 479_000_000)]
    target_gas: u64,
    /// MiB that may wait for L1, where a rate is held that L1 cannot take.
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    max_backlog: u32,
    /// Seconds between blocks of the rollup's L1.
    #[arg(long, default_value_t = 12)]
    l1_block_time: u64,
}

fn main() -> eyre::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&args))
}

async fn run(args: &Args) -> eyre::Result<()> {
    match args.hold {
        Some(minutes) => hold(args, minutes).await,
        None => measure(args).await,
    }
}

/// Holds a rate and shows, minute by minute, whether anything grows.
async fn hold(args: &Args, minutes: u64) -> eyre::Result<()> {
    let plan = plan(args);
    let kind = args.kind.unwrap_or(Kind::Market);
    let stack = Stack::start(&args.trestle, &args.disk, settings(args)).await?;
    let mut load = Load::prepare(stack.target()?, plan, kind, args.accounts).await?;
    println!(
        "{} transactions per second ({}) from {} accounts in batches, and a lone client beside them; anonymous memory and CPU of the node",
        args.rate,
        report::name(kind),
        plan.senders
    );
    let show = |minute, held, lone| println!("{}", report::Minute { minute, held, lone });
    load.held(args.rate.into(), Duration::from_secs(60), minutes, show)
        .await
        .map_err(|error| error.wrap_err(stack.log()))?;
    stack.stop().await
}

const fn plan(args: &Args) -> Plan {
    Plan {
        senders: args.senders,
        each: args.each,
        connections: args.connections,
    }
}

async fn measure(args: &Args) -> eyre::Result<()> {
    let plan = plan(args);
    let mut report = report::Report {
        plan,
        disk: disk::describe(&args.disk)?,
        settings: settings(args),
        accounts: args.accounts,
        seconds: args.seconds,
        recovery: recovery::measure()?,
        rows: Vec::new(),
    };
    let all = [Kind::Ether, Kind::Token, Kind::Market];
    for kind in all
        .into_iter()
        .filter(|kind| args.kind.is_none_or(|only| only == *kind))
    {
        report.rows.push(trestle(args, plan, kind).await?);
        if let Some(program) = args.anvil.as_ref().filter(|_| kind != Kind::Market) {
            report.rows.push(anvil(program, plan, kind).await?);
        }
    }
    print!("{report}");
    Ok(())
}

const fn settings(args: &Args) -> Settings {
    Settings {
        target_gas: args.target_gas,
        max_backlog: args.max_backlog,
        l1_block_time: args.l1_block_time,
    }
}

/// A fresh chain for each kind, so that every row begins alike.
async fn trestle(args: &Args, plan: Plan, kind: Kind) -> eyre::Result<Row> {
    let mut stack = Stack::start(&args.trestle, &args.disk, settings(args)).await?;
    let row = measure_stack(args, plan, kind, &mut stack).await;
    let row = row.map_err(|error| error.wrap_err(stack.log()))?;
    stack.stop().await?;
    Ok(row)
}

async fn measure_stack(
    args: &Args,
    plan: Plan,
    kind: Kind,
    stack: &mut Stack,
) -> eyre::Result<Row> {
    let seconds = Duration::from_secs(args.seconds);
    let mut load = Load::prepare(stack.target()?, plan, kind, args.accounts).await?;
    let measured = load.full().await?;
    let posted = stack.posted().await?;
    let mut paced = None;
    if args.seconds > 0 {
        let idle: Latency = load.alone(seconds).await?;
        let (half, beside) = load.paced(measured.rate() / 2.0, seconds).await?;
        paced = Some(Paced { idle, half, beside });
    }
    let restart = stack.crash().await?;
    load.restarted(stack.target()?);
    load.alone(Duration::from_millis(100)).await?;
    Ok(Row {
        chain: "trestle",
        kind,
        measured,
        paced,
        posted: Some(posted),
        restart: Some(restart),
    })
}

async fn anvil(program: &std::path::Path, plan: Plan, kind: Kind) -> eyre::Result<Row> {
    let anvil = anvil::Anvil::start(program).await?;
    // A tenth is enough: it takes ten times as long.
    let plan = Plan {
        each: plan.each.div_ceil(10),
        ..plan
    };
    let mut load = Load::prepare(anvil.target(), plan, kind, 0).await?;
    let measured = load.full().await?;
    anvil.stop().await?;
    Ok(Row {
        chain: "anvil",
        kind,
        measured,
        paced: None,
        posted: None,
        restart: None,
    })
}
