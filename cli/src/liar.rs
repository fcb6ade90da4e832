//! `trestle liar`: proposes a false output root and defends it to the end, for demonstrations and tests.
//!
//! It derives the chain like anybody, gets one thing wrong, and plays by the same choice of moves as the
//! challenger: its dissections never contradict each other. Not for chains that matter: it loses its bonds.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy::primitives::{Address, U64, keccak256};
use eyre::{bail, eyre};
use tracing::info;
use trestle_challenger::service::{
    FalseRoot, Lie, Mode, Place, Side, StepKind, find_step, propose_root, root_over,
};
use trestle_contracts::bindings::anchor_registry::AnchorRegistry::anchorCall;
use trestle_sdk::deploy::GAME_TYPE;
use trestle_sequencer::l1::KeySource;

use crate::{
    challenger::{Chain, Habits, Table},
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
    /// Kind of the machine step at which its trace departs, instead of --step.
    #[arg(long, conflicts_with = "step")]
    kind: Option<String>,
    /// Propose the true root and attack it, instead of proposing the false one.
    #[arg(long)]
    attack: bool,
    /// Propose the root that derivation gives, and defend it although the machine says otherwise.
    #[arg(long, conflicts_with = "attack")]
    native: bool,
    /// Batch to lie about; without, the one after the anchor, or the newest with --attack.
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
    let wanted = match (args.batch, args.attack) {
        (None, false) => Some(after_anchor(&table).await?),
        (batch, _) => batch,
    };
    let batch = wait_for_batch(&mut table, wanted).await?;
    let steps = table
        .oracle
        .with_run_by(table.images.of(batch), batch, |run| Ok(run.outcome().steps))?;
    let step = match &args.kind {
        Some(name) => step_of_kind(&table, batch, name, some_step(class, steps))?,
        None => args.step.unwrap_or_else(|| some_step(class, steps)),
    };
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
    let truth = table.oracle.header(batch)?;
    let lie = class.falsify(&truth, args.salt);
    let (told, proposed) = match (args.native, args.attack) {
        (true, _) => (&truth, &truth),
        (_, true) => (&lie, &truth),
        _ => (&lie, &lie),
    };
    let output = root_over(told);
    let game = propose_root(&place, &table.oracle, batch, proposed).await?;
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
        .service(Mode::Play(sender), side, Some(game), Habits::default())
        .0
        .run()
        .await;
    bail!("the L1 sender has stopped; its log says why")
}

/// The batch after the anchor: a game over one batch ends in a step against the proposer.
async fn after_anchor(table: &Table) -> eyre::Result<u64> {
    let registry = table.files.rollup.contracts.anchor_registry;
    Ok(table
        .reader
        .read(registry, &anchorCall {})
        .await?
        .batch
        .saturating_add(1))
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

/// The state after a step of a kind, the first at or after `from`, else the first of all.
fn step_of_kind(table: &Table, batch: u64, name: &str, from: u64) -> eyre::Result<u64> {
    let kind = StepKind::from_name(name).ok_or_else(|| {
        let names: Vec<_> = StepKind::ALL.iter().map(|(name, _)| *name).collect();
        eyre!(
            "no kind of step is called {name:?}; there are {}",
            names.join(", ")
        )
    })?;
    let image = table.images.of(batch);
    let inputs = table
        .oracle
        .with_run_by(image, batch, |run| Ok(run.inputs().clone()))?;
    let program = table.oracle.programs().get(&image);
    let program = program.ok_or_else(|| eyre!("no program with the image {image} is here"))?;
    let find = |after| find_step(Arc::clone(program), &inputs, kind, after);
    let found = match find(from)? {
        None => find(0)?,
        found => found,
    };
    let step = found.ok_or_else(|| eyre!("batch {batch} has no step of kind {name}"))?;
    Ok(step.saturating_add(1))
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
