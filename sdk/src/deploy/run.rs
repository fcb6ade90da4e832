//! Sends what is missing of a plan, verifies the whole, and reads where the chain starts.

use alloy::{
    consensus::BlockHeader,
    network::{BlockResponse, Network, ReceiptResponse, TransactionBuilder},
    primitives::{Bytes, U256, address, bytes},
    providers::Provider,
};
use serde::{Deserialize, Serialize};
use trestle_contracts::{bindings::Deployment, preinstalls::DETERMINISTIC_DEPLOYER};

use super::{
    Contracts, DeployConfig, DeployError, L1Start, Plan, RollupConfig, RollupGenesis, plan::Step,
    verify,
};

/// What `deployments.json` records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployments {
    /// Chain id of L1.
    pub l1_chain_id: u64,
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// L1 block of the deployment.
    pub l1_start: L1Start,
    /// Where the contracts are.
    pub contracts: Contracts,
    /// What was asked for.
    pub config: DeployConfig,
}

/// A deployed and verified chain.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// For `deployments.json`.
    pub deployments: Deployments,
    /// For `rollup.json`.
    pub rollup: RollupConfig,
    /// For `genesis.json`, and for the store of a node.
    pub genesis: RollupGenesis,
}

/// Deploys `config` to L1, or resumes or verifies a deployment of it.
///
/// `provider` must fill and sign transactions for an account with ETH: about 29 million gas in ten
/// transactions, each below 2^24. `confirmations` is how many L1 blocks, its own included, a transaction waits
/// for.
///
/// # Errors
/// [`DeployError`]; nothing is sent for an invalid configuration or another L1, and running again resumes.
pub async fn deploy<N: Network>(
    provider: &impl Provider<N>,
    config: &DeployConfig,
    confirmations: u64,
) -> Result<Deployed, DeployError> {
    config.validate()?;
    let l1_chain_id = provider.get_chain_id().await?;
    if l1_chain_id != config.l1_chain_id {
        return Err(DeployError::WrongL1 {
            expected: config.l1_chain_id,
            got: l1_chain_id,
        });
    }
    let plan = Plan::new(config);
    let sender = Sender {
        provider,
        confirmations,
        network: std::marker::PhantomData,
    };
    sender.ensure_deployer().await?;
    for step in &plan.steps {
        sender.ensure(&plan, step).await?;
    }
    verify::verify(provider, config, &plan).await?;
    let start = l1_start(provider, &plan.contracts).await?;
    let deployed = Deployed::new(config, &plan.contracts, start);
    verify::verify_disputes(provider, &deployed).await?;
    Ok(deployed)
}

impl Deployed {
    fn new(config: &DeployConfig, contracts: &Contracts, l1_start: L1Start) -> Self {
        let genesis = RollupGenesis::new(config, contracts.inbox, l1_start.timestamp);
        let rollup =
            RollupConfig::new(config.forced_inclusion_delay, contracts, l1_start, &genesis);
        let deployments = Deployments {
            l1_chain_id: config.l1_chain_id,
            l2_chain_id: config.l2_chain_id,
            l1_start,
            contracts: *contracts,
            config: config.clone(),
        };
        Self {
            deployments,
            rollup,
            genesis,
        }
    }
}

async fn l1_start<N: Network>(
    provider: &impl Provider<N>,
    contracts: &Contracts,
) -> Result<L1Start, DeployError> {
    let number = Deployment::new(contracts.deployment, provider)
        .startBlock()
        .call()
        .await?;
    let number = number.saturating_to::<u64>();
    let block = provider.get_block_by_number(number.into()).await?;
    let block = block.ok_or(DeployError::NoStartBlock { number })?;
    let header = block.header();
    Ok(L1Start {
        number,
        hash: alloy::network::primitives::HeaderResponse::hash(header),
        timestamp: header.timestamp(),
    })
}

/// Sends transactions one after the other.
struct Sender<'a, P, N> {
    provider: &'a P,
    confirmations: u64,
    network: std::marker::PhantomData<N>,
}

impl<N: Network, P: Provider<N>> Sender<'_, P, N> {
    /// Creates the contract of `step` unless it is there.
    async fn ensure(&self, plan: &Plan, step: &Step) -> Result<(), DeployError> {
        if !self.provider.get_code_at(step.address).await?.is_empty() {
            return Ok(());
        }
        let input: Bytes = [plan.salt.as_slice(), &step.init_code].concat().into();
        let request = N::TransactionRequest::default()
            .with_to(DETERMINISTIC_DEPLOYER.address)
            .with_input(input);
        self.send(step.name, request).await?;
        self.require_code(step.name, step.address).await
    }

    /// Creates the deterministic deployer unless L1 has it: by the transaction that is signed for every chain.
    async fn ensure_deployer(&self) -> Result<(), DeployError> {
        /// Account whose one signed transaction creates the deployer.
        const SIGNER: alloy::primitives::Address =
            address!("3fab184622dc19b6109349b94811493bf2a45362");
        /// 100,000 gas at 100 gwei, in wei.
        const COST: u64 = 10_000_000_000_000_000;
        const NAME: &str = "the deterministic deployer";
        let address = DETERMINISTIC_DEPLOYER.address;
        if !self.provider.get_code_at(address).await?.is_empty() {
            return Ok(());
        }
        if self.provider.get_balance(SIGNER).await? < U256::from(COST) {
            let fund = N::TransactionRequest::default()
                .with_to(SIGNER)
                .with_value(U256::from(COST));
            self.send(NAME, fund).await?;
        }
        let pending = self
            .provider
            .send_raw_transaction(&DEPLOYER_TRANSACTION)
            .await?;
        let receipt = pending.get_receipt().await;
        receipt.map_err(|source| DeployError::Receipt { step: NAME, source })?;
        self.require_code(NAME, address).await
    }

    async fn send(
        &self,
        step: &'static str,
        request: N::TransactionRequest,
    ) -> Result<(), DeployError> {
        let pending = self.provider.send_transaction(request).await?;
        let receipt = pending
            .with_required_confirmations(self.confirmations)
            .get_receipt()
            .await
            .map_err(|source| DeployError::Receipt { step, source })?;
        if receipt.status() {
            Ok(())
        } else {
            Err(DeployError::Reverted {
                step,
                tx: receipt.transaction_hash(),
            })
        }
    }

    async fn require_code(
        &self,
        step: &'static str,
        address: alloy::primitives::Address,
    ) -> Result<(), DeployError> {
        if self.provider.get_code_at(address).await?.is_empty() {
            return Err(DeployError::NoCode { step, address });
        }
        Ok(())
    }
}

/// Nick's method: a transaction whose signature was chosen, so that nobody has its sender's key.
const DEPLOYER_TRANSACTION: Bytes = bytes!(
    "f8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222"
);
