//! The L1 of a dev chain: an anvil of our own, or an endpoint that was given.

use std::{path::PathBuf, time::Duration};

use alloy::{
    network::EthereumWallet,
    primitives::Address,
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::client::{ClientBuilder, RpcClient},
};
use eyre::{WrapErr, bail, eyre};
use tokio::time::{Instant, sleep};
use trestle_contracts::preinstalls;

use super::{accounts, folder::Folder};
use crate::{
    process::{Child, Program},
    tools,
};

/// Time in which anvil has to answer, in seconds.
const START_SECONDS: u64 = 20;
/// Time between two questions to a server that is not up yet, in milliseconds.
const ASK_AGAIN_MILLIS: u64 = 20;
/// Folder of the states that leave anvil's memory; nothing reads them after it has ended.
const STATES: &str = "l1-states";
/// Seconds of an L1 block.
pub(super) const BLOCK_SECONDS: u64 = 1;

/// A running L1.
#[derive(Debug)]
pub(super) struct L1 {
    /// Its JSON-RPC over HTTP.
    pub(super) url: String,
    /// Its chain id.
    pub(super) chain_id: u64,
    /// The process, if it is ours.
    pub(super) anvil: Option<Child>,
}

impl L1 {
    /// Starts anvil in `folder`, with the state that it had before.
    ///
    /// # Errors
    /// When anvil is missing or does not start.
    pub(super) async fn start(folder: &Folder, port: u16) -> eyre::Result<Self> {
        let path = tools::find("anvil").ok_or_else(|| {
            eyre!("anvil not found on PATH or in contracts/node_modules/.bin: run `make setup`, or install Foundry")
        })?;
        folder.delete(STATES)?;
        let mut anvil = program(path, folder, port).start()?;
        let url = format!("http://127.0.0.1:{port}");
        let l1 = client(&url)?;
        let limit = Instant::now() + Duration::from_secs(START_SECONDS);
        let chain_id = loop {
            anvil.check()?;
            match l1.get_chain_id().await {
                Ok(chain_id) => break chain_id,
                Err(_) if Instant::now() < limit => {
                    sleep(Duration::from_millis(ASK_AGAIN_MILLIS)).await
                }
                Err(error) => return Err(error).wrap_err("anvil does not answer"),
            }
        };
        install_multicall(&l1).await?;
        Ok(Self {
            url,
            chain_id,
            anvil: Some(anvil),
        })
    }

    /// Uses the L1 behind `url`.
    ///
    /// # Errors
    /// When it does not answer, or the operator's account has no ETH there.
    pub(super) async fn connect(url: &str) -> eyre::Result<Self> {
        let l1 = client(url)?;
        let chain_id = l1
            .get_chain_id()
            .await
            .wrap_err_with(|| format!("no L1 answers at {url}"))?;
        for role in [
            accounts::Role::Operator,
            accounts::Role::Batcher,
            accounts::Role::Proposer,
            accounts::Role::Challenger,
        ] {
            let address = accounts::of(role)?.address;
            if l1.get_balance(address).await?.is_zero() {
                bail!(
                    "{address} has no ETH on the L1 at {url}: fund it, it is the {role:?} of the dev chain"
                );
            }
        }
        Ok(Self {
            url: url.to_owned(),
            chain_id,
            anvil: None,
        })
    }

    /// A client that signs with `account`.
    ///
    /// # Errors
    /// When the URL is none.
    pub(super) fn wallet(&self, account: &accounts::Account) -> eyre::Result<DynProvider> {
        let wallet = EthereumWallet::from(account.signer()?);
        let provider = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(wallet)
            .connect_client(rpc(&self.url)?);
        Ok(provider.erased())
    }

    /// Address of Multicall3, if this L1 has it.
    ///
    /// # Errors
    /// When L1 does not answer.
    pub(super) async fn multicall(&self) -> eyre::Result<Option<Address>> {
        let address = preinstalls::MULTICALL3.address;
        let code = client(&self.url)?.get_code_at(address).await?;
        Ok((!code.is_empty()).then_some(address))
    }

    /// From now on a block every second, whether there are transactions or not.
    ///
    /// Until then our anvil makes a block of each transaction at once, so that a deployment is quick.
    ///
    /// # Errors
    /// When anvil refuses.
    pub(super) async fn begin_interval(&self) -> eyre::Result<()> {
        if self.anvil.is_some() {
            let l1 = client(&self.url)?;
            l1.raw_request::<_, ()>("evm_setIntervalMining".into(), (BLOCK_SECONDS,))
                .await?;
        }
        Ok(())
    }
}

/// anvil with the rules of mainnet and a state file.
fn program(path: PathBuf, folder: &Folder, port: u16) -> Program {
    let flags = "--host 127.0.0.1 --hardfork osaka --enable-tx-gas-limit --no-request-size-limit --slots-in-an-epoch 1 --quiet";
    let mut args: Vec<_> = flags.split(' ').map(Into::into).collect();
    args.extend(["--port".into(), port.to_string().into()]);
    args.extend(["--mnemonic".into(), accounts::MNEMONIC.into()]);
    args.extend(["--accounts".into(), accounts::COUNT.to_string().into()]);
    args.extend(["--cache-path".into(), folder.file(STATES).into()]);
    args.extend(["--state".into(), folder.file("l1-state.json").into()]);
    Program {
        name: "anvil",
        path,
        args,
        log: folder.file("l1.log"),
    }
}

fn rpc(url: &str) -> eyre::Result<RpcClient> {
    let client = ClientBuilder::default().http(url.parse()?);
    Ok(client.with_poll_interval(Duration::from_millis(ASK_AGAIN_MILLIS)))
}

fn client(url: &str) -> eyre::Result<DynProvider> {
    Ok(ProviderBuilder::new().connect_client(rpc(url)?).erased())
}

/// viem's op-stack actions call Multicall3 on L1 too; anvil has none.
async fn install_multicall(l1: &DynProvider) -> eyre::Result<()> {
    let contract = preinstalls::MULTICALL3;
    let code = contract.code(l1.get_chain_id().await?);
    let request = (contract.address, code);
    l1.raw_request::<_, ()>("anvil_setCode".into(), request)
        .await?;
    Ok(())
}
