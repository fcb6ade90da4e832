//! The nodes of a dev chain: a sequencer with its batcher, and a replica that trusts only L1.
//!
//! Each is a process of its own, started by the command that an operator would use.

use std::{
    ffi::OsString,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::{
    primitives::hex,
    providers::{DynProvider, Provider, ProviderBuilder},
};
use eyre::{WrapErr, bail};
use tokio::time::{Instant, sleep};
use trestle_sequencer::feed::FEED_PATH;

use super::{
    accounts::{self, Role},
    folder::Folder,
    l1::{BLOCK_SECONDS, L1},
};
use crate::process::{Child, Program};

/// Time for a node to answer, in seconds.
const START_SECONDS: u64 = 30;
/// Time between two questions, in milliseconds.
const ASK_AGAIN_MILLIS: u64 = 20;

/// A node that answers.
#[derive(Debug)]
pub(super) struct Node {
    /// The process.
    pub(super) child: Child,
    /// Where it answers.
    pub(super) port: u16,
}

impl Node {
    /// Starts the node that orders transactions and posts batches.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn sequencer(folder: &Folder, l1: &L1, port: u16) -> eyre::Result<Self> {
        let key = folder.file("batcher.key");
        write_secret(&key, accounts::of(Role::Batcher)?.key.as_slice())?;
        let flags = "--deposit-depth 0 --batch-delay 2 --idle-batch-delay 30";
        let mut extra: Vec<OsString> = flags.split(' ').map(Into::into).collect();
        extra.extend(["--batcher-key-file".into(), key.into()]);
        Self::start("sequencer", folder, l1, port, extra)
    }

    /// Starts the node that derives the chain from L1, proposes its output roots after every batch,
    /// follows the feed of `sequencer` and forwards transactions to it.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn replica(
        folder: &Folder,
        l1: &L1,
        port: u16,
        sequencer: &Self,
    ) -> eyre::Result<Self> {
        let key = folder.file("proposer.key");
        write_secret(&key, accounts::of(Role::Proposer)?.key.as_slice())?;
        let extra = [
            "--sequencer".into(),
            sequencer.http().into(),
            "--feed".into(),
            sequencer.feed().into(),
            "--proposer-key-file".into(),
            key.into(),
            "--proposal-interval".into(),
            "0".into(),
        ];
        Self::start("replica", folder, l1, port, extra.to_vec())
    }

    /// Starts the program that defeats false claims.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn challenger(folder: &Folder, l1: &L1) -> eyre::Result<Child> {
        Self::player("challenger", Role::Challenger, folder, l1, Vec::new())
    }

    /// Starts the program that makes a false claim of a class.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn liar(folder: &Folder, l1: &L1, class: &str) -> eyre::Result<Child> {
        let extra = ["--class".into(), class.into()];
        Self::player("liar", Role::Liar, folder, l1, extra.to_vec())
    }

    fn player(
        role: &'static str,
        account: Role,
        folder: &Folder,
        l1: &L1,
        extra: Vec<OsString>,
    ) -> eyre::Result<Child> {
        let key = folder.file(&format!("{role}.key"));
        write_secret(&key, accounts::of(account)?.key.as_slice())?;
        let mut args: Vec<OsString> = vec![role.into()];
        let mut option = |name: &str, value: OsString| args.extend([name.into(), value]);
        option("--chain", folder.path().into());
        option("--datadir", folder.file(role).into());
        option("--l1", l1.url.clone().into());
        option("--l1-block-time", BLOCK_SECONDS.to_string().into());
        option("--key-file", key.into());
        args.extend(extra);
        spawn(role, folder, args)
    }

    fn start(
        role: &'static str,
        folder: &Folder,
        l1: &L1,
        port: u16,
        extra: Vec<OsString>,
    ) -> eyre::Result<Self> {
        let mut args: Vec<OsString> = vec![role.into()];
        let mut option = |name: &str, value: OsString| args.extend([name.into(), value]);
        option("--chain", folder.path().into());
        option("--datadir", folder.file(role).into());
        option("--l1", l1.url.clone().into());
        option("--l1-block-time", BLOCK_SECONDS.to_string().into());
        option("--rpc-port", port.to_string().into());
        args.extend(extra);
        let child = spawn(role, folder, args)?;
        Ok(Self { child, port })
    }

    /// JSON-RPC over HTTP.
    pub(super) fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// JSON-RPC over WebSocket.
    pub(super) fn ws(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// The block feed.
    pub(super) fn feed(&self) -> String {
        format!("{}{FEED_PATH}", self.ws())
    }

    /// Waits until it answers as the chain `chain_id`.
    ///
    /// # Errors
    /// When it ends, serves another chain, or takes too long.
    pub(super) async fn ready(&mut self, chain_id: u64) -> eyre::Result<DynProvider> {
        let provider = ProviderBuilder::new()
            .connect_http(self.http().parse()?)
            .erased();
        let limit = Instant::now() + Duration::from_secs(START_SECONDS);
        loop {
            self.child.check()?;
            match provider.get_chain_id().await {
                Ok(got) if got == chain_id => return Ok(provider),
                Ok(got) => bail!("{} serves chain {got} instead of {chain_id}", self.http()),
                Err(_) if Instant::now() < limit => {
                    sleep(Duration::from_millis(ASK_AGAIN_MILLIS)).await
                }
                Err(error) => {
                    return Err(error).wrap_err_with(|| format!("{} does not answer", self.http()));
                }
            }
        }
    }
}

fn spawn(role: &'static str, folder: &Folder, args: Vec<OsString>) -> eyre::Result<Child> {
    let path = std::env::current_exe().wrap_err("cannot find the trestle program")?;
    let log = folder.file(&format!("{role}.log"));
    Program {
        name: role,
        path,
        args,
        log,
    }
    .start()
}

/// Writes `secret` as hexadecimal into a file that only its owner can read.
fn write_secret(path: &Path, secret: &[u8]) -> eyre::Result<()> {
    let shown = || format!("cannot write {}", path.display());
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(PathBuf::from(path)).wrap_err_with(shown)?;
    writeln!(file, "{}", hex::encode_prefixed(secret)).wrap_err_with(shown)
}
