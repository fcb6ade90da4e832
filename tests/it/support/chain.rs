//! An L1 with a deployed chain, and the nodes of that chain.

use std::{fs, path::PathBuf, time::Duration};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{client::ClientBuilder, types::TransactionReceipt},
    signers::local::PrivateKeySigner,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use trestle_contracts::bindings::{Inbox, Portal};
use trestle_sdk::deploy::{DeployConfig, Deployed, DisputeConfig, deploy, genesis_json};
use trestle_sequencer::l1::{BeaconClient, BlobSource, L1Client};
use trestle_test_support::{Anvil, AnvilOptions, DEV_KEYS};

use super::{NodeOptions, Rpc, User, node::free_port};

/// Which of anvil's accounts plays which role; the first two are users.
pub(crate) const OPERATOR: usize = 2;
pub(crate) const BATCHER: usize = 3;

/// How L1 and the chain on it behave.
#[derive(Debug, Clone)]
pub(crate) struct ChainOptions {
    pub(crate) l2_chain_id: u64,
    /// Seconds between L1 blocks; `None` for a block per transaction and otherwise when told to.
    pub(crate) l1_block_time: Option<u64>,
    /// Blocks of an L1 epoch: two of them are not final.
    pub(crate) slots_in_an_epoch: u64,
    /// Seconds until a deposit can be forced in.
    pub(crate) forced_inclusion_delay: u64,
    /// Seconds that each side of a dispute has on its clock.
    pub(crate) challenge_clock: u32,
    /// Guest image of the chain, if not the committed one.
    pub(crate) image_root: Option<B256>,
    /// Where batches go: `calldata`, `blobs` or `auto`.
    pub(crate) batch_kind: &'static str,
}

impl Default for ChainOptions {
    fn default() -> Self {
        Self {
            l2_chain_id: 7_357,
            l1_block_time: Some(1),
            slots_in_an_epoch: 32,
            forced_inclusion_delay: 600,
            challenge_clock: 60,
            image_root: None,
            batch_kind: "calldata",
        }
    }
}

/// A deployed chain.
pub(crate) struct Chain {
    pub(crate) l1: Anvil,
    pub(crate) deployed: Deployed,
    pub(crate) options: ChainOptions,
    folder: TempDir,
}

impl Chain {
    /// Starts L1 and deploys.
    pub(crate) async fn new(options: ChainOptions) -> Self {
        let slots_in_an_epoch = options.slots_in_an_epoch;
        let l1 = Anvil::start_with(&AnvilOptions {
            slots_in_an_epoch,
            ..AnvilOptions::default()
        })
        .unwrap();
        let mut config = DeployConfig::new(
            31_337,
            options.l2_chain_id,
            user_address(OPERATOR),
            user_address(BATCHER),
        );
        config.forced_inclusion_delay = options.forced_inclusion_delay;
        config.genesis_floor = 10_000_000;
        config.dispute = DisputeConfig {
            max_clock: options.challenge_clock,
            extension: options.challenge_clock / 2,
            step_cap: 100_000_000,
            inclusion_time: 1,
            air_gap: 2,
            ..config.dispute
        };
        if let Some(root) = options.image_root {
            config.dispute.image_root = root;
        }
        config.proof_maturity_delay = 2;
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let deployed = deploy(&wallet(&l1.url(), DEV_KEYS[OPERATOR]), &config, 1)
            .await
            .unwrap();
        let chain = Self {
            l1,
            deployed,
            options,
            folder,
        };
        chain.write_files();
        if let Some(seconds) = chain.options.l1_block_time {
            chain.begin_mining(seconds).await;
        }
        chain
    }

    fn write_files(&self) {
        let write = |name: &str, text: String| fs::write(self.path(name), text).unwrap();
        write(
            "rollup.json",
            serde_json::to_string(&self.deployed.rollup).unwrap(),
        );
        write(
            "genesis.json",
            genesis_json(&self.deployed.genesis).to_string(),
        );
        write("batcher.key", DEV_KEYS[BATCHER].to_owned());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn l1_rpc(&self) -> Rpc {
        Rpc::of_l1(&self.l1.url())
    }

    /// A client of L1 as the program has it.
    pub(crate) fn l1_client(&self) -> L1Client {
        L1Client::new(self.l1.url().parse().unwrap(), Duration::from_secs(20))
    }

    pub(crate) async fn mine(&self, blocks: u64) {
        self.l1_rpc()
            .call("anvil_mine", json!([format!("{blocks:#x}")]))
            .await;
    }

    /// From now on L1 makes a block only by [`Self::mine`].
    ///
    /// anvil 1.7.1 is left without some of its blocks when it mines while it reorganises, and no node can
    /// follow that.
    pub(crate) async fn stop_mining(&self) {
        let l1 = self.l1_rpc();
        l1.call("evm_setIntervalMining", json!([0])).await;
        l1.call("evm_setAutomine", json!([false])).await;
        // One block at a time: when this one is made, no other is under way.
        self.mine(1).await;
    }

    /// Replaces the last `depth` blocks of L1; `pairs` are transactions with the new block that takes each.
    pub(crate) async fn reorg(&self, depth: u64, pairs: Vec<Value>) {
        self.l1_rpc()
            .call("anvil_reorg", json!([depth, pairs]))
            .await;
    }

    /// L1 makes a block every so many seconds again.
    pub(crate) async fn begin_mining(&self, seconds: u64) {
        self.l1_rpc()
            .call("evm_setIntervalMining", json!([seconds]))
            .await;
    }

    /// Arguments of a sequencer that acts at once.
    pub(crate) fn sequencer(&self) -> NodeOptions {
        let key = self.path("batcher.key").display().to_string();
        let flags = [
            "--deposit-depth",
            "0",
            "--batch-delay",
            "0.5",
            "--idle-batch-delay",
            "5",
            "--batch-kind",
            self.options.batch_kind,
            "--beacon",
            &self.l1.url(),
        ];
        self.node(
            "sequencer",
            "sequencer",
            &[&["--batcher-key-file", &key], &flags[..]].concat(),
        )
    }

    /// Arguments of a replica with a data directory of its own name.
    pub(crate) fn replica(&self, name: &str) -> NodeOptions {
        self.node("replica", name, &["--beacon", &self.l1.url()])
    }

    /// Arguments of a replica that knows no place for blobs.
    pub(crate) fn replica_without_beacon(&self, name: &str) -> NodeOptions {
        self.node("replica", name, &[])
    }

    /// Arguments of a challenger that only watches; it has no RPC.
    pub(crate) fn challenger(&self, name: &str) -> NodeOptions {
        let mut options = self.node("challenger", name, &["--watch"]);
        if let Some(at) = options.args.iter().position(|arg| arg == "--rpc-port") {
            options.args.drain(at..at + 2);
        }
        options
    }

    /// The same node over another endpoint of L1.
    pub(crate) fn over(mut options: NodeOptions, l1: &str) -> NodeOptions {
        let at = options.args.iter().position(|arg| arg == "--l1").unwrap();
        options.args[at + 1] = l1.to_owned();
        options
    }

    /// Blobs as L1 serves them.
    pub(crate) fn blobs(&self) -> BlobSource {
        blobs_of(&self.l1.url())
    }

    fn node(&self, role: &str, name: &str, extra: &[&str]) -> NodeOptions {
        let (port, datadir) = (free_port(), self.path(name));
        let seconds = self.options.l1_block_time.unwrap_or(1).to_string();
        let fixed = [
            role,
            "--chain",
            &self.folder.path().display().to_string(),
            "--datadir",
            &datadir.display().to_string(),
            "--l1",
            &self.l1.url(),
            "--l1-block-time",
            &seconds,
            "--rpc-port",
            &port.to_string(),
        ]
        .map(str::to_owned);
        let extra = extra.iter().map(|arg| (*arg).to_owned());
        let log = self.path(&format!("{name}.log"));
        NodeOptions {
            args: fixed.into_iter().chain(extra).collect(),
            env: Vec::new(),
            datadir,
            log,
            port,
        }
    }

    /// An L1 client that signs with the key of account `key`.
    pub(crate) fn l1_wallet(&self, key: usize) -> DynProvider {
        wallet(&self.l1.url(), DEV_KEYS[key])
    }

    /// An L1 client that signs as the batcher.
    pub(crate) fn batcher(&self) -> DynProvider {
        self.l1_wallet(BATCHER)
    }

    pub(crate) fn inbox(&self) -> Inbox::InboxInstance<DynProvider> {
        Inbox::new(
            self.deployed.rollup.contracts.inbox,
            self.l1_wallet(OPERATOR),
        )
    }

    /// Deposits through the Portal from user `key`.
    pub(crate) async fn deposit(&self, key: usize, deposit: Deposit) -> TransactionReceipt {
        let portal = Portal::new(self.deployed.rollup.contracts.portal, self.l1_wallet(key));
        let Deposit {
            to,
            mint,
            value,
            gas,
            data,
        } = deposit;
        let call = portal
            .depositTransaction(to, value, gas, false, data)
            .value(mint);
        // As every wallet of ours: the block that takes it may have a lower base fee, and the market's price is
        // paid in gas.
        let gas = call.estimate_gas().await.unwrap();
        let sent = call.gas(gas + gas / 2).send().await.unwrap();
        let receipt = sent.get_receipt().await.unwrap();
        assert!(receipt.status(), "{receipt:?}");
        receipt
    }

    /// A user of L2 with ETH there: that of anvil's account `key`.
    pub(crate) async fn funded_user(&self, key: usize, rpc: &Rpc) -> User {
        let mut user = User::new(DEV_KEYS[key].parse().unwrap(), self.options.l2_chain_id);
        self.deposit(key, Deposit::of_ether(user.address(), 1_000))
            .await;
        let has = || async { (!rpc.balance(user.address()).await.is_zero()).then_some(()) };
        super::eventually("the deposit arrives", 60, has).await;
        user.nonce = rpc.nonce(user.address()).await;
        user
    }
}

/// A deposit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deposit {
    pub(crate) to: Address,
    pub(crate) mint: U256,
    pub(crate) value: U256,
    pub(crate) gas: u64,
    pub(crate) data: Bytes,
}

impl Deposit {
    /// ETH, and nothing else.
    pub(crate) fn of_ether(to: Address, ether: u64) -> Self {
        let wei = U256::from(ether) * U256::from(10).pow(U256::from(18));
        Self {
            to,
            mint: wei,
            value: wei,
            gas: 100_000,
            data: Bytes::new(),
        }
    }
}

/// Blobs as the L1 at `url` serves them.
pub(crate) fn blobs_of(url: &str) -> BlobSource {
    let beacon = BeaconClient::new(url.parse().unwrap(), Duration::from_secs(30));
    BlobSource {
        archive: None,
        beacons: vec![beacon],
    }
}

/// A client that signs with `key` and looks often.
pub(crate) fn wallet(url: &str, key: &str) -> DynProvider {
    let signer: PrivateKeySigner = key.parse().unwrap();
    let client = ClientBuilder::default().http(url.parse().unwrap());
    let provider = ProviderBuilder::new()
        .with_simple_nonce_management()
        .wallet(EthereumWallet::from(signer))
        .connect_client(client.with_poll_interval(Duration::from_millis(20)));
    provider.erased()
}

/// Address of the account of user `key`.
pub(crate) fn user_address(key: usize) -> Address {
    DEV_KEYS[key].parse::<PrivateKeySigner>().unwrap().address()
}
