//! `trestle doctor`: says what of the surroundings is in place, one line each.
//!
//! Without a role it looks for the programs of `trestle dev`. With one it takes the options, variables and file that
//! the role itself would run with, and looks at everything that the role depends on: L1 and its clock, the chain's
//! contracts, keys and balances, disk, ports, beacon endpoints. It changes nothing but a probe file that it removes.

mod accounts;
mod chain;
mod machine;
mod programs;
mod report;

use trestle_sdk::deploy::ChainFiles;

use crate::{challenger, node, settings::RoleArgs};
use accounts::Purse;
use chain::L1;
use report::Report;

/// Check what a role depends on; without a role, the programs that `trestle dev` starts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    role: Option<RoleArgs>,
}

/// Prints what it finds.
///
/// # Errors
/// When a check failed.
pub(crate) async fn run(args: Args) -> eyre::Result<()> {
    let mut report = Report::default();
    match args.role {
        None => programs::check(&mut report),
        Some(RoleArgs::Challenger(args)) => challenger(*args, &mut report).await,
        Some(RoleArgs::Replica(args)) => replica(*args, &mut report).await,
        Some(RoleArgs::Sequencer(args)) => sequencer(*args, &mut report).await,
    }
    report.end()
}

async fn sequencer(args: node::SequencerArgs, report: &mut Report) {
    let (common, batcher, feed) = (
        args.common.clone(),
        args.batcher.source(),
        args.feed.source(),
    );
    let found = of_node(&common, report).await;
    let proposer = common.proposer.source();
    let keys = [
        ("batcher's key", batcher.as_ref()),
        ("feed's key", feed.as_ref()),
        ("proposer's key", proposer.as_ref()),
    ];
    let accounts = accounts::check_keys(&keys, report).await;
    if batcher.is_none() {
        let to_do = "give --batcher-key-file or --batcher-signer, or nothing reaches L1";
        report.warn("batcher's key", "none: nothing is posted", to_do);
    }
    let Some((l1, files)) = found else { return };
    let account = |name: &str| {
        accounts
            .iter()
            .find(|(whose, _)| *whose == name)
            .map(|(_, at)| *at)
    };
    let purses = [
        (Purse::Batcher, account("batcher's key")),
        (Purse::Proposer, account("proposer's key")),
    ];
    accounts::check_purses(&l1, &files, &purses, report).await;
    match args.node_config(None) {
        Ok(config) => {
            chain::check_settings(
                &l1,
                &config,
                account("batcher's key"),
                account("proposer's key"),
                report,
            )
            .await
        }
        Err(error) => report.fail(
            "settings",
            format!("{error:#}"),
            "see `trestle sequencer --help`",
        ),
    }
}

async fn replica(args: node::ReplicaArgs, report: &mut Report) {
    let common = args.common.clone();
    let found = of_node(&common, report).await;
    let proposer = common.proposer.source();
    let accounts = accounts::check_keys(&[("proposer's key", proposer.as_ref())], report).await;
    let Some((l1, files)) = found else { return };
    let account = accounts.first().map(|(_, at)| *at);
    accounts::check_purses(&l1, &files, &[(Purse::Proposer, account)], report).await;
    if let Some(url) = &args.sequencer {
        chain::check_sequencer(url.clone(), files.rollup.l2_chain_id, report).await;
    }
    match args.node_config(None) {
        Ok(config) => chain::check_settings(&l1, &config, None, account, report).await,
        Err(error) => report.fail(
            "settings",
            format!("{error:#}"),
            "see `trestle replica --help`",
        ),
    }
}

/// What a node of either role depends on.
async fn of_node(common: &node::Common, report: &mut Report) -> Option<(L1, ChainFiles)> {
    let found = chain::check(&common.chain, &common.l1, common.l1_block_time, report).await;
    let is_running = machine::check_datadir(&common.datadir, report);
    machine::check_port("RPC port", common.rpc_listen(), is_running, report);
    if let Some(address) = common.metrics_addr {
        machine::check_port("metrics port", address, is_running, report);
    }
    found
}

async fn challenger(args: challenger::Args, report: &mut Report) {
    let of_chain = args.chain.clone();
    let found = chain::check(
        &of_chain.chain,
        &of_chain.l1,
        of_chain.l1_block_time,
        report,
    )
    .await;
    let is_running = machine::check_datadir(&of_chain.datadir, report);
    if let Some(address) = args.metrics_addr {
        machine::check_port("metrics port", address, is_running, report);
    }
    for beacon in of_chain.beacons() {
        chain::check_beacon(beacon, report).await;
    }
    let key = args.key.source();
    let accounts = accounts::check_keys(&[("challenger's key", key.as_ref())], report).await;
    if key.is_none() && args.needs_key() {
        let to_do = "give --key-file or --signer, or --watch to raise alarms only";
        report.fail("challenger's key", "none", to_do);
    }
    let Some((l1, files)) = found else { return };
    let account = accounts.first().map(|(_, at)| *at);
    accounts::check_purses(&l1, &files, &[(Purse::Challenger, account)], report).await;
}
