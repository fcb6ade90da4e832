//! `trestle upgrade`: announces, shows, executes and cancels changes through the timelock.
//!
//! Everything is in `trestle_sdk::upgrade`; here are arguments and words. Showing needs no key.

mod words;

use alloy::primitives::{Address, B256};
use clap::Subcommand;
use eyre::eyre;
use serde_json::json;
use trestle_sdk::upgrade::{Change, Governance, ImageChange, Operation, Proxy, UpgradeError};

use crate::{
    key::KeyArgs,
    transfer::{
        Chain, ChainArgs, SpeakArgs,
        report::{Reporter, eth, span},
    },
};

/// Announce, show, execute or cancel a change of the chain's contracts or of its guest image.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Announce another guest image for games to come; games under way keep theirs.
    Image(ImageArgs),
    /// Announce another implementation of a contract.
    Implementation(ImplementationArgs),
    /// Show every change that was announced, what it would do, and when it can be executed.
    Show(ShowArgs),
    /// Execute a change whose delay is over.
    Execute(OperationArgs),
    /// Cancel a change that was announced.
    Cancel(OperationArgs),
}

/// What everything that sends a transaction takes.
#[derive(Debug, clap::Args)]
struct SendArgs {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Say what would be done and send nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    speak: SpeakArgs,
}

#[derive(Debug, clap::Args)]
struct ImageArgs {
    /// Root of the image; `trestle image` prints that of a release.
    root: B256,
    /// First batch that is proven by it: one that is appended after the execution.
    #[arg(long, value_name = "BATCH")]
    from_batch: u64,
    /// Machine steps of the worst legal batch under the new image.
    #[arg(long, value_name = "STEPS", default_value_t = 1 << 39)]
    step_cap: u64,
    /// Time to get a transaction into L1, in seconds; with the step cap it sets the least time to answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    inclusion_time: u32,
    #[command(flatten)]
    send: SendArgs,
}

#[derive(Debug, clap::Args)]
struct ImplementationArgs {
    /// The contract: inbox, portal, system-config, messenger or bridge.
    #[arg(value_parser = proxy)]
    contract: Proxy,
    /// Address of the implementation; without, this release's is brought to L1 with the parameters in force.
    #[arg(long, value_name = "ADDRESS")]
    at: Option<Address>,
    #[command(flatten)]
    send: SendArgs,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    speak: SpeakArgs,
}

#[derive(Debug, clap::Args)]
struct OperationArgs {
    /// Id of the change, as `trestle upgrade show` prints it.
    id: B256,
    #[command(flatten)]
    send: SendArgs,
}

/// Does it.
///
/// # Errors
/// When the change cannot be, or L1 refuses.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    match args.command {
        Command::Image(args) => {
            let image = ImageChange {
                root: args.root,
                from_batch: args.from_batch,
                step_cap: args.step_cap,
                inclusion_time: args.inclusion_time,
            };
            announce(&args.send, Change::Image(image)).await
        }
        Command::Implementation(args) => {
            let (proxy, at) = (args.contract, args.at);
            announce(&args.send, Change::Implementation { proxy, at }).await
        }
        Command::Show(args) => show(args).await,
        Command::Execute(args) => execute(args).await,
        Command::Cancel(args) => cancel(args).await,
    }
}

async fn announce(args: &SendArgs, change: Change) -> eyre::Result<()> {
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let governance = governance(&chain);
    let prepared = governance.prepare(&change).await?;
    let fields = |tx: Option<B256>| json!({ "id": prepared.id, "code": prepared.code_at, "delay": prepared.delay, "tx": tx });
    let wait = span(prepared.delay);
    let (id, code) = (prepared.id, prepared.code_at);
    if args.dry_run {
        let words = format!(
            "would announce change {id}, with the code at {code}; it could be executed {wait} later"
        );
        report.result("quote", fields(None), &words);
        return Ok(());
    }
    let wallet = chain.l1_wallet(args.key.signer()?);
    let tx = governance.announce(&wallet, &prepared).await?;
    let words =
        format!("announced change {id}, with the code at {code}; it can be executed in {wait}");
    report.result("announced", fields(Some(tx)), &words);
    Ok(())
}

async fn show(args: ShowArgs) -> eyre::Result<()> {
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let governance = governance(&chain);
    let now = chain.settlement.time().await?;
    let start = chain.files.rollup.l1_start.number;
    for operation in governance.operations(start).await? {
        let mut meanings = Vec::new();
        for (target, _, data) in &operation.calls {
            meanings.push(governance.meaning(*target, data).await?);
        }
        let fields = words::fields(&operation, &meanings, now);
        report.result("change", fields, &words::words(&operation, &meanings, now));
    }
    Ok(())
}

async fn execute(args: OperationArgs) -> eyre::Result<()> {
    let (args, id) = (args.send, args.id);
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let governance = governance(&chain);
    let operation = find(&chain, &governance, id).await?;
    let now = chain.settlement.time().await?;
    let request = governance.execution(&operation, now)?;
    let wallet = chain.l1_wallet(args.key.signer()?);
    if args.dry_run {
        let fee = wallet.quote("the execution", request).await?.fee;
        let words = format!("would execute change {id} for at most {}", eth(fee));
        report.result("quote", json!({ "id": id, "l1Fee": fee }), &words);
        return Ok(());
    }
    let tx = wallet
        .send("the execution", request)
        .await?
        .transaction_hash;
    report.result(
        "executed",
        json!({ "id": id, "tx": tx }),
        &format!("executed in {tx}"),
    );
    Ok(())
}

async fn cancel(args: OperationArgs) -> eyre::Result<()> {
    let (args, id) = (args.send, args.id);
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let governance = governance(&chain);
    let operation = find(&chain, &governance, id).await?;
    let wallet = chain.l1_wallet(args.key.signer()?);
    let request = governance.cancellation(&operation)?;
    if args.dry_run {
        let fee = wallet.quote("the cancellation", request).await?.fee;
        let words = format!("would cancel change {id} for at most {}", eth(fee));
        report.result("quote", json!({ "id": id, "l1Fee": fee }), &words);
        return Ok(());
    }
    let tx = wallet
        .send("the cancellation", request)
        .await?
        .transaction_hash;
    report.result(
        "cancelled",
        json!({ "id": id, "tx": tx }),
        &format!("cancelled in {tx}"),
    );
    Ok(())
}

async fn find(chain: &Chain, governance: &Governance, id: B256) -> Result<Operation, UpgradeError> {
    let all = governance
        .operations(chain.files.rollup.l1_start.number)
        .await?;
    let found = all.into_iter().find(|operation| operation.id == id);
    found.ok_or(UpgradeError::Unknown { id })
}

fn governance(chain: &Chain) -> Governance {
    let contracts = chain.files.rollup.contracts;
    Governance::new(chain.settlement.provider().clone(), contracts)
}

fn proxy(name: &str) -> eyre::Result<Proxy> {
    let found = Proxy::ALL.iter().find(|(known, _)| *known == name);
    found.map(|(_, proxy)| *proxy).ok_or_else(|| {
        let names: Vec<_> = Proxy::ALL.iter().map(|(name, _)| *name).collect();
        eyre!("there are {}", names.join(", "))
    })
}
