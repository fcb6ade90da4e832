//! `trestle challenger`: verifies every claim by its own derivation from L1, and plays against the false ones.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use alloy::{
    primitives::{Address, U256},
    transports::http::reqwest::Url,
};
use eyre::{WrapErr, bail, eyre};
use tokio::sync::watch;
use tracing::{info, warn};
use trestle_challenger::{
    health::routes,
    host::{DiskStore, Follower},
    image::{IMAGE_ROOT, Programs},
    service::{Images, Mode, Oracle, Service, ServiceConfig, ServiceStatus, Side, Sync, Watcher},
};
use trestle_contracts::bindings::{
    dispute_game::DisputeGame::{imageFromBatchCall, imageRootCall, previousImageRootCall},
    dispute_game_factory::DisputeGameFactory::gameImplsCall,
};
use trestle_sdk::deploy::{ChainFiles, GAME_TYPE};
use trestle_sequencer::l1::{
    ContractReader, KeySource, L1Client, L1Sender, MemoryJournal, SenderConfig, SenderHandle,
    load_signer,
};
use trestle_sequencer::metrics::{MetricsPage, Part};
use trestle_vm::Image;

use crate::{
    account::{self, AccountArgs},
    blobs::BlobArgs,
    health,
    settings::ConfigArgs,
    shutdown,
};

/// Longest wait for an answer of L1.
pub(crate) const L1_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest pause after a fault.
const BACKOFF_MAX: Duration = Duration::from_secs(15);
/// Age of the last look at L1 from which on the challenger does not count as ready.
const STALE: Duration = Duration::from_secs(120);
/// A tenth of an ether, in wei: kept for gas.
const RESERVE: u64 = 100_000_000_000_000_000;

/// Which chain, and where its L1 is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Chain {
    /// Folder with the chain's rollup.json and genesis.json.
    #[arg(long, value_name = "DIR", env = "TRESTLE_CHAIN")]
    pub(crate) chain: PathBuf,
    /// Folder for derived data; made if it is not there. It can always be made again from L1.
    #[arg(long, value_name = "DIR", env = "TRESTLE_DATADIR")]
    pub(crate) datadir: PathBuf,
    /// RPC endpoint of L1.
    #[arg(long, value_name = "URL", env = "TRESTLE_L1_RPC")]
    pub(crate) l1: Url,
    /// Seconds between two L1 blocks, about.
    #[arg(long, value_name = "SECONDS", default_value_t = 12.0)]
    pub(crate) l1_block_time: f64,
    /// ELF file of another program that batches of the chain are proven by, beside the built-in one: during a change of
    /// the image, that of the release before or of the next. May be given more than once.
    #[arg(long = "image", value_name = "FILE")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    blobs: BlobArgs,
}

impl Chain {
    /// The built-in program, and those of the files.
    fn programs(&self) -> eyre::Result<Programs> {
        let mut programs = Programs::default();
        for path in &self.images {
            let name = path.display();
            let file = std::fs::read(path).wrap_err_with(|| format!("cannot read {name}"))?;
            let image = Image::from_elf(&file).wrap_err_with(|| format!("{name} is no program"))?;
            let root = programs.add(Arc::new(image));
            info!(%root, file = %name, "image");
        }
        Ok(programs)
    }
}

/// Watch all claims about a chain and defeat the false ones.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) chain: Chain,
    #[command(flatten)]
    pub(crate) key: AccountArgs<account::Challenger>,
    /// Say what would be done, at what bond and by what deadline; needs no key.
    #[arg(long, conflicts_with = "watch")]
    dry_run: bool,
    /// Only raise alarms; needs no key.
    #[arg(long)]
    watch: bool,
    /// Also answer claims whose bonds can be won although the outcome does not need it.
    #[arg(long)]
    profit: bool,
    /// Also run every proposed batch in the machine, and not only what is disputed: finds a batch that the program fails
    /// on before others do. Costs a core.
    #[arg(long)]
    run_batches: bool,
    /// Address for `/livez`, `/readyz` and Prometheus' `/metrics`.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics_addr: Option<SocketAddr>,
    #[command(flatten)]
    _settings: ConfigArgs,
}

impl Args {
    /// Whether it plays.
    pub(crate) const fn needs_key(&self) -> bool {
        !self.dry_run && !self.watch
    }
}

impl Chain {
    /// Beacon endpoints that are named.
    pub(crate) fn beacons(&self) -> &[Url] {
        &self.blobs.beacon
    }
}

/// What a player does beside answering what is needed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Habits {
    /// Answers claims for their bonds alone.
    pub(crate) takes_profit: bool,
    /// Runs every proposed batch in the machine.
    pub(crate) runs_batches: bool,
}

/// Everything that a player needs, opened and checked.
pub(crate) struct Table {
    pub(crate) files: ChainFiles,
    pub(crate) client: L1Client,
    pub(crate) reader: ContractReader,
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) sync: Sync,
    /// Images of games to come.
    pub(crate) images: Images,
    block_time: Duration,
}

impl Table {
    /// Opens the folders and checks that L1 has this chain with this program's image.
    pub(crate) async fn open(args: &Chain) -> eyre::Result<Self> {
        let files = ChainFiles::read(&args.chain)?;
        let client = L1Client::new(args.l1.clone(), L1_TIMEOUT);
        let (expected, got) = (files.chain.l1_chain_id, client.served_chain().await?);
        if expected != got {
            bail!("the L1 endpoint serves chain {got}, the chain settles on {expected}");
        }
        let reader = ContractReader::new(client.clone());
        let programs = args.programs()?;
        let factory = files.rollup.contracts.dispute_game_factory;
        let images = images_of(&reader, factory).await?;
        check_images(&images, &programs)?;
        let store = Arc::new(DiskStore::open(&args.datadir)?);
        let mut follower = Follower::open(files.chain.clone(), &files.genesis, store)?;
        follower.begin_at(files.rollup.l1_start.number);
        let oracle = Arc::new(Oracle::with_programs(follower, programs));
        let blobs = args.blobs.source();
        let inbox = files.rollup.contracts.inbox;
        let sync = Sync::new(client.clone(), inbox, blobs, Arc::clone(&oracle));
        let block_time = Duration::try_from_secs_f64(args.l1_block_time)
            .wrap_err("--l1-block-time is no number of seconds")?;
        Ok(Self {
            files,
            client,
            reader,
            oracle,
            sync,
            images,
            block_time,
        })
    }

    /// A sender of the key's account, running.
    pub(crate) fn sender(&self, key: &KeySource) -> eyre::Result<SenderHandle> {
        let signer = load_signer(key)?;
        let settings = SenderConfig::for_block_time(self.files.chain.l1_chain_id, self.block_time);
        // Moves are named by their content: what a crash makes us forget is found on L1, or sent again.
        let journal = Arc::new(MemoryJournal::default());
        let (sender, handle) = L1Sender::new(self.client.clone(), signer, journal, settings);
        tokio::spawn(async move { drop(sender.run().await) });
        Ok(handle)
    }

    /// A service that plays `side`.
    pub(crate) fn service(
        self,
        mode: Mode,
        side: Side,
        only: Option<Address>,
        habits: Habits,
    ) -> (Service, watch::Receiver<ServiceStatus>) {
        let config = ServiceConfig {
            poll: (self.block_time / 4).clamp(Duration::from_millis(100), Duration::from_secs(4)),
            backoff_max: BACKOFF_MAX,
            reserve: U256::from(RESERVE),
            takes_profit: habits.takes_profit,
            runs_batches: habits.runs_batches,
            only,
        };
        let factory = self.files.rollup.contracts.dispute_game_factory;
        let start = self.files.rollup.l1_start.number;
        let l1_chain = self.files.chain.l1_chain_id;
        let watcher = Watcher::new(self.client, l1_chain, factory, GAME_TYPE, start);
        Service::new(config, mode, side, (watcher, self.sync, self.reader))
    }
}

/// The images of games that are made now.
async fn images_of(reader: &ContractReader, factory: Address) -> eyre::Result<Images> {
    let game = reader.read(factory, &gameImplsCall(GAME_TYPE)).await?;
    Ok(Images {
        current: reader.read(game, &imageRootCall {}).await?,
        previous: reader.read(game, &previousImageRootCall {}).await?,
        from_batch: reader.read(game, &imageFromBatchCall {}).await?,
    })
}

/// Refuses to judge games of programs of which none is here: everything would look false. Each game is looked at by
/// itself.
fn check_images(images: &Images, programs: &Programs) -> eyre::Result<()> {
    let wanted = [images.current, images.previous];
    let missing = wanted.iter().filter(|root| programs.get(root).is_none());
    let missing: Vec<_> = missing.collect();
    let ours: Vec<_> = programs.roots().map(|root| root.to_string()).collect();
    let ours = ours.join(" and ");
    match missing.as_slice() {
        [] => {}
        [image, _] => bail!(
            "the chain is proven by image {image}, this program has {ours}: install the release that the chain uses, or give its image by --image"
        ),
        [image, ..] => warn!(%image, ours, from_batch = images.from_batch,
            "the chain changes its image, and one of the two is not here: games over its batches are left alone; give its file by --image"),
    }
    Ok(())
}

/// What tells how the challenger is, once it is at work.
type AtWork = (watch::Receiver<ServiceStatus>, Option<SenderHandle>);

/// Runs until it is told to stop.
///
/// # Errors
/// When the chain, the key or L1 does not serve.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let plays = args.needs_key();
    let at_work: Arc<OnceLock<AtWork>> = Arc::default();
    let _page = match args.metrics_addr {
        Some(address) => Some(serve_metrics(address, plays, Arc::clone(&at_work)).await?),
        None => None,
    };
    let table = Table::open(&args.chain).await?;
    let mode = match (args.dry_run, args.watch) {
        (true, _) => Mode::DryRun(U256::MAX),
        (_, true) => Mode::Watch,
        _ => Mode::Play(table.sender(&key(&args.key)?)?),
    };
    let sender = match &mode {
        Mode::Play(sender) => Some(sender.clone()),
        Mode::DryRun(_) | Mode::Watch => None,
    };
    let account = sender.as_ref().map(SenderHandle::account);
    info!(config = %table.oracle.config_hash(), image = %IMAGE_ROOT, ?account, "challenger");
    let side = Side::Truth(Arc::clone(&table.oracle));
    let habits = Habits {
        takes_profit: args.profit,
        runs_batches: args.run_batches,
    };
    let (service, status) = table.service(mode, side, None, habits);
    // It is set once, here.
    let _ = at_work.set((status, sender));
    tokio::select! {
        asked = shutdown::requested() => asked,
        () = service.run() => bail!("the L1 sender has stopped; its log says why"),
    }
}

fn key(args: &AccountArgs<account::Challenger>) -> eyre::Result<KeySource> {
    args.source().ok_or_else(|| {
        eyre!("no key: give --key-file or --signer, or set TRESTLE_CHALLENGER_KEY, or use --watch or --dry-run")
    })
}

async fn serve_metrics(
    address: SocketAddr,
    plays: bool,
    at_work: Arc<OnceLock<AtWork>>,
) -> eyre::Result<MetricsPage> {
    let sends = plays.then_some(Part::Sender);
    let parts: Vec<_> = sends
        .into_iter()
        .chain([Part::Process, Part::Challenger])
        .collect();
    let ready = Arc::new(move || match at_work.get() {
        Some((status, sender)) => is_ready(status, sender.as_ref()),
        None => Err("starting".into()),
    });
    health::open(address, &parts, routes(ready)).await
}

/// Whether it looks at L1, judges what is there, and can send.
fn is_ready(
    status: &watch::Receiver<ServiceStatus>,
    sender: Option<&SenderHandle>,
) -> Result<(), String> {
    if sender.is_some_and(|sender| sender.status().borrow().is_halted) {
        return Err("the L1 sender has halted; its log says why".into());
    }
    let status = status.borrow();
    match (&status.fault, status.seen_at) {
        (Some(fault), _) => Err(fault.clone()),
        (None, None) => Err("the chain is being derived".into()),
        (None, Some(at)) if at.elapsed() > STALE => {
            Err(format!("no look at L1 for {} s", at.elapsed().as_secs()))
        }
        (None, Some(_)) => Ok(()),
    }
}
