//! Gives the developer's accounts ETH on L2: by deposits through the Portal, like anyone.

use std::time::Duration;

use alloy::{
    primitives::{Address, U256, utils::parse_ether},
    providers::Provider,
};
use eyre::{WrapErr, bail};
use tokio::time::{Instant, sleep};
use trestle_contracts::bindings::Portal;

use super::{accounts::Account, folder::Folder, l1::L1};

/// ETH for each account.
const ETHER: &str = "1000";
/// L1 gas of a deposit: the market burns more of it if others deposit in the same block.
const L1_GAS_LIMIT: u64 = 1_000_000;
/// L2 gas of a deposit that only carries ETH.
const GAS_LIMIT: u64 = 100_000;
/// Time for deposits to arrive, in seconds.
const ARRIVAL_SECONDS: u64 = 60;
/// Time between two looks at a balance, in milliseconds.
const LOOK_AGAIN_MILLIS: u64 = 50;

/// Deposits for each account and does not wait for L2; once in a folder's life.
///
/// # Errors
/// When L1 refuses a deposit.
pub(super) async fn deposit(
    folder: &Folder,
    l1: &L1,
    portal: Address,
    accounts: &[Account],
) -> eyre::Result<()> {
    let done = folder.file("funded");
    if done.exists() {
        return Ok(());
    }
    let sends = accounts
        .iter()
        .map(|account| deposit_one(l1, portal, account));
    futures::future::try_join_all(sends)
        .await
        .wrap_err("deposit for a dev account")?;
    std::fs::write(done, "")?;
    Ok(())
}

async fn deposit_one(l1: &L1, portal: Address, account: &Account) -> eyre::Result<()> {
    let provider = l1.wallet(account)?;
    let portal = Portal::new(portal, provider);
    let value = parse_ether(ETHER)?;
    let call = portal
        .depositTransaction(account.address, value, GAS_LIMIT, false, Default::default())
        .value(value)
        .gas(L1_GAS_LIMIT);
    let receipt = call.send().await?.get_receipt().await?;
    if !receipt.status() {
        bail!("deposit {} failed on L1", receipt.transaction_hash);
    }
    Ok(())
}

/// Waits until every account has ETH on `l2`.
///
/// # Errors
/// When it takes too long.
pub(super) async fn arrived(l2: &impl Provider, accounts: &[Account]) -> eyre::Result<()> {
    let limit = Instant::now() + Duration::from_secs(ARRIVAL_SECONDS);
    for account in accounts {
        while l2.get_balance(account.address).await? == U256::ZERO {
            if Instant::now() > limit {
                bail!(
                    "the deposits did not arrive on L2 within {ARRIVAL_SECONDS} s: see sequencer.log"
                );
            }
            sleep(Duration::from_millis(LOOK_AGAIN_MILLIS)).await;
        }
    }
    Ok(())
}
