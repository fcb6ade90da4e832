//! `trestle withdraw`: ETH or tokens from L2 to L1, from its start to its payment.

use alloy::{primitives::Address, rpc::types::TransactionRequest};
use serde_json::json;
use trestle_sdk::transfer::{TokenRequest, Wallet, WithdrawalRequest};

use super::{
    Amount, Chain, ChainArgs, NodeArgs, SpeakArgs,
    claim::{FollowArgs, follow},
    report::{Reporter, eth},
};
use crate::key::KeyArgs;

/// Send ETH or tokens from L2 to L1: begin, prove, wait, finalise.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How much, in ETH; in the token's smallest unit with --token.
    amount: String,
    /// Send this token of L2 instead of ETH.
    #[arg(long, value_name = "ADDRESS")]
    token: Option<Address>,
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
    let amount = Amount::parse(&args.amount, args.token)?;
    let mut calls = match amount {
        Amount::Ether(wei) => {
            let request = WithdrawalRequest::of_ether(to, wei);
            vec![request.initiation().transaction()]
        }
        Amount::Token { token, units } => {
            let amount = units;
            let request = TokenRequest { token, to, amount };
            l2.token_withdrawal(&request).await?
        }
    };
    if args.dry_run {
        return quote(&l2, calls, (to, amount), report).await;
    }
    let last = calls.pop().unwrap_or_default();
    for call in calls {
        l2.send("the allowance", call).await?;
    }
    let pending = l2.withdraw(last).await?;
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

/// What the next transaction would cost: a token's withdrawal cannot be tried out before its allowance is given.
async fn quote(
    l2: &Wallet,
    calls: Vec<TransactionRequest>,
    (to, amount): (Address, Amount),
    report: Reporter,
) -> eyre::Result<()> {
    let transactions = calls.len();
    let first = calls.into_iter().next().unwrap_or_default();
    let quote = l2.quote("the withdrawal", first).await?;
    report.result(
        "quote",
        json!({
            "to": to, "value": amount.units(), "token": amount.token(), "transactions": transactions,
            "l2Gas": quote.gas_limit, "l2Fee": quote.fee,
        }),
        &format!(
            "would withdraw {amount} to {to} on L1 in {transactions} transactions, the first for at most {} of L2 gas; proof and payment cost L1 gas",
            eth(quote.fee)
        ),
    );
    Ok(())
}
