//! Keys and what their accounts have on L1.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};
use trestle_contracts::bindings::{DisputeGame, DisputeGameFactory};
use trestle_sdk::deploy::{ChainFiles, GAME_TYPE};
use trestle_sequencer::l1::{KeySource, load_signer};

use super::{chain::L1, report::Report};
use crate::transfer::report::eth;

/// Gas of a batch of full length in calldata: 100,000 bytes at the floor price of 40, and what the Inbox does.
const BATCH_GAS: u64 = 4_200_000;
/// Batches that the batcher should be able to pay.
const BATCHES: u64 = 100;
/// Bonds of the first level that a proposer or challenger should be able to lock.
const BONDS: u64 = 4;

/// What an account has to pay.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purse {
    /// Batches.
    Batcher,
    /// Bonds of proposals.
    Proposer,
    /// Bonds of moves.
    Challenger,
}

/// Opens each key that is named; gives the accounts.
pub(super) async fn check_keys(
    keys: &[(&'static str, Option<&KeySource>)],
    report: &mut Report,
) -> Vec<(&'static str, Address)> {
    let mut accounts = Vec::new();
    for (whose, source) in keys {
        let Some(source) = source else { continue };
        match load_signer(source) {
            Ok(signer) => {
                accounts.push((*whose, signer.address()));
                check_place(whose, source, signer.address(), report).await;
            }
            Err(error) => {
                let to_do = "docs/operations.md, \"Keys\", says where a key may be";
                report.fail(whose, error.to_string(), to_do);
            }
        }
    }
    accounts
}

async fn check_place(whose: &str, source: &KeySource, account: Address, report: &mut Report) {
    match source {
        KeySource::File(path) | KeySource::Keystore { path, .. } if is_shared(path) => {
            let found = format!("{account}, and others can read {}", path.display());
            report.warn(whose, found, format!("chmod 600 {}", path.display()));
        }
        KeySource::Env(name) => {
            let found = format!("{account}, from the environment");
            let to_do =
                format!("other processes of this user can read {name}: use a file or a keystore");
            report.warn(whose, found, to_do);
        }
        KeySource::Remote { url, .. } => check_remote(whose, url.clone(), account, report).await,
        KeySource::File(_) | KeySource::Keystore { .. } => report.ok(whose, account.to_string()),
    }
}

async fn check_remote(
    whose: &str,
    url: alloy::transports::http::reqwest::Url,
    account: Address,
    report: &mut Report,
) {
    let client = trestle_sequencer::l1::L1Client::new(url, std::time::Duration::from_secs(10));
    let host = client.host();
    let held: Result<Vec<Address>, _> = client.call("eth_accounts", ()).await;
    match held {
        Ok(held) if held.contains(&account) => {
            report.ok(whose, format!("{account}, at the signer {host}"));
        }
        Ok(_) => report.fail(
            whose,
            format!("the signer {host} does not hold {account}"),
            "load the key there, or name another account",
        ),
        Err(_) => report.fail(
            whose,
            format!("the signer {host} does not answer eth_accounts"),
            "start it; check the address",
        ),
    }
}

fn is_shared(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

/// Compares balances with what the accounts have to pay.
pub(super) async fn check_purses(
    l1: &L1,
    files: &ChainFiles,
    purses: &[(Purse, Option<Address>)],
    report: &mut Report,
) {
    for (purse, account) in purses {
        let Some(account) = account else { continue };
        let (whose, to_do) = match purse {
            Purse::Batcher => (
                "batcher's balance",
                "send it ETH on L1: it pays every batch",
            ),
            Purse::Proposer => (
                "proposer's balance",
                "send it ETH on L1: each proposal locks a bond until its game is over",
            ),
            Purse::Challenger => (
                "challenger's balance",
                "send it ETH on L1: every move locks a bond; docs/dispute-game.md has the sums",
            ),
        };
        let balance = l1.provider.get_balance(*account).await;
        let needed = needed(l1, files, *purse).await;
        match (balance, needed) {
            (Ok(balance), Some(needed)) => {
                let found = format!("{}, should be {}", eth(balance), eth(needed));
                if balance.is_zero() {
                    report.fail(whose, "none", to_do);
                } else if balance < needed {
                    report.warn(whose, found, to_do);
                } else {
                    report.ok(whose, eth(balance));
                }
            }
            _ => report.fail(whose, "L1 does not say", "ask L1 again"),
        }
    }
}

/// Wei that an account should have at least; `None` when L1 does not say.
async fn needed(l1: &L1, files: &ChainFiles, purse: Purse) -> Option<U256> {
    let price = U256::from(l1.provider.get_gas_price().await.ok()?);
    let batches = price.saturating_mul(U256::from(BATCH_GAS.saturating_mul(BATCHES)));
    match purse {
        Purse::Batcher => Some(batches),
        Purse::Proposer | Purse::Challenger => {
            let factory = files.rollup.contracts.dispute_game_factory;
            let factory = DisputeGameFactory::new(factory, &l1.provider);
            let game = factory.gameImpls(GAME_TYPE).call().await.ok()?;
            let bond = DisputeGame::new(game, &l1.provider)
                .bondMin()
                .call()
                .await
                .ok()?;
            // A root's bond covers its first counter: 5/4 for each of up to nine levels.
            let root = bond.saturating_mul(U256::from(1_953_125)) / U256::from(262_144);
            Some(root.saturating_mul(U256::from(BONDS)))
        }
    }
}
