//! `trestle liar`: proposes a false output root and defends it to the end, for demonstrations and tests.
//!
//! It derives the chain like anybody, gets one thing wrong, and plays by the same choice of moves as the
//! challenger: its dissections never contradict each other. Not for chains that matter: it loses its bonds.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy::primitives::{Address, U64, keccak256};
use eyre::{bail, eyre};
use tracing::info;
use trestle_challenger::service::{FalseRoot, Lie, Mode, Place, Side, propose_false_root};
use trestle_sdk::deploy::GAME_TYPE;
use trestle_sequencer::l1::KeySource;

use crate::{
    challenger::{Chain, Table},
    shutdown,
};

/// Pause between two looks for a batch to lie about.
const LOOK: Duration = Duration::from_millis(200);

/// Propose a false output root and defend it: loses its bonds.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    chain: Chain,
    /// File with the liar's key in hexadecimal.
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// What the lie gets wrong.
    #[arg(long, default_value = "balance")]
    class: String,
    /// Machine step after which its trace is false; chosen from the class without.
    #[arg(long)]
    step: Option<u64>,
    /// Batch to lie about; the newest without.
    #[arg(long)]
    batch: Option<u64>,
    /// Tells lies of one class apart.
    #[arg(long, default_value_t = 0)]
    salt: u64,
}

/// The class of a name.
///
/// # Errors
/// Names all classes when there is none of this name.
pub(crate) fn class(name: &str) -> eyre::Result<FalseRoot> {
    FalseRoot::from_name(name).ok_or_else(|| {
        let names: Vec<_> = FalseRoot::ALL.iter().map(|(name, _)| *name).collect();
        eyre!(
            "no class of fraud is called {name:?}; there are {}",
            names.join(", ")
        )
    })
}

/// Lies until it is told to stop.
///
/// # Errors
/// When the chain, the key or L1 does not serve.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    tokio::select! {
        asked = shutdown::requested() => asked,
        result = lie(args) => result,
    }
}

async fn lie(args: Args) -> eyre::Result<()> {
    let class = class(&args.class)?;
    let mut table = Table::open(&args.chain).await?;
    let sender = table.sender(&KeySource::File(args.key_file))?;
    let batch = wait_for_batch(&mut table, args.batch).await?;
    let steps = table
        .oracle
        .with_run(batch, |run| Ok(run.outcome().steps))?;
    let step = args.step.unwrap_or_else(|| some_step(class, steps));
    if step == 0 || step > steps {
        bail!("batch {batch} takes {steps} steps; a lie departs at 1 to {steps}");
    }
    let contracts = table.files.rollup.contracts;
    let place = Place {
        reader: &table.reader,
        sender: &sender,
        factory: contracts.dispute_game_factory,
        registry: contracts.anchor_registry,
        game_type: GAME_TYPE,
    };
    let (game, output) = propose_false_root(&place, &table.oracle, batch, class, args.salt).await?;
    info!(%game, batch, %output, class = class.name(), step, steps, "lying");
    let side = Side::Lie(
        Arc::clone(&table.oracle),
        Lie {
            batch,
            step,
            output,
        },
    );
    play(table, sender, side, game).await
}

async fn play(
    table: Table,
    sender: trestle_sequencer::l1::SenderHandle,
    side: Side,
    game: Address,
) -> eyre::Result<()> {
    table
        .service(Mode::Play(sender), side, Some(game), false)
        .run()
        .await;
    bail!("the L1 sender has stopped; its log says why")
}

/// Derives until there is a batch to lie about.
async fn wait_for_batch(table: &mut Table, wanted: Option<u64>) -> eyre::Result<u64> {
    loop {
        let head = table.client.call::<_, U64>("eth_blockNumber", ()).await?;
        table.sync.advance(head.to()).await?;
        let newest = table.oracle.newest().batch();
        match wanted {
            Some(batch) if newest >= batch => return Ok(batch),
            None if newest > 0 => return Ok(newest),
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Another step for each class, none of them the first or the last.
fn some_step(class: FalseRoot, steps: u64) -> u64 {
    let hash = keccak256(class.name());
    let number = hash
        .iter()
        .take(8)
        .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    1 + number % steps.max(1)
}
