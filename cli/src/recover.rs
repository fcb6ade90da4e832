//! `trestle recover`: the files that a chain's nodes start from, made from L1 alone.

use std::path::PathBuf;

use alloy::{
    primitives::Address,
    providers::{Provider, ProviderBuilder},
};
use eyre::WrapErr;
use trestle_sdk::deploy::{genesis_json, recover};

use crate::deploy::write_all;

/// Write a chain's rollup.json and genesis.json from what L1 holds, given its Deployment's address.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// RPC endpoint of L1.
    #[arg(long, value_name = "URL", env = "TRESTLE_L1_RPC")]
    l1: String,
    /// Address of the chain's Deployment on L1.
    #[arg(long, value_name = "ADDRESS", env = "TRESTLE_DEPLOYMENT")]
    deployment: Address,
    /// Directory for the files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Writes them.
///
/// # Errors
/// When there is no such chain on L1, or the directory holds another one.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let l1 = ProviderBuilder::new()
        .connect(&args.l1)
        .await
        .wrap_err("cannot reach L1")?
        .erased();
    let found = recover(&l1, args.deployment).await?;
    let rollup = serde_json::to_value(&found.files.rollup)?;
    let files = [
        ("rollup.json", rollup),
        ("genesis.json", genesis_json(&found.genesis)),
    ];
    write_all(&args.out, &files)?;
    println!("{}", found.files.rollup.config_hash);
    Ok(())
}
