//! `trestle transfers`: what an account moved between the layers, and where it stands.

use alloy::{
    primitives::{Address, B256},
    providers::Provider,
};
use serde_json::json;
use trestle_sdk::transfer::{
    L2Node, PendingWithdrawal, SentDeposit, Status, deposits_of, withdrawals_of,
};

use super::{
    Amount, Chain, ChainArgs, NodeArgs, SpeakArgs,
    report::{Reporter, span},
};

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
        let status = arrival(&chain, &node, deposit.transaction).await?;
        say_deposit(&deposit, status, report);
    }
    let now = chain.settlement.time().await?;
    for pending in withdrawals_of(node.provider(), args.account, 0).await? {
        let hash = pending.withdrawal.hash();
        let status = chain.settlement.status(hash, args.account).await?;
        let is_kept = chain.settlement.keeps(&pending.withdrawal).await?;
        say_withdrawal(&pending, words(status, is_kept), now, report);
    }
    Ok(())
}

/// Where the deposits of an L1 transaction are: all arrived, one kept because it failed, or some still to come.
async fn arrival(chain: &Chain, node: &L2Node, tx: B256) -> eyre::Result<&'static str> {
    let settlement = &chain.settlement;
    let receipt = settlement.provider().get_transaction_receipt(tx).await?;
    let Some(receipt) = receipt else {
        return Ok("pending");
    };
    let mut status = "arrived";
    for sent in settlement.deposits_in(&receipt, &chain.files.chain) {
        match node.receipt(sent.l2_tx).await? {
            None => return Ok("pending"),
            Some(receipt) if receipt.kept_message().is_some() => status = "kept",
            Some(receipt) if !receipt.is_success() => status = "failed",
            Some(_) => {}
        }
    }
    Ok(status)
}

fn say_deposit(deposit: &SentDeposit, status: &str, report: Reporter) {
    let (to, tx) = (deposit.to, deposit.transaction);
    let amount = Amount::of(deposit.amount, deposit.token);
    report.result(
        "deposit",
        json!({
            "to": to, "value": deposit.amount, "token": deposit.token, "l1Block": deposit.block, "l1Tx": tx,
            "status": status,
        }),
        &format!("deposit     {amount}  to {to}  {status}  in {tx}"),
    );
}

fn say_withdrawal(
    pending: &PendingWithdrawal,
    (name, at): (&str, Option<u64>),
    now: u64,
    report: Reporter,
) {
    let withdrawal = &pending.withdrawal;
    let hash = withdrawal.hash();
    let seconds = at.map(|at| at.saturating_sub(now));
    let when = seconds.map_or(String::new(), |seconds| format!(" in {}", span(seconds)));
    let (token, to, value) = match withdrawal.tokens() {
        Some((token, to, units)) => (Some(token), to, units),
        None => (None, withdrawal.target, withdrawal.value),
    };
    let amount = Amount::of(value, token);
    report.result(
        "withdrawal",
        json!({
            "withdrawal": hash, "to": to, "value": value, "token": token, "l2Block": pending.block,
            "l2Tx": pending.transaction, "status": name, "readyAt": at, "seconds": seconds,
        }),
        &format!("withdrawal  {amount}  to {to}  {name}{when}  {hash}"),
    );
}

/// Name of a status, and the time that it names, in seconds since 1970; `is_kept` tells of a message that failed.
pub(super) const fn words(status: Status, is_kept: bool) -> (&'static str, Option<u64>) {
    match status {
        Status::Finalized if is_kept => ("kept", None),
        Status::Unproven => ("unproven", None),
        Status::Waiting { ready_at } => ("waiting", Some(ready_at)),
        Status::Ready => ("ready", None),
        Status::Finalized => ("finalized", None),
        Status::Reprove => ("reprove", None),
        Status::Paused { until } => ("paused", Some(until)),
        Status::Stopped => ("stopped", None),
    }
}
