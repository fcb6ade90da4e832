//! `trestle prove`: one batch of a chain in the machine that judges disputes.
//!
//! Believes no node of L2: the chain is derived from L1, or the inputs of one batch come from a file or a replica, by
//! their hashes.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::{primitives::U64, transports::http::reqwest::Url};
use eyre::{WrapErr, ensure};
use trestle_challenger::{
    MACHINE_STEPS,
    host::{
        BatchRun, DiskStore, Follower, L1Log, MemoryStore, Outcome, Recorded, ReplicaAnswer, Store,
        position_before,
    },
    image::IMAGE_ROOT,
};
use trestle_sdk::deploy::ChainFiles;
use trestle_sequencer::l1::L1Client;

use crate::{blobs::BlobArgs, challenger::L1_TIMEOUT};

/// Run a batch in the machine and print what it proves.
///
/// Derives the chain from L1 alone up to the batch, or takes the state that the batch reads from a replica, runs the
/// batch natively and in the machine, and fails unless both give the same output root.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Number of the batch, from 1.
    #[arg(long, required_unless_present = "inputs", value_parser = clap::value_parser!(u64).range(1..))]
    batch: Option<u64>,
    /// Print the state hash after this many steps as well.
    #[arg(long)]
    step: Option<u64>,
    /// Folder with the chain's rollup.json and genesis.json.
    #[arg(
        long,
        value_name = "DIR",
        env = "TRESTLE_CHAIN",
        required_unless_present = "inputs"
    )]
    chain: Option<PathBuf>,
    /// RPC endpoint of L1.
    #[arg(
        long,
        value_name = "URL",
        env = "TRESTLE_L1_RPC",
        required_unless_present = "inputs"
    )]
    l1: Option<Url>,
    /// Ask this node of L2 for the state that the batch reads, instead of deriving the chain up to it. The batch comes from
    /// L1 all the same, and every answer is held against its hash.
    #[arg(long, value_name = "URL", env = "TRESTLE_REPLICA")]
    replica: Option<Url>,
    /// Folder for what is derived, so that the next call goes on from there; without it, memory.
    #[arg(long, value_name = "DIR")]
    datadir: Option<PathBuf>,
    #[command(flatten)]
    blobs: BlobArgs,
    /// Take the inputs of the batch from this file instead of L1.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["batch", "chain", "l1", "datadir", "replica"])]
    inputs: Option<PathBuf>,
    /// Write the inputs of the batch to this file.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// Proves the batch and prints the result.
///
/// # Errors
/// When L1 or the file does not give the inputs, or the program does not end with the output root.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let (inputs, derived) = match &args.inputs {
        Some(path) => {
            let file = std::fs::File::open(path)
                .wrap_err_with(|| format!("cannot read {}", path.display()))?;
            (Recorded::load(&mut std::io::BufReader::new(file))?, None)
        }
        None => Source::open(&args).await?.inputs(&args).await?,
    };
    if let Some(path) = &args.save {
        let file = std::fs::File::create(path)
            .wrap_err_with(|| format!("cannot write {}", path.display()))?;
        inputs.save(&mut std::io::BufWriter::new(file))?;
    }
    println!("image root   {IMAGE_ROOT}");
    println!("input hash   {}", inputs.input().hash());
    println!("output before  {}", inputs.input().output_before);
    println!("preimages    {} bytes", inputs.len_bytes());
    let mut meter = Meter::new(args.step);
    let mut machine =
        tokio::task::block_in_place(|| BatchRun::record(inputs, &mut |step| meter.tick(step)))?;
    print_outcome(machine.outcome());
    println!("state hash   {}", machine.state_hash(MACHINE_STEPS)?);
    if let Some(step) = args.step {
        println!("at step {step}   {}", machine.state_hash(step)?);
    }
    let proven = machine.outcome().proven();
    ensure!(
        proven.is_some(),
        "the program did not end with an output root"
    );
    ensure!(
        derived.is_none() || derived == proven,
        "the chain derives to another output root: {derived:?}"
    );
    Ok(())
}

fn print_outcome(outcome: &Outcome) {
    let seconds = outcome.time.as_secs_f64();
    println!("output root  {}", outcome.output);
    match outcome.exit_code {
        Some(code) if code.trap().is_some() => println!("trap         {:?}", code.trap()),
        Some(code) => println!("exit code    {}", code.0),
        None => println!("exit code    none, it still runs"),
    }
    println!("steps        {}", outcome.steps);
    println!("time         {seconds:.2} s");
    println!("memory       {} KiB", outcome.pages.saturating_mul(4));
}

type Derived = (Recorded, Option<alloy_primitives::B256>);

/// L1, and what is derived of it.
struct Source {
    batch: u64,
    follower: Follower,
    first_block: u64,
    client: L1Client,
    head: u64,
}

impl Source {
    async fn open(args: &Args) -> eyre::Result<Self> {
        let missing = || eyre::eyre!("--batch, --chain and --l1 are needed");
        let batch = args.batch.ok_or_else(missing)?;
        let files = ChainFiles::read(args.chain.as_ref().ok_or_else(missing)?)?;
        let url = args.l1.clone().ok_or_else(missing)?;
        let store: Arc<dyn Store> = match &args.datadir {
            Some(folder) => Arc::new(DiskStore::open(folder)?),
            None => Arc::new(MemoryStore::default()),
        };
        let mut follower = Follower::open(files.chain, &files.genesis, store)?;
        let first_block = files.rollup.l1_start.number;
        follower.begin_at(first_block);
        let client = L1Client::new(url, L1_TIMEOUT);
        let head: U64 = client.call("eth_blockNumber", ()).await?;
        let head = head.to();
        Ok(Self {
            batch,
            follower,
            first_block,
            client,
            head,
        })
    }

    async fn inputs(self, args: &Args) -> eyre::Result<Derived> {
        match &args.replica {
            Some(url) => self.ask_replica(url, args).await,
            None => self.derive(args).await,
        }
    }

    /// Derives the chain up to the batch.
    async fn derive(self, args: &Args) -> eyre::Result<Derived> {
        let Self {
            batch,
            mut follower,
            client,
            head,
            ..
        } = self;
        let inbox = follower.chain().inbox;
        let mut log = L1Log::new(client, inbox, args.blobs.source(), follower.position());
        let start = Instant::now();
        while follower.newest().batch() < batch {
            let next = log.next(head).await?;
            let next = next.ok_or_else(|| {
                eyre::eyre!("L1 has {} batches, not {batch}", follower.newest().batch())
            })?;
            tokio::task::block_in_place(|| follower.derive(&next))?;
            let done = follower.newest().batch();
            eprintln!(
                "derived batch {done} of {batch}, {:.1} s",
                start.elapsed().as_secs_f64()
            );
        }
        let inputs = tokio::task::block_in_place(|| follower.inputs(batch))?;
        Ok((inputs, Some(follower.record(batch)?.output_root)))
    }

    /// Reads the batch from L1, and asks a node for the state that it reads.
    async fn ask_replica(self, url: &Url, args: &Args) -> eyre::Result<Derived> {
        let (number, inbox) = (self.batch, self.follower.chain().inbox);
        let blocks = (self.first_block, self.head);
        let place = position_before(&self.client, inbox, number, blocks).await?;
        let (position, block) = place.ok_or_else(|| eyre::eyre!("L1 has no batch {number}"))?;
        let mut log = L1Log::new(self.client, inbox, args.blobs.source(), position);
        let batch = log.next(block).await?;
        let batch = batch.ok_or_else(|| eyre::eyre!("L1 has no batch {number}"))?;
        let answer = ReplicaAnswer::ask(url.as_str(), &batch).await?;
        // The genesis is always known, a later batch when the folder holds it.
        let before = self.follower.record(number.saturating_sub(1)).ok();
        if before.is_none() {
            eprintln!(
                "the output root before the batch is the replica's word; proven is where the batch leads from there"
            );
        }
        let before = before.map(|record| record.output_root);
        let chain = self.follower.chain();
        let found = tokio::task::block_in_place(|| answer.inputs(chain, &batch, before))?;
        Ok((found.0, Some(found.1)))
    }
}

/// Progress of the machine on standard error, at most once a second.
struct Meter {
    start: Instant,
    last: Instant,
    target: Option<u64>,
}

impl Meter {
    fn new(target: Option<u64>) -> Self {
        let start = Instant::now();
        Self {
            start,
            last: start,
            target,
        }
    }

    fn tick(&mut self, step: u64) -> bool {
        if self.last.elapsed() >= Duration::from_secs(1) {
            self.last = Instant::now();
            eprintln!(
                "{}",
                report(step, self.target, self.start.elapsed().as_secs_f64())
            );
        }
        true
    }
}

/// Steps, speed, and the time that is left to `target`, or to the cap that no batch exceeds.
#[expect(clippy::cast_precision_loss, reason = "for display")]
fn report(step: u64, target: Option<u64>, seconds: f64) -> String {
    let speed = step as f64 / seconds.max(0.001);
    let (goal, name) = match target {
        Some(target) if target > step => (target, "the step asked for"),
        _ => (1 << 39, "the cap of a batch"),
    };
    let left = goal.saturating_sub(step) as f64 / speed.max(1.0);
    format!(
        "{} M steps, {:.0} M/s, at most {left:.0} s to {name}",
        step / 1_000_000,
        speed / 1e6
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_names_the_time_left_to_the_step_or_to_the_cap() {
        let line = report(100_000_000, Some(300_000_000), 1.0);
        assert_eq!(
            line,
            "100 M steps, 100 M/s, at most 2 s to the step asked for"
        );
        assert!(report(100_000_000, Some(5), 1.0).ends_with("5497 s to the cap of a batch"));
    }
}
