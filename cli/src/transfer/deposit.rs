//! `trestle deposit`: ETH from L1 to L2.

use alloy::{
    primitives::{Address, U256},
    transports::http::reqwest::Url,
};
use eyre::bail;
use serde_json::json;
use tokio::time::{Instant, sleep};
use trestle_sdk::transfer::DepositRequest;

use super::{
    Chain, ChainArgs, NodeArgs, SpeakArgs, ether,
    report::{Reporter, eth},
};
use crate::key::KeyArgs;

/// Send ETH from L1 to L2.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How much, in ETH.
    #[arg(value_parser = ether)]
    amount: U256,
    #[command(flatten)]
    chain: ChainArgs,
    /// RPC endpoint of L2, to wait for the arrival.
    #[arg(long, value_name = "URL", env = "TRESTLE_L2_RPC")]
    l2: Option<Url>,
    #[command(flatten)]
    key: KeyArgs,
    /// Recipient on L2; the account itself without.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    /// Say what it would cost and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// Longest wait for the arrival, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    timeout: u64,
    #[command(flatten)]
    speak: SpeakArgs,
}

/// Deposits, and waits for the arrival where it can look.
///
/// # Errors
/// When L1 refuses, or the deposit does not arrive in time.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let wallet = chain.l1_wallet(args.key.signer()?);
    let to = args.to.unwrap_or(wallet.account());
    let request = DepositRequest::of_ether(to, args.amount);
    let settlement = &chain.settlement;
    if args.dry_run {
        let transaction = settlement.deposit_request(&request);
        let quote = wallet.quote("the deposit", transaction).await?;
        report.result(
            "quote",
            json!({ "to": to, "value": args.amount, "l1Gas": quote.gas_limit, "l1Fee": quote.fee }),
            &format!(
                "would send {} to {to} on L2, for at most {} of L1 gas",
                eth(args.amount),
                eth(quote.fee)
            ),
        );
        return Ok(());
    }
    let sent = settlement
        .deposit(&wallet, &chain.files.chain, &request)
        .await?;
    let fields = json!({ "l1Tx": sent.l1_tx, "l2Tx": sent.l2_tx, "entry": sent.index });
    let words = format!("sent in {}, on L2 it is {}", sent.l1_tx, sent.l2_tx);
    let Some(l2) = args.l2 else {
        report.result("deposited", fields, &words);
        return Ok(());
    };
    report.progress("deposited", fields, &words);
    let node = chain.node(&NodeArgs { l2 }).await?;
    let limit = Instant::now() + std::time::Duration::from_secs(args.timeout);
    loop {
        if let Some(receipt) = node.receipt(sent.l2_tx).await? {
            let block = receipt.block();
            if !receipt.is_success() {
                bail!(
                    "its call failed on L2 in block {block}; the ETH was minted to {}",
                    wallet.account()
                );
            }
            report.result(
                "arrived",
                json!({ "l2Tx": sent.l2_tx, "l2Block": block }),
                &format!("arrived: {} for {to}", eth(args.amount)),
            );
            return Ok(());
        }
        if Instant::now() > limit {
            bail!(
                "not on L2 after {} s; `trestle force` brings it in once it is overdue",
                args.timeout
            );
        }
        sleep(chain.poll).await;
    }
}
