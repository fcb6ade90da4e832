//! Starts anvil on a free port, and kills it with the test.
//!
//! The process runs under `setpriv --pdeathsig KILL`, so that an aborted test leaves no orphan. The
//! signal follows the *thread* that started it: start anvil from the thread of the test, never from
//! a worker thread that may end earlier.

use alloy::{
    network::Ethereum,
    primitives::{B256, TxHash, U64},
    providers::{Provider, RootProvider},
    rpc::{
        json_rpc::{RpcRecv, RpcSend},
        types::TransactionRequest,
    },
    transports::{TransportErrorKind, TransportResult, http::reqwest::Url},
};
use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

/// Private keys of the first four accounts that anvil funds, with the mnemonic it always uses.
pub const DEV_KEYS: [&str; 4] = [
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
];

/// What an answer or a block may take at most on a loaded machine: no test waits without end.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an L1 for a test behaves.
#[derive(Debug, Clone)]
pub struct AnvilOptions {
    /// Chain id.
    pub chain_id: u64,
    /// Blocks of an epoch: the safe block is one epoch behind the head, the finalized one two.
    pub slots_in_an_epoch: u64,
    /// Mines a block for each transaction; otherwise only when told to.
    pub automine: bool,
    /// Seconds between blocks; `None` leaves mining to `automine` and to the test.
    pub block_time: Option<u64>,
    /// Port; 0 takes a free one.
    pub port: u16,
    /// Further arguments.
    pub args: Vec<OsString>,
}

impl Default for AnvilOptions {
    fn default() -> Self {
        Self {
            chain_id: 31_337,
            slots_in_an_epoch: 32,
            automine: true,
            block_time: None,
            port: 0,
            args: Vec::new(),
        }
    }
}

/// Why anvil did not start.
#[derive(Debug, thiserror::Error)]
pub enum AnvilError {
    /// It is neither in `contracts/node_modules/.bin` nor on PATH.
    #[error("anvil not found: run `npm ci` in contracts/ or put anvil on PATH")]
    NotFound,
    /// The process could not be started or read.
    #[error("anvil could not be started")]
    Io(#[from] io::Error),
    /// It ended before it listened.
    #[error("anvil ended before it listened: {output}")]
    Ended {
        /// What it printed.
        output: String,
    },
}

/// A running anvil; dropped, it is killed.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    port: u16,
    provider: RootProvider<Ethereum>,
    /// Where it keeps states that leave its memory: killed, it removes none of them.
    _states: tempfile::TempDir,
}

impl Anvil {
    /// An L1 that mines one block for each transaction.
    ///
    /// # Errors
    /// Every [`AnvilError`].
    pub fn start() -> Result<Self, AnvilError> {
        Self::start_with(&AnvilOptions::default())
    }

    /// An L1 with these options.
    ///
    /// # Errors
    /// Every [`AnvilError`].
    pub fn start_with(options: &AnvilOptions) -> Result<Self, AnvilError> {
        let binary = find_binary().ok_or(AnvilError::NotFound)?;
        let states = tempfile::tempdir()?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(binary);
        command.arg("--cache-path").arg(states.path());
        command.args(["--port", &options.port.to_string()]);
        command.args(["--chain-id", &options.chain_id.to_string()]);
        command.args([
            "--slots-in-an-epoch",
            &options.slots_in_an_epoch.to_string(),
        ]);
        command.args([
            "--hardfork",
            "osaka",
            "--enable-tx-gas-limit",
            "--no-request-size-limit",
        ]);
        if !options.automine {
            command.arg("--no-mining");
        }
        if let Some(seconds) = options.block_time {
            command.args(["--block-time", &seconds.to_string()]);
        }
        command
            .args(&options.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn()?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("no standard output"))?;
        match wait_for_port(stdout) {
            Ok(port) => {
                let url: Url = loopback(port).parse().map_err(io::Error::other)?;
                Ok(Self {
                    child,
                    port,
                    provider: RootProvider::new_http(url),
                    _states: states,
                })
            }
            Err(error) => {
                child.kill().ok();
                child.wait().ok();
                Err(error)
            }
        }
    }

    /// Port on the loopback interface.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// URL of its HTTP endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        loopback(self.port)
    }

    /// URL of its WebSocket endpoint.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// A provider without fillers.
    #[must_use]
    pub const fn provider(&self) -> &RootProvider<Ethereum> {
        &self.provider
    }

    /// Calls any method.
    ///
    /// # Errors
    /// What the transport or anvil answers.
    pub async fn rpc<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> TransportResult<R> {
        let answer = self.provider.client().request(method, params);
        tokio::time::timeout(PATIENCE, answer)
            .await
            .unwrap_or_else(|_| Err(TransportErrorKind::custom_str("anvil does not answer")))
    }

    /// Sends a transaction from an account that anvil unlocks; where each is mined as it comes, it
    /// is mined when this returns.
    ///
    /// # Errors
    /// As [`Self::rpc`].
    pub async fn send(&self, tx: &TransactionRequest) -> TransportResult<TxHash> {
        let hash = self.rpc("eth_sendTransaction", (tx,)).await?;
        // anvil answers before it mines, and it knows the receipt before the transaction has left its
        // pool: a reorg in between leaves a nonce behind that no later transaction can follow.
        let mined = async {
            while self.is_automining().await? && !self.is_settled(hash).await? {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok(hash)
        };
        tokio::time::timeout(PATIENCE, mined)
            .await
            .unwrap_or_else(|_| Err(TransportErrorKind::custom_str("anvil does not mine it")))
    }

    /// Whether the transaction is in a block and out of the pool, where anvil looks first.
    async fn is_settled(&self, hash: TxHash) -> TransportResult<bool> {
        let found = self.provider.get_transaction_by_hash(hash).await?;
        Ok(found.is_some_and(|tx| tx.block_hash.is_some()))
    }

    /// Whether each transaction is mined as it comes.
    ///
    /// # Errors
    /// As [`Self::rpc`].
    pub async fn is_automining(&self) -> TransportResult<bool> {
        self.rpc("anvil_getAutomine", ()).await
    }

    /// Mines `blocks` blocks; the first takes what waits in the pool.
    ///
    /// # Errors
    /// As [`Self::rpc`].
    pub async fn mine(&self, blocks: u64) -> TransportResult<()> {
        self.rpc::<_, serde_json::Value>("anvil_mine", (U64::from(blocks),))
            .await
            .map(drop)
    }

    /// Replaces the newest `depth` blocks by as many others; their transactions are lost but for
    /// `kept`: transactions with the offset of the new block that includes them.
    ///
    /// # Errors
    /// As [`Self::rpc`].
    pub async fn reorg(
        &self,
        depth: u64,
        kept: &[(TransactionRequest, u64)],
    ) -> TransportResult<()> {
        self.rpc::<_, serde_json::Value>("anvil_reorg", (depth, kept))
            .await
            .map(drop)
    }

    /// Takes a transaction out of the pool.
    ///
    /// # Errors
    /// As [`Self::rpc`].
    pub async fn drop_transaction(&self, hash: TxHash) -> TransportResult<()> {
        self.rpc::<_, Option<B256>>("anvil_dropTransaction", (hash,))
            .await
            .map(drop)
    }
}

fn loopback(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn find_binary() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    let pinned = root.join("contracts/node_modules/.bin/anvil");
    if pinned.exists() {
        return Some(pinned);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("anvil"))
        .find(|file| file.exists())
}

/// Reads until the line that names the port, then leaves a thread to drain the pipe.
fn wait_for_port(stdout: ChildStdout) -> Result<u16, AnvilError> {
    let mut reader = BufReader::new(stdout);
    let mut output = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(AnvilError::Ended { output });
        }
        let port = line
            .trim()
            .strip_prefix("Listening on ")
            .and_then(|address| {
                address
                    .rsplit_once(':')
                    .and_then(|(_, port)| port.parse::<u16>().ok())
            });
        if let Some(port) = port {
            thread::spawn(move || io::copy(&mut reader, &mut io::sink()));
            return Ok(port);
        }
        output.push_str(&line);
    }
}
