//! `trestle snapshot`: a stopped node's data in one file, and a new node from it.
//!
//! A snapshot may come from anybody: what is restored is bound to an output root that its receiver has reason to
//! believe, and what lies beyond that root is dropped. A restored directory is made beside its place and renamed
//! when everything is proven, so that a refusal leaves nothing behind.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy::primitives::B256;
use clap::Subcommand;
use eyre::{WrapErr, bail, eyre};
use trestle_contracts::bindings::anchor_registry::AnchorRegistry::anchorCall;
use trestle_protocol::OutputPreimage;
use trestle_sdk::deploy::ChainFiles;
use trestle_sequencer::{
    engine::{BatchRecord, forget_l1, newest_batch, read_batch},
    l1::{ContractReader, L1Client},
    store::{Identity, Store, StoreConfig, restore_snapshot},
};

use crate::{
    challenger::{Chain, L1_TIMEOUT, Table},
    verify,
};

/// Write a node's data into one file, or make a node's data from such a file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the data of a node that is stopped into one file.
    Create(CreateArgs),
    /// Make a data directory from a snapshot, as far as L1 vouches for it.
    Restore(Box<RestoreArgs>),
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// Folder with the chain's rollup.json and genesis.json.
    #[arg(long, value_name = "DIR", env = "TRESTLE_CHAIN")]
    chain: PathBuf,
    /// The node's data.
    #[arg(long, value_name = "DIR", env = "TRESTLE_DATADIR")]
    datadir: PathBuf,
    /// File to write; it must not be there.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(Debug, clap::Args)]
struct RestoreArgs {
    #[command(flatten)]
    chain: Chain,
    /// The snapshot.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Output root of the snapshot's newest batch, from a source that you trust: another node of yours, say.
    /// Without this and --derive, the newest claim that stands on L1 is believed and what is newer is dropped.
    #[arg(long, value_name = "HASH", conflicts_with = "derive")]
    output_root: Option<B256>,
    /// Derive the whole chain from L1 and believe that.
    #[arg(long)]
    derive: bool,
}

/// Does it.
///
/// # Errors
/// When the directory or the file does not serve, or L1 does not vouch for the snapshot.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    match args.command {
        Command::Create(args) => tokio::task::spawn_blocking(move || create(&args)).await?,
        Command::Restore(args) => restore(*args).await,
    }
}

fn settings(files: &ChainFiles, datadir: &Path) -> (StoreConfig, Identity) {
    let identity = Identity::new(&files.chain);
    let genesis = Arc::new(files.genesis.block(&files.chain));
    (
        StoreConfig::new(datadir.into(), identity, genesis),
        identity,
    )
}

fn create(args: &CreateArgs) -> eyre::Result<()> {
    let files = ChainFiles::read(&args.chain)?;
    if !args.datadir.is_dir() {
        bail!("there is no data directory {}", args.datadir.display());
    }
    let (config, identity) = settings(&files, &args.datadir);
    let store = Store::open(config).wrap_err("a snapshot is made of a node that is stopped")?;
    let newest = newest_batch(&store)?;
    let partial = beside(&args.to);
    let shown = || format!("cannot write {}", args.to.display());
    if args.to.exists() {
        bail!("{} is there already", args.to.display());
    }
    let written = (|| -> eyre::Result<_> {
        let mut file = File::create(&partial).wrap_err_with(shown)?;
        let head = store.write_snapshot(&identity, &mut file)?;
        file.flush()
            .and_then(|()| file.sync_all())
            .wrap_err_with(shown)?;
        fs::rename(&partial, &args.to).wrap_err_with(shown)?;
        Ok(head)
    })();
    let head = written.inspect_err(|_| drop(fs::remove_file(&partial)))?;
    let (batch, root) = newest.map_or((0, B256::ZERO), |(index, record)| (index, record.output));
    println!("block {} {}\nbatch {batch} {root}", head.number, head.hash);
    Ok(())
}

/// `path` with a word that says that it is not whole.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

async fn restore(args: RestoreArgs) -> eyre::Result<()> {
    let datadir = args.chain.datadir.clone();
    if fs::read_dir(&datadir).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!(
            "{} holds data already: name another --datadir, or move it away",
            datadir.display()
        );
    }
    let partial = beside(&datadir);
    if partial.exists() {
        fs::remove_dir_all(&partial).wrap_err_with(|| {
            format!(
                "cannot remove what an interrupted restore left at {}",
                partial.display()
            )
        })?;
    }
    let made = make(&args, &partial).await;
    let kept = made.inspect_err(|_| drop(fs::remove_dir_all(&partial)))?;
    let _ = fs::remove_dir(&datadir);
    fs::rename(&partial, &datadir)
        .wrap_err_with(|| format!("cannot make {}", datadir.display()))?;
    println!("{kept}");
    Ok(())
}

/// Makes the data in `partial`; says what was kept and why.
async fn make(args: &RestoreArgs, partial: &Path) -> eyre::Result<String> {
    let files = ChainFiles::read(&args.chain.chain)?;
    let file =
        File::open(&args.from).wrap_err_with(|| format!("cannot open {}", args.from.display()))?;
    let (config, identity) = settings(&files, partial);
    let into = partial.to_owned();
    tokio::task::spawn_blocking(move || restore_snapshot(&into, &identity, file)).await??;
    let store = Store::open(config)?;
    let (batch, trusted, why) = trusted(args, &files, &store, partial).await?;
    let record = batch_record(&store, batch)?;
    let root = output_root(&store, &record)?;
    if root != record.output || root != trusted {
        bail!(
            "the snapshot is not of this chain's truth: after batch {batch} it has output root {root}, {why} says {trusted}"
        );
    }
    tokio::task::spawn_blocking(move || -> eyre::Result<String> {
        store.unwind(record.end_number)?;
        let newest = newest_batch(&store)?.map_or(0, |(index, _)| index);
        if newest > batch {
            // What L1 said later is read from L1 again, and held against what is kept.
            forget_l1(&store)?.wait()?;
        }
        store.close()?;
        Ok(format!(
            "block {} {}\nbatch {batch} {root}, as {why} says",
            record.end_number, record.end_hash
        ))
    })
    .await?
}

/// A batch with the output root that is believed after it, and who says so.
async fn trusted(
    args: &RestoreArgs,
    files: &ChainFiles,
    store: &Store,
    partial: &Path,
) -> eyre::Result<(u64, B256, &'static str)> {
    let newest = newest_batch(store)?;
    let newest = newest
        .map(|(index, _)| index)
        .ok_or_else(|| eyre!("the snapshot holds no batch: start a node without it"))?;
    if let Some(root) = args.output_root {
        return Ok((newest, root, "--output-root"));
    }
    if args.derive {
        let mut chain = args.chain.clone();
        chain.datadir = partial.join("derived");
        let mut table = Table::open(&chain).await?;
        verify::derive(&mut table).await?;
        let record = table.oracle.record(newest);
        drop(fs::remove_dir_all(&chain.datadir));
        let root = record.wrap_err("L1 has no such batch")?.output_root;
        return Ok((newest, root, "L1, derived,"));
    }
    let client = L1Client::new(args.chain.l1.clone(), L1_TIMEOUT);
    let (expected, got) = (files.rollup.l1_chain_id, client.served_chain().await?);
    if expected != got {
        bail!("the L1 endpoint serves chain {got}, the chain settles on {expected}");
    }
    let registry = files.rollup.contracts.anchor_registry;
    let anchor = ContractReader::new(client)
        .read(registry, &anchorCall {})
        .await?;
    match anchor.batch {
        0 => bail!(
            "no claim about this chain stands on L1 yet: use --derive, or --output-root with a root that you trust"
        ),
        batch if batch > newest => bail!(
            "the snapshot ends at batch {newest}, before batch {batch} that L1 vouches for: use --derive, --output-root, or a newer one"
        ),
        batch => Ok((batch, anchor.root, "the claim that stands on L1")),
    }
}

fn batch_record(store: &Store, batch: u64) -> eyre::Result<BatchRecord> {
    read_batch(store, batch)?.ok_or_else(|| eyre!("the snapshot lacks batch {batch}"))
}

/// The output root after a batch, from the header that the snapshot's chain has there.
fn output_root(store: &Store, record: &BatchRecord) -> eyre::Result<B256> {
    let header = store.durable()?.header(record.end_number)?;
    let sealed = header.ok_or_else(|| eyre!("the snapshot lacks block {}", record.end_number))?;
    let preimage = OutputPreimage {
        state_root: sealed.header.state_root,
        message_passer_root: sealed.header.withdrawals_root.unwrap_or_default(),
        block_hash: sealed.hash,
    };
    Ok(preimage.root())
}
