//! `trestle operator`: the operator's parameters on L1.

use alloy::primitives::Address;
use clap::Subcommand;
use eyre::bail;
use serde_json::json;
use trestle_sdk::operator::Operator;

use crate::{
    key::KeyArgs,
    transfer::{Chain, ChainArgs, SpeakArgs, report::Reporter},
};

/// Rotate the operator's parameters on L1; in force from the block that includes it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make another account the one whose batches the Inbox takes.
    SetBatcher(SetBatcher),
}

#[derive(Debug, clap::Args)]
struct SetBatcher {
    /// The account; a program's sequencer needs its key from then on.
    account: Address,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    speak: SpeakArgs,
}

/// Does it.
///
/// # Errors
/// When the key is not the operator's, or L1 refuses.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let Command::SetBatcher(args) = args.command;
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let contracts = chain.files.rollup.contracts;
    let operator = Operator::new(chain.provider(), contracts.system_config);
    let (before, account) = (operator.batcher().await?, args.account);
    if before == account {
        bail!("{account} is the batcher already");
    }
    let wallet = chain.l1_wallet(args.key.signer()?);
    let tx = operator.set_batcher(&wallet, account).await?;
    let fields = json!({ "before": before, "batcher": account, "tx": tx });
    let words = format!(
        "the batcher is {account} now, no more {before}; restart the sequencer with its key"
    );
    report.result("rotated", fields, &words);
    Ok(())
}
