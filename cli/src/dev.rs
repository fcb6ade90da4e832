//! `trestle dev`: a whole chain on one machine, by one command.
//!
//! ```text
//! anvil (L1) ── deploy ──> contracts ── deposits ──> sequencer + batcher ── batches ──> L1 ──> replica
//! ```
//! Everything lives in one folder and goes on from there at the next start. Standard output gets the
//! banner, or with `--json` one manifest and nothing else.

mod accounts;
mod chain;
mod folder;
mod fraud;
mod fund;
mod l1;
mod manifest;
mod nodes;
mod port;

use std::{collections::BTreeMap, path::PathBuf};

use alloy::primitives::Address;
use clap::Args as ClapArgs;
use tracing::info;
use trestle_contracts::{predeploys, preinstalls};
use trestle_sdk::deploy::Deployed;

use crate::{process::Child, shutdown};
use folder::Folder;
use l1::L1;
use manifest::{Funded, Manifest};
use nodes::Node;

/// Start a local L1, deploy a rollup on it, and run sequencer, batcher, replica and challenger.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// Folder of the chain; made if it is not there.
    #[arg(long, default_value = "data/dev", env = "TRESTLE_DATADIR")]
    datadir: PathBuf,
    /// Forget the chain in the folder and start over.
    #[arg(long)]
    fresh: bool,
    /// Print one JSON manifest on standard output instead of the banner.
    #[arg(long)]
    json: bool,
    /// Use the L1 behind this URL instead of starting anvil.
    #[arg(long, value_name = "URL")]
    l1: Option<String>,
    /// Port of the local L1; 0 for a free one.
    #[arg(long, default_value_t = 8545, conflicts_with = "l1")]
    l1_port: u16,
    /// Port of the sequencer's RPC; 0 for a free one.
    #[arg(long, default_value_t = 9545)]
    port: u16,
    /// Port of the replica's RPC; 0 for a free one.
    #[arg(long, default_value_t = 9546)]
    replica_port: u16,
    /// Chain id of L2.
    #[arg(long, default_value_t = 313_372)]
    chain_id: u64,
    /// Seconds that each side of a dispute has on its clock; a withdrawal waits at least as long. Without, 6, and
    /// 40 with --fraud.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(4..))]
    challenge_clock: Option<u32>,
    /// Propose a false output root from a process of its own, and show how it is defeated on L1.
    #[arg(long, value_name = "CLASS", num_args = 0..=1, require_equals = true, default_missing_value = "balance")]
    fraud: Option<String>,
    /// Stop once the false root is defeated: status 0; status 1 when it was not.
    #[arg(long, requires = "fraud")]
    exit: bool,
}

/// Runs the chain until it is told to stop.
///
/// # Errors
/// When something is missing or taken, with what to do about it.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let stop = shutdown::requested();
    tokio::pin!(stop);
    let mut stack = tokio::select! {
        stack = Stack::start(&args) => stack?,
        asked = &mut stop => return asked,
    };
    stack.announce(args.json)?;
    let show = stack.show(&args);
    let outcome = tokio::select! {
        asked = stop => asked,
        verdict = show => verdict,
        report = stack.broken() => Err(report),
    };
    let stopped = stack.stop().await;
    outcome.and(stopped)
}

/// All processes of a dev chain.
#[derive(Debug)]
struct Stack {
    /// Locked until the end.
    _folder: Folder,
    l1: L1,
    sequencer: Node,
    replica: Node,
    challenger: Child,
    liar: Option<Child>,
    factory: Address,
    manifest: Manifest,
}

impl Args {
    /// Clock of each side of a dispute, in seconds: longer where one is to be watched.
    fn challenge_clock(&self) -> u32 {
        let default = if self.fraud.is_some() { 40 } else { 6 };
        self.challenge_clock.unwrap_or(default)
    }
}

impl Stack {
    async fn start(args: &Args) -> eyre::Result<Self> {
        let folder = Folder::open(&args.datadir, args.fresh)?;
        let port = port::free(args.port, "--port")?;
        let replica_port = port::free(args.replica_port, "--replica-port")?;
        let l1 = match &args.l1 {
            Some(url) => L1::connect(url).await?,
            None => L1::start(&folder, port::free(args.l1_port, "--l1-port")?).await?,
        };
        info!(url = l1.url, chain_id = l1.chain_id, "L1");
        let deployed = chain::prepare(&folder, &l1, args.chain_id, args.challenge_clock()).await?;
        let accounts = accounts::developer()?;
        fund::deposit(&folder, &l1, deployed.rollup.contracts.portal, &accounts).await?;
        l1.begin_interval().await?;
        let mut sequencer = Node::sequencer(&folder, &l1, port)?;
        let mut replica = Node::replica(&folder, &l1, replica_port, &sequencer)?;
        let l2 = sequencer.ready(args.chain_id).await?;
        replica.ready(args.chain_id).await?;
        fund::arrived(&l2, &accounts).await?;
        let challenger = Node::challenger(&folder, &l1)?;
        let liar = args
            .fraud
            .as_ref()
            .map(|class| Node::liar(&folder, &l1, class))
            .transpose()?;
        let manifest = Manifest {
            l1: manifest_l1(&l1, &deployed).await?,
            l2: manifest::L2 {
                rpc: sequencer.http(),
                ws: sequencer.ws(),
                replica: replica.http(),
                feed: sequencer.feed(),
                chain_id: args.chain_id,
                contracts: l2_contracts(),
            },
            accounts: accounts.iter().map(Funded::from).collect(),
            datadir: folder.path().to_owned(),
            processes: processes(&l1, [&sequencer.child, &replica.child, &challenger]),
        };
        chain::write(&folder.file("manifest.json"), &manifest)?;
        Ok(Self {
            _folder: folder,
            l1,
            sequencer,
            replica,
            challenger,
            liar,
            factory: deployed.rollup.contracts.dispute_game_factory,
            manifest,
        })
    }

    /// Shows the dispute over the false root, if there is one; completes with its outcome if that was asked for.
    fn show(&self, args: &Args) -> impl Future<Output = eyre::Result<()>> + use<> {
        let display = args.fraud.clone().map(|class| fraud::Display {
            l1: self.l1.url.clone(),
            factory: self.factory,
            class,
        });
        let (is_asked_for, json) = (args.exit, args.json);
        async move {
            match display {
                Some(display) => {
                    let verdict = display.run(json).await;
                    if is_asked_for || verdict.is_err() {
                        return verdict;
                    }
                    std::future::pending().await
                }
                None => std::future::pending().await,
            }
        }
    }

    fn announce(&self, json: bool) -> eyre::Result<()> {
        let text = if json {
            serde_json::to_string(&self.manifest)? + "\n"
        } else {
            self.manifest.to_string()
        };
        print!("{text}");
        Ok(())
    }

    /// Completes when a process ends that should not.
    async fn broken(&mut self) -> eyre::Report {
        let anvil = async {
            match &mut self.l1.anvil {
                Some(anvil) => anvil.ended().await,
                None => std::future::pending().await,
            }
        };
        let liar = async {
            match &mut self.liar {
                Some(liar) => liar.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            report = anvil => report,
            report = self.sequencer.child.ended() => report,
            report = self.replica.child.ended() => report,
            report = self.challenger.ended() => report,
            report = liar => report,
        }
    }

    /// Stops everything, L1 last, so that nothing complains about it.
    async fn stop(self) -> eyre::Result<()> {
        let nodes = [self.challenger, self.replica.child, self.sequencer.child];
        let mut outcome = Ok(());
        for child in self.liar.into_iter().chain(nodes).chain(self.l1.anvil) {
            outcome = outcome.and(child.stop().await);
        }
        outcome
    }
}

fn processes(
    l1: &L1,
    [sequencer, replica, challenger]: [&Child; 3],
) -> BTreeMap<&'static str, u32> {
    let anvil = l1.anvil.as_ref().and_then(Child::id);
    let all = [
        ("l1", anvil),
        ("sequencer", sequencer.id()),
        ("replica", replica.id()),
        ("challenger", challenger.id()),
    ];
    all.into_iter()
        .filter_map(|(name, id)| Some((name, id?)))
        .collect()
}

async fn manifest_l1(l1: &L1, deployed: &Deployed) -> eyre::Result<manifest::L1> {
    let contracts = &deployed.rollup.contracts;
    let mut by_name = BTreeMap::from([
        ("Deployment", contracts.deployment),
        ("Inbox", contracts.inbox),
        ("Portal", contracts.portal),
        ("SystemConfig", contracts.system_config),
        ("Timelock", contracts.timelock),
        ("DisputeGameFactory", contracts.dispute_game_factory),
        ("DisputeGame", contracts.dispute_game),
        ("AnchorRegistry", contracts.anchor_registry),
        ("StepVerifier", contracts.step_verifier),
        (
            "L1CrossDomainMessenger",
            contracts.l1_cross_domain_messenger,
        ),
        ("L1StandardBridge", contracts.l1_standard_bridge),
    ]);
    if let Some(multicall) = l1.multicall().await? {
        by_name.insert("Multicall3", multicall);
    }
    Ok(manifest::L1 {
        rpc: l1.url.clone(),
        chain_id: l1.chain_id,
        contracts: by_name,
    })
}

fn l2_contracts() -> BTreeMap<&'static str, Address> {
    BTreeMap::from([
        ("L1Block", predeploys::L1_BLOCK),
        ("L2ToL1MessagePasser", predeploys::L2_TO_L1_MESSAGE_PASSER),
        ("RollupState", predeploys::ROLLUP_STATE),
        ("Multicall3", preinstalls::MULTICALL3.address),
        ("Permit2", preinstalls::PERMIT2.address),
    ])
}
