//! Bindings of the committed artifacts, one module per contract so that shared structs do not clash.
//!
//! Each contract type carries `BYTECODE` (creation) and `DEPLOYED_BYTECODE`; see alloy's `sol!`.

#![expect(
    missing_docs,
    clippy::too_many_arguments,
    reason = "generated from the ABIs"
)]

/// Declares a module with the bindings of one artifact and re-exports the contract's type.
macro_rules! binding {
    ($module:ident, $contract:ident, $artifact:literal, $doc:literal) => {
        #[doc = $doc]
        pub mod $module {
            alloy::sol!(
                #[sol(rpc)]
                #[derive(Debug, PartialEq, Eq)]
                $contract,
                $artifact
            );
        }
        pub use $module::$contract;
    };
}

binding!(
    inbox,
    Inbox,
    "artifacts/Inbox.json",
    "The log that L2 is derived from, on L1."
);
binding!(
    portal,
    Portal,
    "artifacts/Portal.json",
    "Deposits and withdrawals, on L1."
);
binding!(
    system_config,
    SystemConfig,
    "artifacts/SystemConfig.json",
    "Operator's parameters, on L1."
);
binding!(
    timelock,
    Timelock,
    "artifacts/Timelock.json",
    "Owner of all that can be upgraded, on L1."
);
binding!(
    deployment,
    Deployment,
    "artifacts/Deployment.json",
    "Record of a chain's contracts, on L1."
);
binding!(
    proxy_admin,
    ProxyAdmin,
    "artifacts/ProxyAdmin.json",
    "Admin of one proxy, on L1."
);
binding!(
    dispute_game_factory,
    DisputeGameFactory,
    "artifacts/DisputeGameFactory.json",
    "Creates dispute games, on L1."
);
binding!(
    dispute_game,
    DisputeGame,
    "artifacts/DisputeGame.json",
    "One dispute over an output root, on L1."
);
binding!(
    anchor_registry,
    AnchorRegistry,
    "artifacts/AnchorRegistry.json",
    "What counts as settled, on L1."
);
binding!(
    riscv_step_verifier,
    RiscvStepVerifier,
    "artifacts/RiscvStepVerifier.json",
    "Re-executes one step of the machine, on L1."
);
binding!(
    l1_block,
    L1Block,
    "artifacts/L1Block.json",
    "Newest L1 attributes, on L2."
);
binding!(
    rollup_state,
    RollupState,
    "artifacts/RollupState.json",
    "State of the protocol, on L2."
);
binding!(
    l2_to_l1_message_passer,
    L2ToL1MessagePasser,
    "artifacts/L2ToL1MessagePasser.json",
    "Messages to L1, on L2."
);
binding!(
    l1_cross_domain_messenger,
    L1CrossDomainMessenger,
    "artifacts/L1CrossDomainMessenger.json",
    "Messages to L2 that can be retried, on L1."
);
binding!(
    l1_standard_bridge,
    L1StandardBridge,
    "artifacts/L1StandardBridge.json",
    "Bridge for ETH and ERC-20 tokens, on L1."
);
binding!(
    l2_cross_domain_messenger,
    L2CrossDomainMessenger,
    "artifacts/L2CrossDomainMessenger.json",
    "Messages to L1 that can be retried, on L2."
);
binding!(
    l2_standard_bridge,
    L2StandardBridge,
    "artifacts/L2StandardBridge.json",
    "Bridge for ETH and ERC-20 tokens, on L2."
);
binding!(
    bridged_erc20,
    BridgedERC20,
    "artifacts/BridgedERC20.json",
    "Representation of a token of the other layer, on both."
);
binding!(
    create3_factory,
    Create3Factory,
    "artifacts/Create3Factory.json",
    "Creates contracts at addresses that do not depend on their code, on L1."
);
binding!(
    fee_vault,
    FeeVault,
    "artifacts/FeeVault.json",
    "Where fees are credited, on L2."
);
binding!(
    probe,
    Probe,
    "artifacts/Probe.json",
    "What tests call: events, overloads, reverts of each kind."
);
binding!(
    sample_token,
    SampleToken,
    "artifacts/SampleToken.json",
    "An ERC-20 that anyone may mint, for tests and the load generator."
);
