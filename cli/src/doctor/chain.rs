//! The chain's files, its L1, and whether the two belong together.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::Address,
    providers::{DynProvider, Provider, ProviderBuilder},
    transports::http::reqwest::Url,
};
use trestle_contracts::bindings::Deployment;
use trestle_sdk::deploy::ChainFiles;
use trestle_sequencer::{
    l1::{BeaconClient, L1Client},
    node::{Accounts, NodeConfig},
};

use super::report::Report;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds that this machine's clock may lie behind L1's: more, and blocks get times that L1 would move.
const BEHIND: u64 = 15;
/// L1 blocks that may be missing before L1 counts as standing still.
const MISSING: f64 = 10.0;

/// An L1 that answers.
#[derive(Debug)]
pub(super) struct L1 {
    pub(super) provider: DynProvider,
    pub(super) client: L1Client,
}

/// Files, L1, and the contracts there.
pub(super) async fn check(
    folder: &Path,
    url: &Url,
    block_time: f64,
    report: &mut Report,
) -> Option<(L1, ChainFiles)> {
    let files = match ChainFiles::read(folder) {
        Ok(files) => {
            report.ok(
                "chain's files",
                format!("{}, chain {}", folder.display(), files.rollup.l2_chain_id),
            );
            Some(files)
        }
        Err(error) => {
            let to_do = "write them again from L1: `trestle recover --l1 URL --deployment ADDRESS --out DIR`";
            report.fail("chain's files", error.to_string(), to_do);
            None
        }
    };
    let provider = ProviderBuilder::new().connect_http(url.clone()).erased();
    let l1 = L1 {
        provider,
        client: L1Client::new(url.clone(), PATIENCE),
    };
    let served = match l1.client.served_chain().await {
        Ok(served) => served,
        Err(error) => {
            let to_do = "check --l1 by hand: `cast chain-id --rpc-url URL`";
            report.fail("L1 endpoint", error.to_string(), to_do);
            return None;
        }
    };
    report.ok("L1 endpoint", l1.client.host());
    let files = files?;
    let expected = files.rollup.l1_chain_id;
    if served != expected {
        let found = format!("serves chain {served}, the chain settles on {expected}");
        report.fail(
            "L1 chain id",
            found,
            "name an endpoint of that chain by --l1",
        );
        return None;
    }
    report.ok("L1 chain id", served.to_string());
    check_clock(&l1, block_time, report).await;
    check_contracts(&l1, &files, report).await;
    Some((l1, files))
}

async fn check_clock(l1: &L1, block_time: f64, report: &mut Report) {
    let block = l1
        .provider
        .get_block_by_number(BlockNumberOrTag::Latest)
        .await;
    let Ok(Some(block)) = block else {
        report.fail(
            "clock",
            "L1 gives no newest block",
            "use another L1 endpoint",
        );
        return;
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    let time = block.header.timestamp;
    if time > now.saturating_add(BEHIND) {
        let found = format!("{} s behind L1's newest block", time - now);
        report.fail(
            "clock",
            found,
            "set the clock: run an NTP client (systemd-timesyncd, chrony)",
        );
        return;
    }
    let age = now.saturating_sub(time);
    let most = (block_time * MISSING).max(60.0);
    let is_old = f64::from(u32::try_from(age).unwrap_or(u32::MAX)) > most;
    if is_old {
        let found = format!("L1's newest block is {age} s old");
        let to_do = "L1 stands still, the endpoint lags, or this clock runs ahead: compare with another endpoint and with NTP";
        report.warn("clock", found, to_do);
    } else {
        report.ok("clock", format!("{age} s after L1's newest block"));
    }
}

async fn check_contracts(l1: &L1, files: &ChainFiles, report: &mut Report) {
    let contracts = &files.rollup.contracts;
    let to_do = "the files are of another deployment than this L1 has: `trestle recover` makes the right ones";
    for (name, at) in [
        ("Inbox", contracts.inbox),
        ("Portal", contracts.portal),
        ("SystemConfig", contracts.system_config),
        ("DisputeGameFactory", contracts.dispute_game_factory),
        ("AnchorRegistry", contracts.anchor_registry),
    ] {
        match l1.provider.get_code_at(at).await {
            Ok(code) if code.is_empty() => report.fail(name, format!("no code at {at}"), to_do),
            Ok(_) => report.ok(name, at.to_string()),
            Err(error) => report.fail(name, error.to_string(), "ask L1 again"),
        }
    }
    let expected = files.rollup.config_hash;
    let deployment = Deployment::new(contracts.deployment, &l1.provider);
    match deployment.configHash().call().await {
        Ok(got) if got == expected => report.ok("configuration", format!("hash {expected}")),
        Ok(got) => report.fail(
            "configuration",
            format!("L1 has hash {got}, rollup.json {expected}"),
            to_do,
        ),
        Err(_) => report.fail(
            "configuration",
            format!("no Deployment at {}", contracts.deployment),
            to_do,
        ),
    }
}

/// What would be refused at the start.
pub(super) async fn check_settings(
    l1: &L1,
    config: &NodeConfig,
    batcher: Option<Address>,
    proposer: Option<Address>,
    report: &mut Report,
) {
    let checked = match config.validate() {
        Ok(()) => {
            config
                .validate_on_l1(&l1.client, Accounts { batcher, proposer })
                .await
        }
        refused => refused,
    };
    match checked {
        Ok(()) => report.ok("settings", "L1 takes them"),
        Err(error) => report.fail("settings", error.to_string(), "change what is named"),
    }
}

/// The sequencer that a replica hands transactions to.
pub(super) async fn check_sequencer(url: Url, expected: u64, report: &mut Report) {
    let client = L1Client::new(url, PATIENCE);
    let host = client.host();
    match client.served_chain().await {
        Ok(got) if got == expected => report.ok("sequencer", host),
        Ok(got) => report.fail(
            "sequencer",
            format!("{host} serves chain {got}"),
            "name this chain's sequencer by --sequencer",
        ),
        Err(_) => report.warn(
            "sequencer",
            format!("{host} does not answer"),
            "the replica follows L1 meanwhile, and takes no transactions",
        ),
    }
}

/// A beacon endpoint.
pub(super) async fn check_beacon(url: &Url, report: &mut Report) {
    let client = BeaconClient::new(url.clone(), PATIENCE);
    let host = client.host();
    match client.ids().await {
        Ok(_) => report.ok("beacon endpoint", host),
        Err(error) => report.fail(
            "beacon endpoint",
            format!("{host}: {error}"),
            "batches in blobs cannot be read without: check --beacon",
        ),
    }
}
