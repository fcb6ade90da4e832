//! Compares what is on L1 with what a plan asks for: code, links, roles and parameters.
//!
//! Run after every deployment, also one that found everything there.

mod bridge;
mod disputes;
use bridge::verify_bridge;
pub(crate) use disputes::verify_disputes;

use std::fmt::Debug;

use alloy::{
    network::{Network, TransactionBuilder},
    primitives::{Address, B256, U256, b256, keccak256},
    providers::Provider,
};
use trestle_contracts::{
    bindings::{Deployment, Inbox, Portal, ProxyAdmin, SystemConfig, Timelock},
    preinstalls::DETERMINISTIC_DEPLOYER,
};

use super::{DeployConfig, DeployError, Plan, plan::Step};

/// Slot in which a proxy keeps its implementation (EIP-1967).
const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");
/// Slot in which a proxy keeps its admin (EIP-1967).
const ADMIN_SLOT: B256 = b256!("b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103");

/// Verifies the whole deployment.
///
/// # Errors
/// [`DeployError::Mismatch`] for the first difference.
pub(crate) async fn verify<N: Network>(
    provider: &impl Provider<N>,
    config: &DeployConfig,
    plan: &Plan,
) -> Result<(), DeployError> {
    let deployer = provider.get_code_at(DETERMINISTIC_DEPLOYER.address).await?;
    let hash = DETERMINISTIC_DEPLOYER.mainnet_code_hash;
    same(
        "code hash of the deterministic deployer",
        hash,
        keccak256(deployer),
    )?;
    // The Deployment's own code holds addresses made from its own; its getters are compared instead.
    for step in plan.steps.iter().filter(|step| step.name != "Deployment") {
        verify_code(provider, step).await?;
    }
    verify_links(provider, plan).await?;
    verify_proxies(provider, plan).await?;
    verify_timelock(provider, config, plan).await?;
    verify_inbox(provider, config, plan).await?;
    verify_bridge(provider, config, plan).await?;
    verify_system_config(provider, config, plan).await
}

/// Compares code with what its creation code returns when it is run by `eth_call`.
async fn verify_code<N: Network>(
    provider: &impl Provider<N>,
    step: &Step,
) -> Result<(), DeployError> {
    let create = N::TransactionRequest::default().with_deploy_code(step.init_code.clone());
    let expected = provider.call(create).await?;
    let got = provider.get_code_at(step.address).await?;
    same(step.name, keccak256(expected), keccak256(got))
}

async fn verify_links<N: Network>(
    provider: &impl Provider<N>,
    plan: &Plan,
) -> Result<(), DeployError> {
    let contracts = &plan.contracts;
    let deployment = Deployment::new(contracts.deployment, provider);
    same(
        "deployment's inbox",
        contracts.inbox,
        deployment.inbox().call().await?,
    )?;
    same(
        "deployment's portal",
        contracts.portal,
        deployment.portal().call().await?,
    )?;
    let system_config = deployment.systemConfig().call().await?;
    same(
        "deployment's systemConfig",
        contracts.system_config,
        system_config,
    )?;
    let inbox = Inbox::new(contracts.inbox, provider);
    same(
        "inbox's portal",
        contracts.portal,
        inbox.portal().call().await?,
    )?;
    let system_config = inbox.systemConfig().call().await?;
    same(
        "inbox's systemConfig",
        contracts.system_config,
        system_config,
    )?;
    let portal = Portal::new(contracts.portal, provider);
    same(
        "portal's inbox",
        contracts.inbox,
        portal.inbox().call().await?,
    )
}

async fn verify_proxies<N: Network>(
    provider: &impl Provider<N>,
    plan: &Plan,
) -> Result<(), DeployError> {
    let c = &plan.contracts;
    let proxies = [
        (
            "inbox's implementation",
            c.inbox,
            c.inbox_implementation,
            c.inbox_admin,
        ),
        (
            "portal's implementation",
            c.portal,
            c.portal_implementation,
            c.portal_admin,
        ),
        (
            "systemConfig's implementation",
            c.system_config,
            c.system_config_implementation,
            c.system_config_admin,
        ),
        (
            "messenger's implementation",
            c.l1_cross_domain_messenger,
            c.l1_cross_domain_messenger_implementation,
            c.l1_cross_domain_messenger_admin,
        ),
        (
            "bridge's implementation",
            c.l1_standard_bridge,
            c.l1_standard_bridge_implementation,
            c.l1_standard_bridge_admin,
        ),
    ];
    for (what, proxy, implementation, admin) in proxies {
        let slot = provider
            .get_storage_at(proxy, IMPLEMENTATION_SLOT.into())
            .await?;
        same(what, implementation, Address::from_word(slot.into()))?;
        let slot = provider.get_storage_at(proxy, ADMIN_SLOT.into()).await?;
        same("proxy's admin", admin, Address::from_word(slot.into()))?;
        let owner = ProxyAdmin::new(admin, provider).owner().call().await?;
        same("owner of a proxy's admin", c.timelock, owner)?;
    }
    Ok(())
}

async fn verify_timelock<N: Network>(
    provider: &impl Provider<N>,
    config: &DeployConfig,
    plan: &Plan,
) -> Result<(), DeployError> {
    let timelock = Timelock::new(plan.contracts.timelock, provider);
    let delay = timelock.getMinDelay().call().await?;
    same("timelock's delay", U256::from(config.timelock_delay), delay)?;
    let proposer = timelock.PROPOSER_ROLE().call().await?;
    for governor in &config.governors {
        let has = timelock.hasRole(proposer, *governor).call().await?;
        same("governor's right to propose", true, has)?;
    }
    let executor = timelock.EXECUTOR_ROLE().call().await?;
    let open = timelock.hasRole(executor, Address::ZERO).call().await?;
    same(
        "everyone's right to execute",
        config.executors.is_empty(),
        open,
    )?;
    for account in &config.executors {
        let has = timelock.hasRole(executor, *account).call().await?;
        same("executor's right to execute", true, has)?;
    }
    Ok(())
}

async fn verify_inbox<N: Network>(
    provider: &impl Provider<N>,
    config: &DeployConfig,
    plan: &Plan,
) -> Result<(), DeployError> {
    let chain = config.chain_config(plan.contracts.inbox);
    let inbox = Inbox::new(plan.contracts.inbox, provider);
    same(
        "blockGasLimit",
        chain.block_gas_limit,
        inbox.blockGasLimit().call().await?,
    )?;
    same(
        "batchDepositGas",
        chain.batch_deposit_gas,
        inbox.batchDepositGas().call().await?,
    )?;
    same(
        "systemEntryGas",
        chain.system_entry_gas,
        inbox.systemEntryGas().call().await?,
    )?;
    same(
        "maxPayloadBytes",
        chain.max_payload_bytes,
        inbox.maxPayloadBytes().call().await?,
    )?;
    same(
        "maxDepositData",
        chain.max_deposit_data,
        inbox.maxDepositData().call().await?,
    )?;
    same("maxBlobs", chain.max_blobs, inbox.maxBlobs().call().await?)?;
    let delay = inbox.forcedInclusionDelay().call().await?;
    same("forcedInclusionDelay", config.forced_inclusion_delay, delay)?;
    let portal = Portal::new(plan.contracts.portal, provider);
    let gas = portal.maxDepositGasPerBlock().call().await?;
    same("maxDepositGasPerBlock", config.deposit_gas_per_block(), gas)
}

/// The operator may have rotated its parameters since: they are compared among the contracts only.
async fn verify_system_config<N: Network>(
    provider: &impl Provider<N>,
    config: &DeployConfig,
    plan: &Plan,
) -> Result<(), DeployError> {
    let system_config = SystemConfig::new(plan.contracts.system_config, provider);
    same(
        "systemConfig's owner",
        plan.contracts.timelock,
        system_config.owner().call().await?,
    )?;
    same(
        "systemConfig's inbox",
        plan.contracts.inbox,
        system_config.inbox().call().await?,
    )?;
    let inbox = Inbox::new(plan.contracts.inbox, provider);
    let params = system_config.operatorParams().call().await?;
    same("batcher", params.batcher, inbox.batcher().call().await?)?;
    // Nothing rotated as long as the queue holds no operator's entry, and an empty queue holds none.
    if inbox.depositCount().call().await? == 0 {
        same(
            "operator",
            config.operator,
            system_config.operator().call().await?,
        )?;
        let asked = config.operator_params();
        same("batcher", asked.batcher, params.batcher)?;
        same("userGasLimit", asked.userGasLimit, params.userGasLimit)?;
        same("dataScalar", asked.dataScalar, params.dataScalar)?;
        same("dataKinds", asked.dataKinds, params.dataKinds)?;
        same("minFloor", asked.minFloor, params.minFloor)?;
    }
    Ok(())
}

fn same<T: PartialEq + Debug>(what: &'static str, expected: T, got: T) -> Result<(), DeployError> {
    if expected == got {
        return Ok(());
    }
    Err(DeployError::Mismatch {
        what,
        expected: format!("{expected:?}"),
        got: format!("{got:?}"),
    })
}
