//! `trestle deploy`: a chain's contracts on L1, and the files that its nodes start from.
//!
//! The key comes from a file or the environment, never from the command line, where every process could read
//! it. Running it again resumes a deployment that stopped, or verifies one that is complete.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256},
    providers::{Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use eyre::{WrapErr, bail, eyre};
use serde_json::Value;
use trestle_sdk::deploy::{DeployConfig, Deployed, Plan, deploy, genesis_json};

/// Environment variable with the deployer's key.
const KEY_VARIABLE: &str = "TRESTLE_DEPLOYER_KEY";

/// Deploy a chain to L1; write deployments.json, rollup.json and genesis.json.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RPC endpoint of L1.
    #[arg(long, value_name = "URL", env = "TRESTLE_L1_RPC")]
    l1: String,
    /// File with the chain's parameters (JSON); flags override it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Chain id of L2.
    #[arg(long)]
    l2_chain_id: Option<u64>,
    /// Account that rotates operator parameters.
    #[arg(long)]
    operator: Option<Address>,
    /// Account that appends batches.
    #[arg(long)]
    batcher: Option<Address>,
    /// Account that announces upgrades; repeat for more. The operator by default.
    #[arg(long = "governor", value_name = "ADDRESS")]
    governors: Vec<Address>,
    /// Root of the guest image that batches are proven with; that of this program by default.
    #[arg(long, value_name = "HASH")]
    image_root: Option<B256>,
    /// Tells apart deployments that are equal in everything else.
    #[arg(long)]
    salt: Option<B256>,
    /// File with the deployer's key in hexadecimal; else the environment variable TRESTLE_DEPLOYER_KEY.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Directory for the files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// L1 blocks that each transaction waits for, its own included.
    #[arg(long, default_value_t = 1)]
    confirmations: u64,
    /// Print the addresses and send nothing; needs no key.
    #[arg(long)]
    dry_run: bool,
}

/// Deploys, verifies, writes the files and prints the contracts.
///
/// # Errors
/// When the configuration, the key, L1 or the directory does not serve.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let reader = ProviderBuilder::new()
        .connect(&args.l1)
        .await
        .wrap_err("cannot reach L1")?;
    let l1_chain_id = reader.get_chain_id().await.wrap_err("cannot reach L1")?;
    let config = args.deploy_config(l1_chain_id)?;
    config.validate()?;
    if args.dry_run {
        return print(&Plan::new(&config).contracts);
    }
    let wallet = EthereumWallet::from(args.signer()?);
    let provider = ProviderBuilder::new()
        .with_simple_nonce_management()
        .wallet(wallet)
        .connect(&args.l1)
        .await
        .wrap_err("cannot reach L1")?;
    let deployed = deploy(&provider, &config, args.confirmations)
        .await
        .wrap_err("the deployment is not complete; run the same command again to resume it")?;
    write_files(&args.out, &deployed)?;
    print(&deployed.deployments.contracts)
}

impl Args {
    fn deploy_config(&self, l1_chain_id: u64) -> eyre::Result<DeployConfig> {
        let mut config = match &self.config {
            Some(path) => read_json(path)?,
            None => self.config_of_flags(l1_chain_id)?,
        };
        config.l2_chain_id = self.l2_chain_id.unwrap_or(config.l2_chain_id);
        config.operator = self.operator.unwrap_or(config.operator);
        config.batcher = self.batcher.unwrap_or(config.batcher);
        config.salt = self.salt.unwrap_or(config.salt);
        config.dispute.image_root = self.image_root.unwrap_or(config.dispute.image_root);
        if !self.governors.is_empty() {
            config.governors.clone_from(&self.governors);
        }
        Ok(config)
    }

    fn config_of_flags(&self, l1_chain_id: u64) -> eyre::Result<DeployConfig> {
        let (Some(id), Some(operator), Some(batcher)) =
            (self.l2_chain_id, self.operator, self.batcher)
        else {
            bail!("give --config, or --l2-chain-id, --operator and --batcher");
        };
        Ok(DeployConfig::new(l1_chain_id, id, operator, batcher))
    }

    fn signer(&self) -> eyre::Result<PrivateKeySigner> {
        let text = match &self.key_file {
            Some(path) => fs::read_to_string(path)
                .wrap_err_with(|| format!("cannot read the key file {}", path.display()))?,
            None => std::env::var(KEY_VARIABLE)
                .map_err(|_| eyre!("no key: give --key-file or set {KEY_VARIABLE}"))?,
        };
        // The error of the parser could quote the key.
        text.trim()
            .parse()
            .map_err(|_| eyre!("the deployer's key is not 32 bytes of hexadecimal"))
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> eyre::Result<T> {
    let text =
        fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).wrap_err_with(|| format!("{} is not valid", path.display()))
}

fn print(value: &impl serde::Serialize) -> eyre::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

fn write_files(dir: &Path, deployed: &Deployed) -> eyre::Result<()> {
    let files = [
        (
            "deployments.json",
            serde_json::to_value(&deployed.deployments)?,
        ),
        ("rollup.json", serde_json::to_value(&deployed.rollup)?),
        ("genesis.json", genesis_json(&deployed.genesis)),
    ];
    write_all(dir, &files)
}

/// Writes a chain's files, none over the file of another chain.
///
/// # Errors
/// When the directory cannot be written, or holds another chain's files.
pub(crate) fn write_all(dir: &Path, files: &[(&str, Value)]) -> eyre::Result<()> {
    fs::create_dir_all(dir).wrap_err_with(|| format!("cannot make {}", dir.display()))?;
    for (name, value) in files {
        refuse_other(&dir.join(name), value)?;
    }
    for (name, value) in files {
        write_whole(
            &dir.join(name),
            &format!("{}\n", serde_json::to_string_pretty(value)?),
        )?;
    }
    Ok(())
}

/// Refuses to replace the file of another deployment, which could not be had again.
fn refuse_other(path: &Path, value: &Value) -> eyre::Result<()> {
    if path.exists() && read_json::<Value>(path).ok().as_ref() != Some(value) {
        bail!(
            "{} is of another deployment; choose another directory with --out",
            path.display()
        );
    }
    Ok(())
}

/// Writes beside and renames, so that nobody ever reads half a file.
fn write_whole(path: &Path, text: &str) -> eyre::Result<()> {
    let partial = path.with_extension("json.partial");
    fs::write(&partial, text)
        .and_then(|()| fs::rename(&partial, path))
        .wrap_err_with(|| format!("cannot write {}", path.display()))
}
