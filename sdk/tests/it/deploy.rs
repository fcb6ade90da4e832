//! Deployments: complete, resumed, refused, verified.

use alloy::{
    primitives::{Address, B256, U256, address, bytes, keccak256},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
};
use trestle_contracts::{
    bindings::{AnchorRegistry, DisputeGame, DisputeGameFactory, Inbox},
    preinstalls,
};
use trestle_sdk::deploy::{
    ConfigError, DeployConfig, DeployError, GAME_TYPE, Plan, RecoverError, RollupConfig, deploy,
    genesis_json, recover,
};

use crate::anvil::Anvil;

const DEPLOYER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

fn config() -> DeployConfig {
    let operator = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
    let batcher = address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC");
    DeployConfig::new(31_337, 42_069, operator, batcher)
}

#[tokio::test]
async fn deployment_run_twice_sends_nothing_the_second_time() {
    let anvil = Anvil::start(31_337, &[]);
    let provider = anvil.provider().await;
    let first = deploy(&provider, &config(), 1).await.unwrap();
    let nonce = provider.get_transaction_count(DEPLOYER).await.unwrap();
    assert_eq!(nonce, 10, "one transaction per contract");
    let second = deploy(&provider, &config(), 1).await.unwrap();
    assert_eq!(
        provider.get_transaction_count(DEPLOYER).await.unwrap(),
        nonce
    );
    assert_eq!(first.deployments, second.deployments);
    assert_eq!(first.rollup, second.rollup);
    assert_eq!(first.deployments.contracts, Plan::new(&config()).contracts);
}

#[tokio::test]
async fn deployment_without_the_deterministic_deployer_brings_it() {
    let anvil = Anvil::start(31_337, &["--disable-default-create2-deployer"]);
    let provider = anvil.provider().await;
    let factory = preinstalls::DETERMINISTIC_DEPLOYER.address;
    assert!(provider.get_code_at(factory).await.unwrap().is_empty());
    deploy(&provider, &config(), 1).await.unwrap();
    let code = provider.get_code_at(factory).await.unwrap();
    assert_eq!(
        keccak256(code),
        preinstalls::DETERMINISTIC_DEPLOYER.mainnet_code_hash
    );
}

#[tokio::test]
async fn deployment_that_stopped_halfway_is_resumed() {
    let anvil = Anvil::start(31_337, &[]);
    let provider = anvil.provider().await;
    // Its ETH is spent before it is through.
    let whole = Anvil::start(31_337, &[]);
    let reference = deploy(&whole.provider().await, &config(), 1).await.unwrap();
    provider
        .anvil_set_balance(DEPLOYER, U256::from(5_000_000_000_000_000_u64))
        .await
        .unwrap();
    let stopped = deploy(&provider, &config(), 1).await;
    assert!(
        matches!(stopped, Err(DeployError::Transport(_))),
        "{stopped:?}"
    );
    let sent = provider.get_transaction_count(DEPLOYER).await.unwrap();
    assert!(sent > 0 && sent < 10, "{sent} sent");
    provider
        .anvil_set_balance(DEPLOYER, U256::from(10).pow(U256::from(19)))
        .await
        .unwrap();
    let resumed = deploy(&provider, &config(), 1).await.unwrap();
    assert_eq!(
        resumed.deployments.contracts,
        reference.deployments.contracts
    );
    assert_eq!(provider.get_transaction_count(DEPLOYER).await.unwrap(), 10);
}

#[tokio::test]
async fn deployment_to_another_l1_is_refused_and_sends_nothing() {
    let anvil = Anvil::start(777, &[]);
    let provider = anvil.provider().await;
    let refused = deploy(&provider, &config(), 1).await;
    assert!(matches!(
        refused,
        Err(DeployError::WrongL1 {
            expected: 31_337,
            got: 777
        })
    ));
    assert_eq!(provider.get_transaction_count(DEPLOYER).await.unwrap(), 0);
}

#[tokio::test]
async fn deployment_with_changed_storage_or_code_is_reported() {
    let anvil = Anvil::start(31_337, &[]);
    let provider = anvil.provider().await;
    let contracts = deploy(&provider, &config(), 1)
        .await
        .unwrap()
        .deployments
        .contracts;
    let batcher = U256::from(1);
    let honest = provider
        .get_storage_at(contracts.inbox, batcher)
        .await
        .unwrap();
    provider
        .anvil_set_storage_at(contracts.inbox, batcher, B256::repeat_byte(7))
        .await
        .unwrap();
    let found = deploy(&provider, &config(), 1).await;
    assert!(
        matches!(
            found,
            Err(DeployError::Mismatch {
                what: "batcher",
                ..
            })
        ),
        "{found:?}"
    );
    provider
        .anvil_set_storage_at(contracts.inbox, batcher, honest.into())
        .await
        .unwrap();
    provider
        .anvil_set_code(contracts.portal_implementation, bytes!("00"))
        .await
        .unwrap();
    let found = deploy(&provider, &config(), 1).await;
    assert!(
        matches!(found, Err(DeployError::Mismatch { what: "Portal", .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn exported_files_name_the_chain_that_was_deployed() {
    let anvil = Anvil::start(31_337, &[]);
    let provider = anvil.provider().await;
    let deployed = deploy(&provider, &config(), 1).await.unwrap();
    let text = serde_json::to_string(&deployed.rollup).unwrap();
    let rollup: RollupConfig = serde_json::from_str(&text).unwrap();
    let chain = rollup.chain_config().unwrap();
    assert_eq!(chain, deployed.genesis.chain);
    assert_eq!(chain.genesis_hash, deployed.genesis.header.hash_slow());
    let inbox = Inbox::new(chain.inbox, &provider);
    assert_eq!(
        inbox.batchDepositGas().call().await.unwrap(),
        chain.batch_deposit_gas
    );
    let changed = text.replace("\"maxTimeDrift\":300", "\"maxTimeDrift\":301");
    let changed: RollupConfig = serde_json::from_str(&changed).unwrap();
    assert!(changed.chain_config().is_err());
    let genesis = genesis_json(&deployed.genesis);
    assert_eq!(genesis["config"]["chainId"], 42_069);
    let permit2 = &genesis["alloc"]["0x000000000022d473030f116ddee9f6b43ac78ba3"];
    assert!(permit2["code"].as_str().unwrap().len() > 18_000);
}

#[tokio::test]
async fn deployment_starts_disputes_at_the_genesis_that_is_exported() {
    let anvil = Anvil::start(31_337, &[]);
    let provider = anvil.provider().await;
    let mut config = config();
    config.dispute.image_root = B256::repeat_byte(0x11);
    let deployed = deploy(&provider, &config, 1).await.unwrap();
    let c = deployed.deployments.contracts;
    let registry = AnchorRegistry::new(c.anchor_registry, &provider);
    let anchor = registry.anchor().call().await.unwrap();
    assert_eq!(anchor.batch, 0);
    assert_eq!(anchor.root, deployed.genesis.output_root());
    let game = DisputeGame::new(c.dispute_game, &provider);
    let hash = game.configHash().call().await.unwrap();
    assert_eq!(hash, deployed.genesis.chain.hash());
    let factory = DisputeGameFactory::new(c.dispute_game_factory, &provider);
    let made = factory.gameImpls(GAME_TYPE).call().await.unwrap();
    assert_eq!(made, c.dispute_game);
    assert_eq!(factory.owner().call().await.unwrap(), c.timelock);
    // Somebody else's image on L1 is reported.
    let slot = U256::ZERO;
    let owner = provider
        .get_storage_at(c.anchor_registry, slot)
        .await
        .unwrap();
    provider
        .anvil_set_storage_at(c.anchor_registry, slot, B256::with_last_byte(7))
        .await
        .unwrap();
    let found = deploy(&provider, &config, 1).await;
    assert!(
        matches!(
            found,
            Err(DeployError::Mismatch {
                what: "anchorRegistry's owner",
                ..
            })
        ),
        "{found:?}; was {owner}"
    );
}

#[tokio::test]
async fn permit2_of_our_chain_id_reports_its_cached_domain() {
    let anvil = Anvil::start(42_069, &[]);
    let provider = anvil.provider().await;
    let permit2 = preinstalls::PERMIT2;
    provider
        .anvil_set_code(permit2.address, permit2.code(42_069))
        .await
        .unwrap();
    // DOMAIN_SEPARATOR()
    let call = TransactionRequest::default()
        .to(permit2.address)
        .input(bytes!("3644e515").into());
    let cached = provider.call(call.clone()).await.unwrap();
    assert_eq!(
        B256::from_slice(&cached),
        preinstalls::permit2_domain_separator(42_069)
    );
    // Code for another chain id computes it instead; both ways agree only if the constants are right.
    provider
        .anvil_set_code(permit2.address, permit2.code(1))
        .await
        .unwrap();
    assert_eq!(provider.call(call).await.unwrap(), cached);
}

#[test]
fn configuration_that_cannot_run_is_refused() {
    let refused = |change: fn(&mut DeployConfig)| {
        let mut config = config();
        change(&mut config);
        config.validate().unwrap_err()
    };
    assert_eq!(config().validate(), Ok(()));
    assert_eq!(
        refused(|c| c.l2_chain_id = 31_337),
        ConfigError::ChainId { got: 31_337 }
    );
    assert_eq!(
        refused(|c| c.l2_chain_id = 1 << 53),
        ConfigError::ChainId { got: 1 << 53 }
    );
    assert_eq!(refused(|c| c.governors.clear()), ConfigError::NoGovernors);
    let zero = |role| ConfigError::ZeroAddress { role };
    assert_eq!(refused(|c| c.batcher = Address::ZERO), zero("batcher"));
    assert_eq!(
        refused(|c| c.governors = vec![Address::ZERO]),
        zero("governors")
    );
    assert_eq!(
        refused(|c| c.dispute.image_root = B256::ZERO),
        ConfigError::NoImage
    );
    assert_eq!(
        refused(|c| c.dispute.bond_min += 1),
        ConfigError::BondGrain {
            got: 40_000_000_002_097_153
        }
    );
    for (change, name) in [
        (
            (|c| c.user_gas_limit = Some(47_900_001)) as fn(&mut DeployConfig),
            "userGasLimit",
        ),
        (|c| c.data_kinds = 4, "dataKinds"),
        (|c| c.data_kinds = 0, "dataKinds"),
        (|c| c.forced_inclusion_delay = 0, "forcedInclusionDelay"),
        (|c| c.genesis_floor = 1, "genesisFloor"),
        (|c| c.target_gas_per_second = 0, "targetGasPerSecond"),
        (|c| c.dispute.extension = 7_997, "dispute.extension"),
        (|c| c.dispute.max_clock = 14_399, "dispute.extension"),
        (
            |c| c.dispute.step_refund = c.dispute.bond_min / 4 + 1,
            "dispute.stepRefund",
        ),
        (|c| c.timelock_delay = 45 * 43_200 - 1, "timelockDelay"),
    ] {
        let error = refused(change);
        assert!(
            matches!(error, ConfigError::OutOfRange { field, .. } if field == name),
            "{error}"
        );
    }
}

#[tokio::test]
async fn chain_is_recovered_from_the_deployments_address_alone() {
    let anvil = Anvil::start(31_337, &[]);
    let provider = anvil.provider().await;
    let config = DeployConfig {
        target_gas_per_second: 7_000_000,
        forced_inclusion_delay: 77,
        genesis_floor: 2_345_678,
        user_gas_limit: Some(30_000_000),
        ..config()
    };
    let deployed = deploy(&provider, &config, 1).await.unwrap();
    let at = deployed.rollup.contracts.deployment;
    let recovered = recover(&provider, at).await.unwrap();
    assert_eq!(recovered.files.rollup, deployed.rollup);
    assert_eq!(
        genesis_json(&recovered.genesis),
        genesis_json(&deployed.genesis)
    );
    assert_eq!(recovered.parts.game.imageRoot, config.dispute.image_root);

    let portal = deployed.rollup.contracts.portal;
    let other = recover(&provider, portal).await.unwrap_err();
    assert!(matches!(other, RecoverError::Contract { at, .. } if at == portal));
}

#[tokio::test]
async fn contract_that_only_answers_like_a_deployment_is_refused() {
    let anvil = Anvil::start(31_337, &[]);
    let provider = anvil.provider().await;
    let number = provider.get_block_number().await.unwrap() + 1;
    // Answers every call with the number of its block, as `startBlock` would.
    let code = [
        &[0x67][..],
        &number.to_be_bytes(),
        &[0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3],
    ]
    .concat();
    let length = u8::try_from(code.len()).unwrap();
    let init = [
        &[
            0x60, length, 0x60, 0x0a, 0x5f, 0x39, 0x60, length, 0x5f, 0xf3,
        ][..],
        &code,
    ]
    .concat();
    let salt = B256::repeat_byte(1);
    let deployer = preinstalls::DETERMINISTIC_DEPLOYER.address;
    let request = TransactionRequest::default()
        .to(deployer)
        .input([salt.as_slice(), &init].concat().into());
    let sent = provider.send_transaction(request).await.unwrap();
    assert_eq!(sent.get_receipt().await.unwrap().block_number, Some(number));
    let at = deployer.create2_from_code(salt, &init);
    let error = recover(&provider, at).await.unwrap_err();
    assert!(
        matches!(error, RecoverError::OtherRelease { .. }),
        "{error}"
    );
    // The same code that came another way: its arguments are not to be had.
    let elsewhere = Address::repeat_byte(9);
    provider
        .anvil_set_code(elsewhere, code.into())
        .await
        .unwrap();
    let error = recover(&provider, elsewhere).await.unwrap_err();
    assert!(
        matches!(error, RecoverError::NoCreation { block, .. } if block == number),
        "{error}"
    );
}
