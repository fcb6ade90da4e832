//! `trestle claim`: proves and finalises withdrawals that were begun.

use std::time::Duration;

use alloy::primitives::B256;
use eyre::bail;
use serde_json::json;
use trestle_sdk::transfer::{
    Claim, L2Node, PendingWithdrawal, Status, Step, TransferError, Wallet, withdrawals_of,
};

use super::{
    Chain, ChainArgs, NodeArgs, SpeakArgs,
    list::words,
    report::{Reporter, span},
};
use crate::key::KeyArgs;

/// Prove and finalise withdrawals that were begun: those of one L2 transaction, or all of the account.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// L2 transaction that began them; all withdrawals that the account began without.
    transaction: Option<B256>,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Do what can be done now and do not wait.
    #[arg(long)]
    no_wait: bool,
    /// Say where they stand and send nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    follow: FollowArgs,
    #[command(flatten)]
    speak: SpeakArgs,
}

/// How long to follow a withdrawal.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct FollowArgs {
    /// Longest wait for the payment, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30 * 86_400)]
    timeout: u64,
}

/// Claims.
///
/// # Errors
/// When there is nothing to claim, or a layer refuses.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let node = chain.node(&args.node).await?;
    let wallet = chain.l1_wallet(args.key.signer()?);
    let pending = match args.transaction {
        Some(tx) => node.withdrawals_in(tx).await?,
        None => withdrawals_of(node.provider(), wallet.account(), 0).await?,
    };
    if pending.is_empty() {
        bail!("no withdrawals found");
    }
    for one in &pending {
        let hash = one.withdrawal.hash();
        let status = chain.settlement.status(hash, wallet.account()).await?;
        let is_kept = chain.settlement.keeps(&one.withdrawal).await?;
        say(
            (hash, is_kept),
            status,
            chain.settlement.time().await?,
            report,
        );
        if args.dry_run || (status == Status::Finalized && !is_kept) {
            continue;
        }
        if args.no_wait {
            once(&chain, &node, &wallet, one, report).await?;
        } else {
            follow(&chain, &node, &wallet, one, (args.follow, report)).await?;
        }
    }
    Ok(())
}

fn say((hash, is_kept): (B256, bool), status: Status, now: u64, report: Reporter) {
    let (name, at) = words(status, is_kept);
    let seconds = at.map(|at| at.saturating_sub(now));
    let when = seconds.map_or(String::new(), |seconds| format!(" in {}", span(seconds)));
    report.progress(
        "withdrawal",
        json!({ "withdrawal": hash, "status": name, "readyAt": at, "seconds": seconds }),
        &format!("withdrawal {hash}: {name}{when}"),
    );
}

/// Does what can be done now.
async fn once(
    chain: &Chain,
    node: &L2Node,
    wallet: &Wallet,
    pending: &PendingWithdrawal,
    report: Reporter,
) -> eyre::Result<()> {
    let claim = claim_of(chain, node, wallet, pending).await?;
    let step = claim.advance().await?;
    report.step(&step, chain.settlement.time().await?);
    Ok(())
}

/// Follows a withdrawal to its payment.
///
/// # Errors
/// When L1 refuses, or it takes longer than it may.
pub(crate) async fn follow(
    chain: &Chain,
    node: &L2Node,
    wallet: &Wallet,
    pending: &PendingWithdrawal,
    (args, report): (FollowArgs, Reporter),
) -> eyre::Result<()> {
    let claim = claim_of(chain, node, wallet, pending).await?;
    let started = chain.settlement.time().await?;
    let clock = std::time::Instant::now();
    let mut tell =
        |step: &Step| report.step(step, started.saturating_add(clock.elapsed().as_secs()));
    claim
        .complete(Duration::from_secs(args.timeout), &mut tell)
        .await?;
    Ok(())
}

async fn claim_of<'a>(
    chain: &'a Chain,
    node: &'a L2Node,
    wallet: &'a Wallet,
    pending: &'a PendingWithdrawal,
) -> Result<Claim<'a, L2Node>, TransferError> {
    let time = node.time_of(pending.block).await?.unwrap_or(0);
    // An L2 block may be ahead of L1's clock by as much.
    let since = time.saturating_sub(chain.files.chain.max_time_drift);
    Ok(Claim {
        settlement: &chain.settlement,
        wallet,
        source: node,
        pending,
        since,
    })
}
