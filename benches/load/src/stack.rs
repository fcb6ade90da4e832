//! An L1, a chain on it, and the sequencer that is measured: no other process of ours runs beside it.

use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use alloy::{
    network::EthereumWallet,
    primitives::{B256, Bytes, U64, U256, utils::parse_ether},
    providers::{DynProvider, Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use eyre::{OptionExt, WrapErr, bail};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};
use trestle_contracts::bindings::{Inbox, Portal};
use trestle_protocol::{BatchContent, BatchHeader};
use trestle_sdk::deploy::{DeployConfig, Deployed, deploy, genesis_json};
use trestle_test_support::{Anvil, DEV_KEYS};

use crate::{load::Target, rpc::Rpc};

/// Chain id of L2.
const CHAIN_ID: u64 = 313_372;
/// Which of anvil's accounts plays which role; the first is rich on both layers.
const OPERATOR: usize = 2;
const BATCHER: usize = 3;
/// Time to start, in seconds.
const START_SECONDS: u64 = 30;
/// Bytes of payload that a blob holds.
const BLOB_BYTES: usize = 126_976;

/// What differs from what is shipped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Target of the fee rule, in gas per second: high enough that the fee does not end the load.
    pub(crate) target_gas: u64,
    /// Seconds between blocks of L1.
    pub(crate) l1_block_time: u64,
    /// MiB that may wait for L1.
    pub(crate) max_backlog: u32,
}

/// A running chain.
#[derive(Debug)]
pub(crate) struct Stack {
    l1: Anvil,
    deployed: Deployed,
    sequencer: Child,
    program: PathBuf,
    args: Vec<String>,
    url: String,
    data: TempDir,
}

/// What reached L1, and what did not yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posted {
    /// Bytes of the payloads of all batches.
    pub(crate) bytes: usize,
    /// Transactions in them: those of the load and those that funded it.
    pub(crate) transactions: usize,
    /// Transactions that wait for L1 when the load ends.
    pub(crate) backlog: usize,
}

impl Stack {
    /// Starts it with its data on `disk`, on free ports, and gives the first account ETH.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) async fn start(
        program: &Path,
        disk: &Path,
        settings: Settings,
    ) -> eyre::Result<Self> {
        let data = TempDir::new_in(disk)?;
        let l1 = Anvil::start()?;
        let deployed = deploy_chain(&l1, settings).await?;
        write_files(data.path(), &deployed)?;
        fund(&l1, &deployed).await?;
        let _: Option<bool> = l1.rpc("evm_setAutomine", (false,)).await?;
        let _: Option<bool> = l1
            .rpc("evm_setIntervalMining", (settings.l1_block_time,))
            .await?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let args = arguments(data.path(), &l1, settings, port);
        let url = format!("http://127.0.0.1:{port}");
        let mut stack = Self {
            sequencer: spawn(program, &args, data.path())?,
            l1,
            deployed,
            program: program.to_owned(),
            args,
            url,
            data,
        };
        stack.ready(Duration::from_secs(START_SECONDS)).await?;
        stack.funded().await?;
        Ok(stack)
    }

    /// What to load.
    pub(crate) fn target(&self) -> eyre::Result<Target> {
        Ok(Target {
            url: self.url.clone(),
            chain_id: CHAIN_ID,
            rich: first_key()?,
            process: self.sequencer.id().unwrap_or_default(),
        })
    }

    /// Kills the sequencer as a crash would, starts it again, and tells how long it took to answer.
    ///
    /// # Errors
    /// When it does not come back.
    pub(crate) async fn crash(&mut self) -> eyre::Result<Duration> {
        self.sequencer.kill().await?;
        let begun = Instant::now();
        self.sequencer = spawn(&self.program, &self.args, self.data.path())?;
        self.ready(Duration::from_secs(300)).await?;
        Ok(begun.elapsed())
    }

    /// What the sequencer says of itself, when something went wrong.
    pub(crate) fn log(&self) -> String {
        let text = fs::read_to_string(self.data.path().join("sequencer.log")).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    async fn ready(&mut self, patience: Duration) -> eyre::Result<()> {
        let limit = Instant::now() + patience;
        let rpc = Rpc::new(&self.url);
        while rpc.call::<String>("eth_chainId", "[]").await.is_err() {
            if let Some(status) = self.sequencer.try_wait()? {
                bail!("sequencer ended with {status}:\n{}", self.log());
            }
            if Instant::now() > limit {
                bail!("sequencer does not answer:\n{}", self.log());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Waits for the first account's deposit.
    async fn funded(&self) -> eyre::Result<()> {
        let rpc = Rpc::new(&self.url);
        let params = format!("[\"{}\",\"latest\"]", signer(0)?.address());
        let limit = Instant::now() + Duration::from_secs(START_SECONDS);
        while rpc.call::<U256>("eth_getBalance", &params).await?.is_zero() {
            if Instant::now() > limit {
                bail!("the deposit does not arrive:\n{}", self.log());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Adds up what is on L1 by now.
    ///
    /// # Errors
    /// When L1 or the node does not answer.
    pub(crate) async fn posted(&self) -> eyre::Result<Posted> {
        let l2 = Rpc::new(&self.url);
        let head: U64 = l2.call("eth_blockNumber", "[]").await?;
        let safe = safe_block(&l2).await?;
        let bytes = self.payload_lengths().await?.iter().sum();
        let transactions = user_transactions(&l2, 1..=safe.to::<u64>()).await?;
        let backlog =
            user_transactions(&l2, safe.to::<u64>().saturating_add(1)..=head.to::<u64>()).await?;
        Ok(Posted {
            bytes,
            transactions,
            backlog,
        })
    }

    async fn payload_lengths(&self) -> eyre::Result<Vec<usize>> {
        let inbox = Inbox::new(self.deployed.rollup.contracts.inbox, self.l1.provider());
        let events = inbox.BatchAppended_filter().from_block(0).query().await?;
        events
            .iter()
            .map(|(event, _)| payload_length(&event.header))
            .collect()
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub(crate) async fn stop(mut self) -> eyre::Result<()> {
        Ok(self.sequencer.kill().await?)
    }
}

/// Deploys a chain of the shipped configuration but for its target.
async fn deploy_chain(l1: &Anvil, settings: Settings) -> eyre::Result<Deployed> {
    let [operator, batcher] = [signer(OPERATOR)?, signer(BATCHER)?].map(|key| key.address());
    let mut config = DeployConfig::new(31_337, CHAIN_ID, operator, batcher);
    config.target_gas_per_second = settings.target_gas;
    config.genesis_floor = 10_000_000;
    let provider = wallet(l1, OPERATOR)?;
    Ok(deploy(&provider, &config, 1).await?)
}

fn write_files(folder: &Path, deployed: &Deployed) -> eyre::Result<()> {
    let write = |name: &str, text: String| fs::write(folder.join(name), text);
    write("rollup.json", serde_json::to_string(&deployed.rollup)?)?;
    write("genesis.json", genesis_json(&deployed.genesis).to_string())?;
    let key = folder.join("batcher.key");
    fs::write(&key, dev_key(BATCHER)?)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    Ok(())
}

async fn fund(l1: &Anvil, deployed: &Deployed) -> eyre::Result<()> {
    let to = signer(0)?.address();
    let portal = Portal::new(deployed.rollup.contracts.portal, wallet(l1, 0)?);
    let ether = parse_ether("9000")?;
    let call = portal
        .depositTransaction(to, ether, 100_000, false, Bytes::new())
        .value(ether)
        .gas(1_000_000);
    let receipt = call.send().await?.get_receipt().await?;
    if !receipt.status() {
        bail!("the deposit failed on L1");
    }
    Ok(())
}

fn arguments(folder: &Path, l1: &Anvil, settings: Settings, port: u16) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    [
        "sequencer",
        "--chain",
        &folder.display().to_string(),
        "--datadir",
        &path("sequencer"),
        "--l1",
        &l1.url(),
        "--beacon",
        &l1.url(),
        "--batch-kind",
        "blobs",
        "--l1-block-time",
        &settings.l1_block_time.to_string(),
        "--max-backlog",
        &settings.max_backlog.to_string(),
        "--rpc-port",
        &port.to_string(),
        "--deposit-depth",
        "0",
        "--batcher-key-file",
        &path("batcher.key"),
    ]
    .map(str::to_owned)
    .to_vec()
}

fn spawn(program: &Path, args: &[String], folder: &Path) -> eyre::Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("sequencer.log"))?;
    Command::new(program)
        .args(args)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .wrap_err("cannot start the sequencer")
}

fn wallet(l1: &Anvil, account: usize) -> eyre::Result<DynProvider> {
    let wallet = EthereumWallet::from(signer(account)?);
    let provider = ProviderBuilder::new().wallet(wallet);
    Ok(provider.connect_http(l1.url().parse()?).erased())
}

fn signer(account: usize) -> eyre::Result<PrivateKeySigner> {
    Ok(dev_key(account)?.parse()?)
}

fn dev_key(account: usize) -> eyre::Result<&'static str> {
    DEV_KEYS.get(account).copied().ok_or_eyre("no such account")
}

fn first_key() -> eyre::Result<B256> {
    Ok(dev_key(0)?.parse()?)
}

/// Bytes that a batch takes on L1: blobs are paid for whole.
fn payload_length(header: &Bytes) -> eyre::Result<usize> {
    Ok(match BatchHeader::decode(header)?.content {
        BatchContent::Calldata { length, .. } => usize::try_from(length)?,
        BatchContent::Blobs(hashes) => hashes.len() * BLOB_BYTES,
        _ => 0,
    })
}

/// A block, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Block {
    transactions: Vec<Transaction>,
}

#[derive(Debug, Deserialize)]
struct Transaction {
    #[serde(rename = "type")]
    kind: String,
}

async fn safe_block(l2: &Rpc) -> eyre::Result<U64> {
    #[derive(Deserialize)]
    struct Header {
        number: U64,
    }
    let block: Option<Header> = l2.call("eth_getBlockByNumber", "[\"safe\",false]").await?;
    Ok(block.map(|block| block.number).unwrap_or_default())
}

/// Transactions of these blocks that are no deposits.
async fn user_transactions(
    l2: &Rpc,
    numbers: std::ops::RangeInclusive<u64>,
) -> eyre::Result<usize> {
    let numbers: Vec<_> = numbers.collect();
    let mut count = 0;
    for some in numbers.chunks(20) {
        let params: Vec<_> = some
            .iter()
            .map(|number| format!("[\"{number:#x}\",true]"))
            .collect();
        for block in l2.batch("eth_getBlockByNumber", &params).await? {
            let block: Block = serde_json::from_str(block.get())?;
            let user = block.transactions.iter().filter(|tx| tx.kind != "0x7e");
            count += user.count();
        }
    }
    Ok(count)
}
