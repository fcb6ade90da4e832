//! A `trestle dev` of its own, and what its batcher posted.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use alloy::{
    primitives::{Address, B256, Bytes, U64},
    providers::ProviderBuilder,
};
use eyre::{OptionExt, bail};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, sleep},
};
use trestle_contracts::bindings::Inbox;

use crate::{load::Target, rpc::Rpc};

/// Time for the batcher to post everything, in seconds.
const POST_SECONDS: u64 = 300;
/// Length of a calldata payload in a batch header, big-endian. Spec: section 3.2.
const LENGTH_AT: std::ops::Range<usize> = 166..170;

/// A running dev chain.
#[derive(Debug)]
pub(crate) struct Stack {
    process: Child,
    manifest: Manifest,
    _data: TempDir,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    l1: Layer,
    l2: Layer,
    accounts: Vec<Account>,
    processes: BTreeMap<String, u32>,
}

#[derive(Debug, Deserialize)]
struct Layer {
    rpc: String,
    chain_id: u64,
    contracts: BTreeMap<String, Address>,
}

#[derive(Debug, Deserialize)]
struct Account {
    private_key: B256,
}

/// What reached L1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posted {
    /// Bytes of their payloads.
    pub(crate) bytes: usize,
    /// Transactions in them: those of the load and those that funded it.
    pub(crate) transactions: usize,
}

impl Stack {
    /// Starts it with its data on `disk`, on free ports.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) async fn start(program: &Path, disk: &Path) -> eyre::Result<Self> {
        let data = TempDir::new_in(disk)?;
        let mut process = Command::new(program)
            .args([
                "dev",
                "--json",
                "--l1-port",
                "0",
                "--port",
                "0",
                "--replica-port",
                "0",
                "--datadir",
            ])
            .arg(data.path())
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().ok_or_eyre("no standard output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        let line = line.ok_or_eyre("trestle dev ended before it was ready")?;
        Ok(Self {
            process,
            manifest: serde_json::from_str(&line)?,
            _data: data,
        })
    }

    /// What to load.
    ///
    /// The sequencer's process is the node; L1 and the replica run beside it on the same cores.
    pub(crate) fn target(&self) -> Target {
        let Manifest {
            l2,
            accounts,
            processes,
            ..
        } = &self.manifest;
        Target {
            url: l2.rpc.clone(),
            chain_id: l2.chain_id,
            rich: accounts
                .first()
                .map(|account| account.private_key)
                .unwrap_or_default(),
            process: processes.get("sequencer").copied().unwrap_or_default(),
        }
    }

    /// Waits until everything is on L1 and adds up what was posted.
    ///
    /// # Errors
    /// When that takes too long.
    pub(crate) async fn posted(&self) -> eyre::Result<Posted> {
        let l2 = Rpc::new(&self.manifest.l2.rpc);
        let head: U64 = l2.call("eth_blockNumber", "[]").await?;
        let limit = Instant::now() + Duration::from_secs(POST_SECONDS);
        while safe_block(&l2).await? < head {
            if Instant::now() > limit {
                bail!("block {head} is not on L1 after {POST_SECONDS} s");
            }
            sleep(Duration::from_millis(200)).await;
        }
        let lengths = self.payload_lengths().await?;
        Ok(Posted {
            bytes: lengths.iter().sum(),
            transactions: user_transactions(&l2, head).await?,
        })
    }

    async fn payload_lengths(&self) -> eyre::Result<Vec<usize>> {
        let provider = ProviderBuilder::new().connect_http(self.manifest.l1.rpc.parse()?);
        let inbox = self
            .manifest
            .l1
            .contracts
            .get("Inbox")
            .ok_or_eyre("no Inbox in the manifest")?;
        let inbox = Inbox::new(*inbox, provider);
        let events = inbox.BatchAppended_filter().from_block(0).query().await?;
        events
            .iter()
            .map(|(event, _)| payload_length(&event.header))
            .collect()
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it does not end well.
    pub(crate) async fn stop(mut self) -> eyre::Result<()> {
        let id = self.process.id().ok_or_eyre("trestle dev has ended")?;
        Command::new("kill").arg(id.to_string()).status().await?;
        let status = self.process.wait().await?;
        if !status.success() {
            bail!("trestle dev ended with {status}");
        }
        Ok(())
    }
}

fn payload_length(header: &Bytes) -> eyre::Result<usize> {
    let Some(length) = header.get(LENGTH_AT) else {
        return Ok(0);
    };
    Ok(usize::try_from(u32::from_be_bytes(length.try_into()?))?)
}

/// A block, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Block {
    number: U64,
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

/// Transactions up to `head` that are no deposits.
async fn user_transactions(l2: &Rpc, head: U64) -> eyre::Result<usize> {
    let numbers: Vec<_> = (1..=head.to::<u64>()).collect();
    let mut count = 0;
    for some in numbers.chunks(20) {
        let params: Vec<_> = some
            .iter()
            .map(|number| format!("[\"{number:#x}\",true]"))
            .collect();
        for block in l2.batch("eth_getBlockByNumber", &params).await? {
            let block: Block = serde_json::from_str(block.get())?;
            debug_assert!(block.number <= head);
            count += block
                .transactions
                .iter()
                .filter(|tx| tx.kind != "0x7e")
                .count();
        }
    }
    Ok(count)
}
