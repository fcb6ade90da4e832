//! `trestle-load`: how many transactions per second a chain includes, and at what cost.
//!
//! Starts `trestle dev` and, beside it, anvil; loads one after the other with the same transactions
//! in the same way, and prints one table. Method: see [`report`].

mod anvil;
mod disk;
mod load;
mod measure;
mod report;
mod rpc;
mod senders;
mod stack;

use std::path::PathBuf;

use clap::Parser;

use load::{Kind, Plan};
use report::Row;

/// Load a Trestle dev chain and anvil with the same transactions, and compare.
#[derive(Debug, Parser)]
struct Args {
    /// The `trestle` program to measure.
    #[arg(long)]
    trestle: PathBuf,
    /// The anvil to compare with.
    #[arg(long)]
    anvil: PathBuf,
    /// Folder on a disk for the chain's data.
    #[arg(long, default_value = "target")]
    disk: PathBuf,
    /// Accounts that send.
    #[arg(long, default_value_t = 1_000)]
    senders: usize,
    /// Transactions of each account, in each run.
    #[arg(long, default_value_t = 20)]
    each: usize,
    /// Connections that send at once.
    #[arg(long, default_value_t = 4)]
    connections: usize,
}

fn main() -> eyre::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&args))
}

async fn run(args: &Args) -> eyre::Result<()> {
    let plan = Plan {
        senders: args.senders,
        each: args.each,
        connections: args.connections,
    };
    let disk = disk::describe(&args.disk)?;
    let mut rows = Vec::new();
    for kind in [Kind::Ether, Kind::Token] {
        rows.push(trestle(args, plan, kind).await?);
        rows.push(anvil(args, plan, kind).await?);
    }
    print!("{}", report::Report { plan, disk, rows });
    Ok(())
}

/// A fresh dev chain for each kind, so that every row begins alike.
async fn trestle(args: &Args, plan: Plan, kind: Kind) -> eyre::Result<Row> {
    let stack = stack::Stack::start(&args.trestle, &args.disk).await?;
    let target = stack.target();
    let measured = load::run(&target, plan, kind).await?;
    let posted = stack.posted().await?;
    stack.stop().await?;
    Ok(Row {
        chain: "trestle",
        kind,
        measured,
        posted: Some(posted),
    })
}

async fn anvil(args: &Args, plan: Plan, kind: Kind) -> eyre::Result<Row> {
    let anvil = anvil::Anvil::start(&args.anvil).await?;
    let measured = load::run(&anvil.target(), plan, kind).await?;
    anvil.stop().await?;
    Ok(Row {
        chain: "anvil",
        kind,
        measured,
        posted: None,
    })
}
