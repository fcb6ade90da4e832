//! Messenger and bridge on L1, and what the Portal asks of withdrawals.

use alloy::{
    network::Network,
    primitives::{Address, U256},
    providers::Provider,
};
use trestle_contracts::{
    bindings::{Deployment, L1CrossDomainMessenger, L1StandardBridge, Portal},
    predeploys,
};

use super::same;
use crate::deploy::{DeployConfig, DeployError, Plan};

/// Verifies links, roles and delays.
///
/// The guardian may have been handed over since: it is not compared.
///
/// # Errors
/// [`DeployError::Mismatch`] for the first difference.
pub(super) async fn verify_bridge<N: Network>(
    provider: &impl Provider<N>,
    config: &DeployConfig,
    plan: &Plan,
) -> Result<(), DeployError> {
    let c = &plan.contracts;
    let record = Deployment::new(c.deployment, provider);
    let messenger = record.l1CrossDomainMessenger().call().await?;
    same_address(
        "deployment's messenger",
        c.l1_cross_domain_messenger,
        messenger,
    )?;
    let bridge = record.l1StandardBridge().call().await?;
    same_address("deployment's bridge", c.l1_standard_bridge, bridge)?;
    let messenger = L1CrossDomainMessenger::new(c.l1_cross_domain_messenger, provider);
    same_address(
        "messenger's portal",
        c.portal,
        messenger.portal().call().await?,
    )?;
    let bridge = L1StandardBridge::new(c.l1_standard_bridge, provider);
    let links = [
        (
            "bridge's messenger",
            c.l1_cross_domain_messenger,
            bridge.messenger().call().await?,
        ),
        (
            "bridge's otherBridge",
            predeploys::L2_STANDARD_BRIDGE,
            bridge.otherBridge().call().await?,
        ),
        (
            "bridge's tokenImplementation",
            c.bridged_erc20,
            bridge.tokenImplementation().call().await?,
        ),
        (
            "bridge's otherTokenImplementation",
            predeploys::BRIDGED_ERC20,
            bridge.otherTokenImplementation().call().await?,
        ),
    ];
    for (what, expected, got) in links {
        same_address(what, expected, got)?;
    }
    verify_withdrawals(provider, config, plan).await
}

async fn verify_withdrawals<N: Network>(
    provider: &impl Provider<N>,
    config: &DeployConfig,
    plan: &Plan,
) -> Result<(), DeployError> {
    let c = &plan.contracts;
    let portal = Portal::new(c.portal, provider);
    let registry = portal.anchorStateRegistry().call().await?;
    same_address("portal's registry", c.anchor_registry, registry)?;
    let timelock = portal.timelock().call().await?;
    same_address("portal's timelock", c.timelock, timelock)?;
    let delays = [
        (
            "proofMaturityDelay",
            config.proof_maturity_delay,
            portal.proofMaturityDelaySeconds().call().await?,
        ),
        (
            "maxPause",
            config.max_pause(),
            portal.maxPause().call().await?,
        ),
        (
            "pauseInterval",
            config.pause_interval(),
            portal.pauseInterval().call().await?,
        ),
    ];
    for (what, expected, got) in delays {
        same(what, U256::from(expected), got)?;
    }
    Ok(())
}

fn same_address(what: &'static str, expected: Address, got: Address) -> Result<(), DeployError> {
    same(what, expected, got)
}
