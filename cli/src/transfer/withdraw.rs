//! `trestle withdraw`: ETH from L2 to L1, from its start to its payment.

use alloy::primitives::{Address, U256};
use serde_json::json;
use trestle_sdk::transfer::WithdrawalRequest;

use super::{
    Chain, ChainArgs, NodeArgs, SpeakArgs,
    claim::{FollowArgs, follow},
    ether,
    report::{Reporter, eth},
};
use crate::key::KeyArgs;

/// Send ETH from L2 to L1: begin, prove, wait, finalise.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How much, in ETH.
    #[arg(value_parser = ether)]
    amount: U256,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Recipient on L1; the account itself without.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    /// Begin only; `trestle claim` does the rest.
    #[arg(long)]
    no_wait: bool,
    /// Say what it would cost and send nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    follow: FollowArgs,
    #[command(flatten)]
    speak: SpeakArgs,
}

/// Withdraws.
///
/// # Errors
/// When a layer refuses or does not answer; `trestle claim` goes on from there.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let node = chain.node(&args.node).await?;
    let signer = args.key.signer()?;
    let l2 = chain.l2_wallet(&args.node, signer.clone());
    let to = args.to.unwrap_or(l2.account());
    let request = WithdrawalRequest::of_ether(to, args.amount);
    if args.dry_run {
        let quote = l2.quote("the withdrawal", request.transaction()).await?;
        report.result(
            "quote",
            json!({ "to": to, "value": args.amount, "l2Gas": quote.gas_limit, "l2Fee": quote.fee }),
            &format!("would withdraw {} to {to} on L1, for at most {} of L2 gas; proof and payment cost L1 gas", eth(args.amount), eth(quote.fee)),
        );
        return Ok(());
    }
    let pending = l2.withdraw(&request).await?;
    let hash = pending.withdrawal.hash();
    let tx = pending.transaction;
    report.progress(
        "initiated",
        json!({ "withdrawal": hash, "l2Tx": tx, "l2Block": pending.block }),
        &format!("withdrawal {hash} begun in L2 block {}", pending.block),
    );
    if args.no_wait {
        return Ok(());
    }
    follow(
        &chain,
        &node,
        &chain.l1_wallet(signer),
        &pending,
        (args.follow, report),
    )
    .await
}
