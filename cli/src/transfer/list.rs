//! `trestle transfers`: what an account moved between the layers, and where it stands.

use alloy::primitives::Address;
use serde_json::json;
use trestle_sdk::transfer::{deposits_of, withdrawals_of};

use super::{
    Chain, ChainArgs, NodeArgs, SpeakArgs,
    report::{Reporter, eth, span},
};
use trestle_sdk::transfer::Status;

/// List deposits and withdrawals of an account.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The account.
    account: Address,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    speak: SpeakArgs,
}

/// Lists.
///
/// # Errors
/// When a layer does not answer.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let node = chain.node(&args.node).await?;
    let start = chain.files.rollup.l1_start.number;
    for deposit in deposits_of(&chain.settlement, args.account, start).await? {
        let (to, tx) = (deposit.to, deposit.transaction);
        report.result(
            "deposit",
            json!({ "to": to, "value": deposit.mint, "l1Block": deposit.block, "l1Tx": tx }),
            &format!("deposit     {}  to {to}  in {tx}", eth(deposit.mint)),
        );
    }
    let now = chain.settlement.time().await?;
    for pending in withdrawals_of(node.provider(), args.account, 0).await? {
        let withdrawal = &pending.withdrawal;
        let hash = withdrawal.hash();
        let status = chain.settlement.status(hash, args.account).await?;
        let (name, at) = words(status);
        let when = at.map_or(String::new(), |at| {
            format!(" in {}", span(at.saturating_sub(now)))
        });
        report.result(
            "withdrawal",
            json!({
                "withdrawal": hash,
                "to": withdrawal.target,
                "value": withdrawal.value,
                "l2Block": pending.block,
                "l2Tx": pending.transaction,
                "status": name,
                "readyAt": at,
            }),
            &format!(
                "withdrawal  {}  to {}  {name}{when}  {hash}",
                eth(withdrawal.value),
                withdrawal.target
            ),
        );
    }
    Ok(())
}

const fn words(status: Status) -> (&'static str, Option<u64>) {
    match status {
        Status::Unproven => ("unproven", None),
        Status::Waiting { ready_at } => ("waiting", Some(ready_at)),
        Status::Ready => ("ready", None),
        Status::Finalized => ("finalized", None),
        Status::Reprove => ("reprove", None),
        Status::Paused { until } => ("paused", Some(until)),
        Status::Stopped => ("stopped", None),
    }
}
