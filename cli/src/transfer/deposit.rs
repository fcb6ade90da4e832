//! `trestle deposit`: ETH or tokens from L1 to L2.

use alloy::{primitives::Address, transports::http::reqwest::Url};
use eyre::bail;
use serde_json::json;
use tokio::time::{Instant, sleep};
use trestle_sdk::transfer::{
    DepositRequest, Deposited, L2Node, L2Receipt, TokenRequest, TransferError, Wallet,
};

use super::{
    Amount, Chain, ChainArgs, NodeArgs, SpeakArgs,
    report::{Reporter, eth, span},
};
use crate::key::KeyArgs;

/// Send ETH or tokens from L1 to L2.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How much, in ETH; in the token's smallest unit with --token.
    amount: String,
    /// Send this token of L1 instead of ETH.
    #[arg(long, value_name = "ADDRESS")]
    token: Option<Address>,
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
    let amount = Amount::parse(&args.amount, args.token)?;
    if args.dry_run {
        return quote(&chain, &wallet, (to, amount), report).await;
    }
    let sent = send(&chain, &wallet, (to, amount)).await?;
    let fields = json!({ "l1Tx": sent.l1_tx, "l2Tx": sent.l2_tx, "entry": sent.index });
    let words = format!("sent in {}, on L2 it is {}", sent.l1_tx, sent.l2_tx);
    let Some(l2) = &args.l2 else {
        report.result("deposited", fields, &words);
        return Ok(());
    };
    report.progress("deposited", fields, &words);
    let node = chain.node(&NodeArgs { l2: l2.clone() }).await?;
    say_when_due(&chain, sent.index, report).await?;
    let receipt = arrival(&chain, &node, &sent, args.timeout).await?;
    let block = receipt.block();
    if !receipt.is_success() {
        bail!(
            "its call failed on L2 in block {block}; the ETH was minted to {}",
            wallet.account()
        );
    }
    if let Some(hash) = receipt.kept_message() {
        bail!(
            "its message {hash} failed on L2 in block {block} and is kept by the messenger: relay it again, or ask the bridge there for a refund"
        );
    }
    report.result(
        "arrived",
        json!({ "l2Tx": sent.l2_tx, "l2Block": block, "to": to, "amount": amount.units(), "token": args.token }),
        &format!("arrived: {amount} for {to}"),
    );
    Ok(())
}

/// What the next transaction would cost: a token's deposit cannot be tried out before its allowance is given.
async fn quote(
    chain: &Chain,
    wallet: &Wallet,
    (to, amount): (Address, Amount),
    report: Reporter,
) -> eyre::Result<()> {
    let settlement = &chain.settlement;
    let calls = match amount {
        Amount::Ether(wei) => vec![settlement.deposit_request(&DepositRequest::of_ether(to, wei))],
        Amount::Token { token, units } => {
            let amount = units;
            let request = TokenRequest { token, to, amount };
            settlement.token_deposit(wallet, &request).await?
        }
    };
    let transactions = calls.len();
    let first = calls.into_iter().next().unwrap_or_default();
    let quote = wallet.quote("the deposit", first).await?;
    report.result(
        "quote",
        json!({
            "to": to, "value": amount.units(), "token": amount.token(), "transactions": transactions,
            "l1Gas": quote.gas_limit, "l1Fee": quote.fee,
        }),
        &format!(
            "would send {amount} to {to} on L2 in {transactions} transactions, the first for at most {} of L1 gas",
            eth(quote.fee)
        ),
    );
    Ok(())
}

async fn send(
    chain: &Chain,
    wallet: &Wallet,
    (to, amount): (Address, Amount),
) -> Result<Deposited, TransferError> {
    let (settlement, config) = (&chain.settlement, &chain.files.chain);
    match amount {
        Amount::Ether(wei) => {
            let request = DepositRequest::of_ether(to, wei);
            settlement.deposit(wallet, config, &request).await
        }
        Amount::Token { token, units } => {
            let amount = units;
            let request = TokenRequest { token, to, amount };
            settlement.deposit_token(wallet, config, &request).await
        }
    }
}

/// How long the sequencer can leave an entry of the queue out.
///
/// # Errors
/// When L1 does not answer.
pub(super) async fn say_when_due(chain: &Chain, entry: u64, report: Reporter) -> eyre::Result<()> {
    let queue = chain.settlement.queue().await?;
    let now = chain.settlement.time().await?;
    if queue.next <= entry && queue.overdue_at > now {
        let wait = queue.overdue_at - now;
        report.progress(
            "waiting",
            json!({ "entry": entry, "ahead": entry - queue.next, "forcibleIn": wait }),
            &format!(
                "waiting for a batch; entries ahead: {}; the first can be forced in in {}",
                entry - queue.next,
                span(wait)
            ),
        );
    }
    Ok(())
}

async fn arrival(
    chain: &Chain,
    node: &L2Node,
    sent: &Deposited,
    seconds: u64,
) -> eyre::Result<L2Receipt> {
    let limit = Instant::now() + std::time::Duration::from_secs(seconds);
    loop {
        if let Some(receipt) = node.receipt(sent.l2_tx).await? {
            return Ok(receipt);
        }
        if Instant::now() > limit {
            bail!("not on L2 after {seconds} s; `trestle force` brings it in once it is overdue");
        }
        sleep(chain.poll).await;
    }
}
