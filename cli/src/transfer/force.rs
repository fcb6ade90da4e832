//! `trestle force`: brings into L2 by L1 what the sequencer leaves out.

use alloy::primitives::{Address, Bytes, U256};
use eyre::bail;
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};
use trestle_sdk::transfer::{DepositRequest, Queue, Wallet};

use super::{
    Chain, ChainArgs, SpeakArgs,
    deposit::say_when_due,
    ether,
    report::{Reporter, eth, span},
};
use crate::key::KeyArgs;

/// Force overdue deposits into L2; with --to, send a call through L1 and see it in.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Call this account on L2, in the name of the key's account.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    /// ETH that the call carries, out of the account's balance on L2.
    #[arg(long, value_name = "ETH", value_parser = ether, default_value = "0", requires = "to")]
    value: U256,
    /// Data of the call.
    #[arg(long, value_name = "HEX", default_value = "0x", requires = "to")]
    data: Bytes,
    /// L2 gas of the call.
    #[arg(long, default_value_t = 1_000_000, requires = "to")]
    gas: u64,
    /// Say what would be done and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// Longest wait for the call, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30 * 86_400)]
    timeout: u64,
    #[command(flatten)]
    speak: SpeakArgs,
}

/// Forces.
///
/// # Errors
/// When nothing is overdue, or L1 refuses.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let wallet = chain.l1_wallet(args.key.signer()?);
    let Some(to) = args.to else {
        return force(&chain, &wallet, args.dry_run, report).await;
    };
    let request = DepositRequest {
        to,
        mint: U256::ZERO,
        value: args.value,
        gas_limit: args.gas,
        data: args.data,
    };
    let settlement = &chain.settlement;
    if args.dry_run {
        let transaction = settlement.deposit_request(&request);
        let quote = wallet.quote("the call", transaction).await?;
        let delay = settlement.forced_inclusion_delay().await?;
        let fields = json!({ "to": to, "l1Gas": quote.gas_limit, "l1Fee": quote.fee, "forcibleAfter": delay });
        let words = format!(
            "would send a call to {to} through L1, for at most {}; it could be forced in after {}",
            eth(quote.fee),
            span(delay)
        );
        report.result("quote", fields, &words);
        return Ok(());
    }
    let sent = settlement
        .deposit(&wallet, &chain.files.chain, &request)
        .await?;
    report.progress(
        "enqueued",
        json!({ "l1Tx": sent.l1_tx, "l2Tx": sent.l2_tx, "entry": sent.index }),
        &format!("enqueued in {}, on L2 it is {}", sent.l1_tx, sent.l2_tx),
    );
    see_in(
        &chain,
        &wallet,
        sent.index,
        (Duration::from_secs(args.timeout), report),
    )
    .await
}

async fn force(chain: &Chain, wallet: &Wallet, is_dry: bool, report: Reporter) -> eyre::Result<()> {
    let settlement = &chain.settlement;
    let queue = settlement.queue().await?;
    if !queue.is_overdue() {
        bail!("{}", nothing_overdue(&queue, settlement.time().await?));
    }
    let fields = json!({ "from": queue.next, "to": queue.forced_to });
    if is_dry {
        let words = format!(
            "would force in entries {} to {}",
            queue.next,
            queue.forced_to - 1
        );
        report.result("quote", fields, &words);
        return Ok(());
    }
    let tx = settlement.force_include(wallet).await?;
    let fields = json!({ "from": queue.next, "to": queue.forced_to, "l1Tx": tx });
    report.result("forced", fields, &format!("forced in by {tx}"));
    Ok(())
}

fn nothing_overdue(queue: &Queue, now: u64) -> String {
    match queue.overdue_at.checked_sub(now) {
        Some(wait) if queue.overdue_at > 0 => {
            format!(
                "nothing is overdue yet: entry {} is in {}",
                queue.next,
                span(wait)
            )
        }
        _ => "nothing waits to be included".to_owned(),
    }
}

/// Waits until a batch has consumed the entry, forcing it in when it is overdue.
async fn see_in(
    chain: &Chain,
    wallet: &Wallet,
    entry: u64,
    (limit, report): (Duration, Reporter),
) -> eyre::Result<()> {
    let settlement = &chain.settlement;
    let end = Instant::now() + limit;
    say_when_due(chain, entry, report).await?;
    loop {
        let queue = settlement.queue().await?;
        if queue.next > entry {
            report.result("included", json!({ "entry": entry }), "included by a batch");
            return Ok(());
        }
        if queue.is_overdue() {
            match settlement.force_include(wallet).await {
                Ok(tx) => report.progress(
                    "forced",
                    json!({ "l1Tx": tx }),
                    &format!("forced in by {tx}"),
                ),
                // Somebody else was first.
                Err(error) if settlement.queue().await?.next > queue.next => {
                    tracing::info!(%error, "forced in by somebody else");
                }
                Err(error) => return Err(error.into()),
            }
        }
        if Instant::now() > end {
            bail!("not included after {} s", limit.as_secs());
        }
        sleep(chain.poll).await;
    }
}
