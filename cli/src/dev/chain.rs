//! The contracts of a dev chain on L1, and the files that describe the chain.

use std::path::Path;

use eyre::{WrapErr, bail};
use serde::Serialize;
use trestle_sdk::deploy::{DeployConfig, Deployed, DisputeConfig, deploy, genesis_json};

use super::{
    accounts::{self, Role},
    folder::Folder,
    l1::L1,
};

/// Age in seconds at which a deposit of a dev chain can be forced in.
const FORCED_INCLUSION_SECONDS: u64 = 60;
/// Floor of the base fee on a dev chain, in wei per gas.
const GENESIS_FLOOR: u128 = 10_000_000;

/// Machine steps that a batch of a dev chain is assumed to take.
const STEP_CAP: u64 = 100_000_000;
/// Seconds between a game's outcome and reliance on it.
const AIR_GAP_SECONDS: u64 = 2;

/// Least age in seconds of a withdrawal's proof.
const PROOF_MATURITY_SECONDS: u64 = 2;

/// Disputes whose sides have `clock` seconds each, so that a withdrawal takes seconds, not days.
fn dispute(clock: u32) -> DisputeConfig {
    DisputeConfig {
        max_clock: clock,
        extension: clock / 2,
        step_cap: STEP_CAP,
        inclusion_time: 1,
        air_gap: AIR_GAP_SECONDS,
        ..DisputeConfig::default()
    }
}

/// Deploys the chain, or verifies the one that is there, and writes its files.
///
/// # Errors
/// When L1 refuses, or the folder holds the files of another chain.
pub(super) async fn prepare(
    folder: &Folder,
    l1: &L1,
    l2_chain_id: u64,
    clock: u32,
) -> eyre::Result<Deployed> {
    let operator = accounts::of(Role::Operator)?;
    let batcher = accounts::of(Role::Batcher)?.address;
    let mut config = DeployConfig::new(l1.chain_id, l2_chain_id, operator.address, batcher);
    config.forced_inclusion_delay = FORCED_INCLUSION_SECONDS;
    config.genesis_floor = GENESIS_FLOOR;
    config.proof_maturity_delay = PROOF_MATURITY_SECONDS;
    config.dispute = dispute(clock);
    let deployed = deploy(&l1.wallet(&operator)?, &config, 1)
        .await
        .wrap_err("deployment on L1")?;
    refuse_another_chain(folder, &deployed)?;
    write(&folder.file("deployments.json"), &deployed.deployments)?;
    write(&folder.file("rollup.json"), &deployed.rollup)?;
    write(
        &folder.file("genesis.json"),
        &genesis_json(&deployed.genesis),
    )?;
    Ok(deployed)
}

/// The chain on L1 must be the one that the folder's nodes have followed so far.
fn refuse_another_chain(folder: &Folder, deployed: &Deployed) -> eyre::Result<()> {
    let path = folder.file("rollup.json");
    if !path.exists() {
        return Ok(());
    }
    let stored = std::fs::read(&path).map_err(eyre::Report::from);
    let stored: serde_json::Value = stored
        .and_then(|text| Ok(serde_json::from_slice(&text)?))
        .wrap_err_with(|| {
            format!(
                "cannot read {}: start over with --fresh, or name another folder with --datadir",
                path.display()
            )
        })?;
    if stored != serde_json::to_value(&deployed.rollup)? {
        bail!(
            "the chain in {} is not the one on this L1, or has another --chain-id: start over with --fresh, or name another folder with --datadir",
            folder.path().display()
        );
    }
    Ok(())
}

/// Writes `value` as indented JSON.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(path: &Path, value: &impl Serialize) -> eyre::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    std::fs::write(path, text).wrap_err_with(|| format!("cannot write {}", path.display()))
}
