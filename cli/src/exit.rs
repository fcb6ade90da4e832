//! `trestle exit`: takes an account's ETH or tokens from L2 to L1 with nobody's help.
//!
//! Needs the address of the chain's Deployment (or the chain's two files), an L1 endpoint and a key; derives L2 into
//! a folder that may be empty at first. Asks no node of L2 and no service. Everything is in
//! `trestle_challenger::exit`; here are arguments and words.

use std::{io::IsTerminal, path::PathBuf, sync::Arc, time::Duration};

use alloy::primitives::{Address, U256};
use eyre::bail;
use serde_json::json;
use trestle_challenger::exit::{Exit, L1Truth, Place, Stage};
use trestle_sdk::transfer::{
    Initiation, PendingWithdrawal, Status, TokenRequest, WithdrawalRequest,
};
use trestle_sequencer::l1::L1Client;

use crate::{
    blobs::BlobArgs,
    challenger::L1_TIMEOUT,
    key::KeyArgs,
    transfer::{
        Amount, Chain, ChainArgs, SpeakArgs,
        report::{Reporter, eth, span},
    },
};

/// Leave L2 by L1 alone: force a withdrawal in, propose its output root, prove and finalise it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    chain: ChainArgs,
    /// Folder for the derived chain; made if it is not there. It can always be made again from L1.
    #[arg(long, value_name = "DIR", env = "TRESTLE_DATADIR")]
    datadir: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    /// How much to withdraw, in ETH, or in the token's smallest unit with --token; all ETH that the account has on L2
    /// without. Withdrawals that were begun before are finished in any case.
    #[arg(long)]
    amount: Option<String>,
    /// Withdraw this token of L2 instead of ETH.
    #[arg(long, value_name = "ADDRESS", requires = "amount")]
    token: Option<Address>,
    /// Only finish withdrawals that were begun before.
    #[arg(long, conflicts_with = "amount")]
    only_begun: bool,
    /// Recipient on L1; the account itself without.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    #[command(flatten)]
    blobs: BlobArgs,
    /// Show what would be done, with the bond, and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before the first transaction.
    #[arg(long)]
    yes: bool,
    /// Longest wait of each of the stages, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60 * 86_400)]
    timeout: u64,
    #[command(flatten)]
    speak: SpeakArgs,
}

/// Leaves.
///
/// # Errors
/// When L1 refuses, or the account has nothing on L2.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let report = Reporter::from(args.speak);
    let chain = Chain::open(&args.chain).await?;
    let exit = open(&args, &chain)?;
    report.progress("deriving", json!({}), "deriving L2 from L1");
    let batches = exit.truth.sync().await?;
    let newest = exit.truth.newest();
    report.progress(
        "derived",
        json!({ "batches": batches, "batch": newest.batch(), "l2Block": newest.block_number, "outputRoot": newest.output_root }),
        &format!("L2 is at block {} (batch {})", newest.block_number, newest.batch()),
    );
    let begun = unpaid(&exit).await?;
    let amount = match (args.only_begun, &args.amount) {
        (true, _) => Amount::Ether(U256::ZERO),
        (_, Some(amount)) => Amount::parse(amount, args.token)?,
        _ => Amount::Ether(exit.truth.balance(exit.wallet.account())?),
    };
    if begun.is_empty() && amount.units().is_zero() {
        bail!(
            "{} has nothing to withdraw and no unpaid withdrawal on L2",
            exit.wallet.account()
        );
    }
    show_plan(&exit, &begun, amount, report).await?;
    if args.dry_run {
        return Ok(());
    }
    confirm(args.yes)?;
    leave(&exit, begun, &calls(&args, &exit, amount), report).await
}

fn open(args: &Args, chain: &Chain) -> eyre::Result<Exit> {
    let rollup = &chain.files.rollup;
    let wallet = chain.l1_wallet(args.key.signer()?);
    let place = Place {
        client: L1Client::new(args.chain.l1.clone(), L1_TIMEOUT),
        inbox: rollup.contracts.inbox,
        l1_start: rollup.l1_start.number,
        blobs: args.blobs.source(),
        folder: args.datadir.clone(),
    };
    let files = &chain.files;
    let truth = L1Truth::open(files.chain.clone(), &files.genesis, place, wallet.account())?;
    Ok(Exit {
        truth: Arc::new(truth),
        settlement: chain.settlement.clone(),
        wallet,
        chain: files.chain.clone(),
        limit: Duration::from_secs(args.timeout),
    })
}

/// Withdrawals that were begun and not paid.
async fn unpaid(exit: &Exit) -> eyre::Result<Vec<PendingWithdrawal>> {
    let mut unpaid = Vec::new();
    for pending in exit.truth.withdrawals() {
        let hash = pending.withdrawal.hash();
        if exit.settlement.status(hash, exit.wallet.account()).await? != Status::Finalized {
            unpaid.push(pending);
        }
    }
    Ok(unpaid)
}

/// What will be done, the bond first.
async fn show_plan(
    exit: &Exit,
    begun: &[PendingWithdrawal],
    amount: Amount,
    report: Reporter,
) -> eyre::Result<()> {
    let bond = exit.offer().await?.map_or(U256::ZERO, |offer| offer.bond);
    let queue = exit.settlement.queue().await?;
    let now = exit.settlement.time().await?;
    let overdue = queue.overdue_at.saturating_sub(now);
    report.progress(
        "plan",
        json!({ "bond": bond, "withdraw": amount.units(), "token": amount.token(), "begun": begun.len(), "queueOverdueIn": overdue }),
        &format!(
            "bond: {}, if nobody else proposes a true output root; it comes back\nto withdraw: {amount}; begun before and unpaid: {}",
            eth(bond),
            begun.len()
        ),
    );
    if queue.overdue_at > 0 {
        let words = format!(
            "the queue's oldest entry can be forced in in {}",
            span(overdue)
        );
        report.progress(
            "queue",
            json!({ "next": queue.next, "count": queue.count }),
            &words,
        );
    }
    Ok(())
}

fn confirm(is_given: bool) -> eyre::Result<()> {
    if is_given {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("nothing was sent: give --yes to go on without being asked");
    }
    eprint!("go on? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim().eq_ignore_ascii_case("y") {
        return Ok(());
    }
    bail!("nothing was sent");
}

/// The calls that begin the withdrawal; none for an amount of zero.
fn calls(args: &Args, exit: &Exit, amount: Amount) -> Vec<Initiation> {
    let to = args.to.unwrap_or(exit.wallet.account());
    match amount {
        amount if amount.units().is_zero() => Vec::new(),
        Amount::Ether(wei) => vec![WithdrawalRequest::of_ether(to, wei).initiation()],
        Amount::Token { token, units } => {
            let amount = units;
            TokenRequest { token, to, amount }.initiations().to_vec()
        }
    }
}

async fn leave(
    exit: &Exit,
    mut pending: Vec<PendingWithdrawal>,
    calls: &[Initiation],
    report: Reporter,
) -> eyre::Result<()> {
    let started = exit.settlement.time().await?;
    let clock = std::time::Instant::now();
    let mut tell = |stage: &Stage| {
        let now = started.saturating_add(clock.elapsed().as_secs());
        told(report, stage, now);
    };
    if !calls.is_empty() {
        pending.extend(exit.initiate(calls, &mut tell).await?);
    }
    for one in &pending {
        exit.settle(one, &mut tell).await?;
    }
    Ok(())
}

fn told(report: Reporter, stage: &Stage, now: u64) {
    match stage {
        Stage::Enqueued(sent) => report.progress(
            "enqueued",
            json!({ "l1Tx": sent.l1_tx, "l2Tx": sent.l2_tx, "entry": sent.index }),
            &format!(
                "the withdrawal is in L1's queue as entry {}, by {}",
                sent.index, sent.l1_tx
            ),
        ),
        Stage::Forced { tx } => {
            report.progress(
                "forced",
                json!({ "l1Tx": tx }),
                &format!("forced in by {tx}"),
            );
        }
        Stage::Initiated(pending) => {
            let hash = pending.withdrawal.hash();
            report.progress(
                "initiated",
                json!({ "withdrawal": hash, "l2Block": pending.block, "value": pending.withdrawal.value }),
                &format!("withdrawal {hash} begun in L2 block {}", pending.block),
            );
        }
        Stage::Proposed {
            game,
            batch,
            bond,
            tx,
        } => report.progress(
            "proposed",
            json!({ "game": game, "batch": batch, "bond": bond, "l1Tx": tx }),
            &format!(
                "proposed the output root after batch {batch} with a bond of {}: game {game}",
                eth(*bond)
            ),
        ),
        Stage::Claim(step) => report.step(step, now),
        Stage::Collected { tx, amount } => report.progress(
            "collected",
            json!({ "l1Tx": tx, "amount": amount }),
            &format!("the bond of {} is back by {tx}", eth(*amount)),
        ),
    }
}
