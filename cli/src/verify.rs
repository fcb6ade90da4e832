//! `trestle verify`: checks a whole chain, and every claim about it, from L1's data alone.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use alloy::primitives::U64;
use eyre::bail;
use serde::Serialize;
use trestle_challenger::service::Watcher;
use trestle_contracts::bindings::inbox::Inbox::batchCountCall;
use trestle_sdk::deploy::GAME_TYPE;

use crate::challenger::{Chain, Table};

/// Pause between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(1);

/// Derive a whole chain from L1 and check every output root that is proposed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    chain: Chain,
}

/// What was found, as JSON on standard output.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    l1_block: u64,
    batches: u64,
    l2_block: u64,
    output_root: alloy::primitives::B256,
    /// Claims that are not long over.
    claims: usize,
    first_wrong: Option<Wrong>,
}

/// A claim that is not true.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wrong {
    game: alloy::primitives::Address,
    batch: u64,
    claimed: alloy::primitives::B256,
    derived: alloy::primitives::B256,
}

/// Derives, checks, and prints what was found.
///
/// # Errors
/// When the chain cannot be derived, or a claim about it is wrong.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let mut table = Table::open(&args.chain).await?;
    derive(&mut table).await?;
    let contracts = table.files.rollup.contracts;
    let start = table.files.rollup.l1_start.number;
    let mut watcher = Watcher::new(
        table.client.clone(),
        table.files.chain.l1_chain_id,
        contracts.dispute_game_factory,
        GAME_TYPE,
        start,
    );
    let head = watcher.refresh().await?;
    // What was appended while we looked at the games.
    table.sync.advance(head.number).await?;
    let mut wrong = Vec::new();
    for (game, watched) in watcher.games() {
        let (batch, claimed) = (watched.proposal.batch, watched.proposal.outputRoot);
        let derived = table.oracle.record(batch)?.output_root;
        if derived != claimed {
            wrong.push(Wrong {
                game: *game,
                batch,
                claimed,
                derived,
            });
        }
    }
    wrong.sort_by_key(|wrong| wrong.batch);
    let newest = table.oracle.newest();
    let count = wrong.len();
    let found = Found {
        l1_block: head.number,
        batches: newest.batch(),
        l2_block: newest.block_number,
        output_root: newest.output_root,
        claims: watcher.games().len(),
        first_wrong: wrong.into_iter().next(),
    };
    println!("{}", serde_json::to_string_pretty(&found)?);
    match count {
        0 => Ok(()),
        count => bail!("{count} claims about this chain are wrong"),
    }
}

/// Derives everything that L1 has, with progress on standard error.
pub(crate) async fn derive(table: &mut Table) -> eyre::Result<()> {
    let inbox = table.files.rollup.contracts.inbox;
    let total = table.reader.read(inbox, &batchCountCall {}).await?;
    let head = table
        .client
        .call::<_, U64>("eth_blockNumber", ())
        .await?
        .to();
    let (began, first) = (Instant::now(), table.oracle.newest().batch());
    let mut said = Instant::now();
    while table.sync.derive_next(head).await? {
        if said.elapsed() < PROGRESS && table.oracle.newest().batch() < total {
            continue;
        }
        said = Instant::now();
        say(first, table.oracle.newest().batch(), total, began.elapsed())?;
    }
    Ok(())
}

fn say(first: u64, done: u64, total: u64, elapsed: Duration) -> std::io::Result<()> {
    let (made, left) = (
        done.saturating_sub(first).max(1),
        total.saturating_sub(done),
    );
    let each = elapsed / u32::try_from(made).unwrap_or(u32::MAX);
    let eta = each.saturating_mul(u32::try_from(left).unwrap_or(u32::MAX));
    let mut out = std::io::stderr().lock();
    let end = if out.is_terminal() && left > 0 {
        "\r"
    } else {
        "\n"
    };
    write!(
        out,
        "batch {done} of {total}, {} s left   {end}",
        eta.as_secs()
    )?;
    out.flush()
}
