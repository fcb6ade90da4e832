//! `trestle archive`: keeps the blobs of a chain past their expiry on L1, and serves them.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use alloy::transports::http::reqwest::Url;
use eyre::{WrapErr, ensure};
use tokio::sync::watch;
use tracing::info;
use trestle_challenger::{
    archive::{ArchiveConfig, ArchiveStatus, Archivist, Shelf, routes},
    health::routes as healthy,
};
use trestle_sdk::deploy::ChainFiles;
use trestle_sequencer::{l1::L1Client, metrics::Part};

use crate::{blobs::BlobArgs, challenger::L1_TIMEOUT, health, shutdown};

/// Keep the blobs of a chain's batches past their expiry on L1, and serve them by the beacon API.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder with the chain's rollup.json and genesis.json.
    #[arg(long, value_name = "DIR", env = "TRESTLE_CHAIN")]
    chain: PathBuf,
    /// Folder of the archive; made if it is not there. Other commands read it by --blob-archive.
    #[arg(long, value_name = "DIR", env = "TRESTLE_DATADIR")]
    datadir: PathBuf,
    /// RPC endpoint of L1.
    #[arg(long, value_name = "URL", env = "TRESTLE_L1_RPC")]
    l1: Url,
    /// Seconds between two L1 blocks, about.
    #[arg(long, value_name = "SECONDS", default_value_t = 12.0)]
    l1_block_time: f64,
    #[command(flatten)]
    blobs: BlobArgs,
    /// Address to serve on.
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 9610)))]
    listen: SocketAddr,
}

/// Runs until it is told to stop.
///
/// # Errors
/// When the chain, the folder or the address does not serve.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    ensure!(
        !args.blobs.beacon.is_empty(),
        "no --beacon: an archive is filled from a beacon endpoint or another archive"
    );
    let files = ChainFiles::read(&args.chain)?;
    let block_time = Duration::try_from_secs_f64(args.l1_block_time)
        .wrap_err("--l1-block-time is no number of seconds")?;
    let config = ArchiveConfig {
        l1_chain_id: files.chain.l1_chain_id,
        inbox: files.rollup.contracts.inbox,
        l1_start: files.rollup.l1_start.number,
        poll: (block_time / 4).clamp(Duration::from_millis(100), Duration::from_secs(4)),
    };
    let shelf = Arc::new(Shelf::open(&args.datadir)?);
    let client = L1Client::new(args.l1, L1_TIMEOUT);
    let blobs = args.blobs.source();
    let (archivist, status) = Archivist::new(config, client, blobs, Arc::clone(&shelf))?;
    let told = status.clone();
    let ready = Arc::new(move || is_ready(&told));
    let served = healthy(ready).merge(routes(shelf, status));
    let page = health::open(args.listen, &[Part::Process, Part::Archive], served).await?;
    let address = page.address();
    info!(%address, folder = %args.datadir.display(), "archive");
    tokio::select! {
        asked = shutdown::requested() => asked,
        () = archivist.run() => Ok(()),
    }
}

fn is_ready(status: &watch::Receiver<ArchiveStatus>) -> Result<(), String> {
    let status = status.borrow();
    match (&status.fault, status.head) {
        (Some(fault), _) => Err(fault.clone()),
        (None, None) => Err("L1's log is being read".into()),
        (None, Some(_)) => Ok(()),
    }
}
