//! anvil under the same load, for comparison: blocks every second, no disk.

use std::{net::TcpListener, path::Path, process::Stdio, time::Duration};

use alloy::primitives::{B256, b256};
use eyre::bail;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::{load::Target, rpc::Rpc};

/// First account of anvil's mnemonic.
pub(crate) const RICH: B256 =
    b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const CHAIN_ID: u64 = 31_337;
/// Time to start, in seconds.
const START_SECONDS: u64 = 20;

/// A running anvil.
#[derive(Debug)]
pub(crate) struct Anvil {
    process: Child,
    url: String,
}

impl Anvil {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) async fn start(program: &Path) -> eyre::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new(program)
            .args([
                "--hardfork",
                "osaka",
                "--enable-tx-gas-limit",
                "--no-request-size-limit",
                "--quiet",
            ])
            .args([
                "--block-time",
                "1",
                "--gas-limit",
                "1000000000",
                "--port",
                &port.to_string(),
            ])
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let anvil = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
        };
        let limit = Instant::now() + Duration::from_secs(START_SECONDS);
        while Rpc::new(&anvil.url)
            .call::<String>("eth_chainId", "[]")
            .await
            .is_err()
        {
            if Instant::now() > limit {
                bail!("anvil does not answer");
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(anvil)
    }

    /// What to load.
    pub(crate) fn target(&self) -> Target {
        let process = self.process.id().unwrap_or_default();
        Target {
            url: self.url.clone(),
            chain_id: CHAIN_ID,
            rich: RICH,
            process,
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub(crate) async fn stop(mut self) -> eyre::Result<()> {
        Ok(self.process.kill().await?)
    }
}
