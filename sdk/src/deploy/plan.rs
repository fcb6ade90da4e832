//! The plan of a deployment: creation codes and the addresses that follow from them.
//!
//! Pure. The order of the steps is that of their dependencies.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    rlp::Encodable,
    sol_types::SolConstructor,
};
use serde::{Deserialize, Serialize};
use trestle_contracts::{
    bindings::{
        Deployment, Inbox, Portal, RiscvStepVerifier, SystemConfig, Timelock, deployment,
        deployment::Deployment::Parts,
    },
    preinstalls::DETERMINISTIC_DEPLOYER,
};

use super::{DeployConfig, RollupGenesis};

mod bridge;
use bridge::{BridgePlan, admin_of};
pub(crate) use bridge::{l1_bridge, peers_of};

/// Addresses of a chain's contracts on L1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contracts {
    /// Owner of everything that can be upgraded.
    pub timelock: Address,
    /// Record of the deployment.
    pub deployment: Address,
    /// The log that L2 is derived from (proxy).
    pub inbox: Address,
    /// Implementation of the Inbox.
    pub inbox_implementation: Address,
    /// Admin of the Inbox's proxy.
    pub inbox_admin: Address,
    /// Deposits (proxy).
    pub portal: Address,
    /// Implementation of the Portal.
    pub portal_implementation: Address,
    /// Admin of the Portal's proxy.
    pub portal_admin: Address,
    /// Operator's parameters (proxy).
    pub system_config: Address,
    /// Implementation of the SystemConfig.
    pub system_config_implementation: Address,
    /// Admin of the SystemConfig's proxy.
    pub system_config_admin: Address,
    /// Creates dispute games.
    pub dispute_game_factory: Address,
    /// What counts as settled.
    pub anchor_registry: Address,
    /// First implementation of dispute games.
    pub dispute_game: Address,
    /// Re-executes one step of the machine.
    pub step_verifier: Address,
    /// Messages to L2 that can be retried (proxy).
    pub l1_cross_domain_messenger: Address,
    /// Implementation of the messenger.
    pub l1_cross_domain_messenger_implementation: Address,
    /// Admin of the messenger's proxy.
    pub l1_cross_domain_messenger_admin: Address,
    /// Bridge for ETH and ERC-20 tokens (proxy).
    pub l1_standard_bridge: Address,
    /// Implementation of the bridge.
    pub l1_standard_bridge_implementation: Address,
    /// Admin of the bridge's proxy.
    pub l1_standard_bridge_admin: Address,
    /// Code of the representations of L2's tokens.
    pub bridged_erc20: Address,
}

/// One contract to create through the deterministic deployer.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Name of the contract, for messages.
    pub(crate) name: &'static str,
    /// Where it will be.
    pub(crate) address: Address,
    /// Creation code with constructor arguments.
    pub(crate) init_code: Bytes,
}

/// Everything that a deployment will do, in order.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where everything will be.
    pub contracts: Contracts,
    pub(crate) salt: B256,
    pub(crate) steps: [Step; 10],
}

impl Plan {
    /// Plans the deployment of `config`, which must be valid.
    #[must_use]
    pub fn new(config: &DeployConfig) -> Self {
        let salt = salt(config);
        let step = |name, code: &Bytes, arguments| step(salt, name, code, arguments);
        let timelock = step("Timelock", &Timelock::BYTECODE, timelock_arguments(config));
        let inbox = step("Inbox", &Inbox::BYTECODE, inbox_arguments(config));
        let portal = step("Portal", &Portal::BYTECODE, portal_arguments(config));
        let system = step(
            "SystemConfig",
            &SystemConfig::BYTECODE,
            system_arguments(config),
        );
        let verifier = step(
            "RiscvStepVerifier",
            &RiscvStepVerifier::BYTECODE,
            Vec::new(),
        );
        let bridge = BridgePlan::new(config);
        let parts = Parts {
            timelock: timelock.address,
            operator: config.operator,
            guardian: config.guardian(),
            inboxImpl: inbox.address,
            portalImpl: portal.address,
            systemConfigImpl: system.address,
            params: config.operator_params(),
            genesis: genesis_parts(config),
            game: config.dispute.game_config(verifier.address),
            airGap: U256::from(config.dispute.air_gap),
            bridge: bridge.parts(),
        };
        let call = Deployment::constructorCall { parts };
        let deployment = step("Deployment", &Deployment::BYTECODE, call.abi_encode());
        let contracts = Contracts::of(deployment.address, &call.parts);
        let steps = [
            timelock,
            inbox,
            portal,
            system,
            verifier,
            bridge.factory,
            bridge.messenger,
            bridge.bridge,
            bridge.token,
            deployment,
        ];
        Self {
            contracts,
            salt,
            steps,
        }
    }
}

impl Contracts {
    /// What the Deployment at `at`, made of `parts`, created and refers to.
    pub(crate) fn of(at: Address, parts: &Parts) -> Self {
        // It creates the proxies by its nonces 1 to 3, each proxy its admin by its nonce 1; then the dispute contracts.
        let [inbox, portal, system_config, factory, registry, game] =
            [1, 2, 3, 4, 5, 6].map(|nonce| at.create(nonce));
        let (bridge, peers) = (&parts.bridge, peers_of(&parts.bridge));
        Self {
            timelock: parts.timelock,
            deployment: at,
            inbox,
            inbox_implementation: parts.inboxImpl,
            inbox_admin: admin_of(inbox),
            portal,
            portal_implementation: parts.portalImpl,
            portal_admin: admin_of(portal),
            system_config,
            system_config_implementation: parts.systemConfigImpl,
            system_config_admin: admin_of(system_config),
            dispute_game_factory: factory,
            anchor_registry: registry,
            dispute_game: game,
            step_verifier: parts.game.verifier,
            l1_cross_domain_messenger: peers.messenger,
            l1_cross_domain_messenger_implementation: bridge.messengerImpl,
            l1_cross_domain_messenger_admin: admin_of(peers.messenger),
            l1_standard_bridge: peers.bridge,
            l1_standard_bridge_implementation: bridge.bridgeImpl,
            l1_standard_bridge_admin: admin_of(peers.bridge),
            bridged_erc20: bridge.tokenImpl,
        }
    }
}

/// The creation of a contract with the ABI-encoded `arguments` of its constructor.
fn step(salt: B256, name: &'static str, code: &Bytes, arguments: Vec<u8>) -> Step {
    let init_code: Bytes = [code.as_ref(), &arguments].concat().into();
    let address = DETERMINISTIC_DEPLOYER
        .address
        .create2_from_code(salt, &init_code);
    Step {
        name,
        address,
        init_code,
    }
}

/// The same for every contract of a chain, another one for every chain.
fn salt(config: &DeployConfig) -> B256 {
    let ids = [
        config.l1_chain_id.to_be_bytes(),
        config.l2_chain_id.to_be_bytes(),
    ]
    .concat();
    keccak256([b"trestle".as_slice(), &ids, config.salt.as_slice()].concat())
}

/// Genesis and configuration around what only the deployment's transaction knows.
fn genesis_parts(config: &DeployConfig) -> deployment::Deployment::Genesis {
    /// Bytes of the encoded configuration before the Inbox's address.
    const INBOX_AT: usize = 17;
    /// Bytes of an address and a hash.
    const LATE: usize = 52;
    // Two timestamps that differ in every byte show where the header holds it.
    let [first, second] = [0x4141_4141, 0x7e7e_7e7e]
        .map(|time| RollupGenesis::new(config, Address::ZERO, time).header);
    let [a, b] = [&first, &second].map(|header| {
        let mut rlp = Vec::new();
        header.encode(&mut rlp);
        rlp
    });
    let at = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let chain = config.chain_config(Address::ZERO).encode();
    let slice = |bytes: &[u8], from: usize, to: usize| -> Bytes {
        bytes.get(from..to).unwrap_or_default().to_vec().into()
    };
    deployment::Deployment::Genesis {
        headerHead: slice(&a, 0, at),
        headerTail: slice(&a, at.saturating_add(4), a.len()),
        stateRoot: first.state_root,
        messagePasserRoot: first.withdrawals_root.unwrap_or_default(),
        configHead: slice(&chain, 0, INBOX_AT),
        configTail: slice(&chain, INBOX_AT + LATE, chain.len()),
    }
}

fn timelock_arguments(config: &DeployConfig) -> Vec<u8> {
    let executors = if config.executors.is_empty() {
        // OpenZeppelin's mark for "anyone".
        vec![Address::ZERO]
    } else {
        config.executors.clone()
    };
    Timelock::constructorCall {
        minDelay: U256::from(config.timelock_delay),
        proposers: config.governors.clone(),
        executors,
    }
    .abi_encode()
}

fn inbox_arguments(config: &DeployConfig) -> Vec<u8> {
    let chain = config.chain_config(Address::ZERO);
    let config = Inbox::Config {
        blockGasLimit: chain.block_gas_limit,
        batchDepositGas: chain.batch_deposit_gas,
        systemEntryGas: chain.system_entry_gas,
        forcedInclusionDelay: config.forced_inclusion_delay,
        maxPayloadBytes: chain.max_payload_bytes,
        maxDepositData: chain.max_deposit_data,
        maxBlobs: chain.max_blobs,
    };
    Inbox::constructorCall { config }.abi_encode()
}

fn portal_arguments(config: &DeployConfig) -> Vec<u8> {
    let config = Portal::Config {
        maxDepositGasPerBlock: config.deposit_gas_per_block(),
        proofMaturityDelay: config.proof_maturity_delay,
        maxPause: config.max_pause(),
        pauseInterval: config.pause_interval(),
    };
    Portal::constructorCall { config }.abi_encode()
}

fn system_arguments(config: &DeployConfig) -> Vec<u8> {
    let limit = config.chain_config(Address::ZERO).block_gas_limit;
    SystemConfig::constructorCall {
        blockGasLimit_: limit,
    }
    .abi_encode()
}
