//! A chain's contracts on a test's L1, deployed as `trestle deploy` does it, and what tests do to them.
//!
//! Transactions come from accounts that anvil unlocks, so that no test needs a wallet to act as a
//! stranger.

use crate::Anvil;
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
    sol_types::{SolCall, SolConstructor},
};
use eyre::{ContextCompat, Result};
use trestle_contracts::bindings::{
    BridgedERC20, Create3Factory, Deployment, Inbox, L1CrossDomainMessenger, L1StandardBridge,
    Portal, RiscvStepVerifier, SystemConfig, Timelock, deployment, inbox, portal, system_config,
    timelock,
};

/// L1 gas limit of a test's transaction: the most that Osaka takes.
const GAS: u64 = 1 << 24;

/// What a deployment depends on.
#[derive(Debug, Clone, Copy)]
pub struct SettlementOptions {
    /// Account that deploys and governs; unlocked.
    pub deployer: Address,
    /// Account whose batches are accepted.
    pub batcher: Address,
    /// Age after which a queue entry is overdue, in seconds.
    pub forced_inclusion_delay: u64,
    /// Gas of queue entries that one batch may consume.
    pub batch_deposit_gas: u64,
}

/// The contracts of one chain.
#[derive(Debug, Clone, Copy)]
pub struct Settlement {
    /// Proxy of the Inbox.
    pub inbox: Address,
    /// Proxy of the Portal.
    pub portal: Address,
    /// Proxy of the SystemConfig.
    pub system_config: Address,
    /// L1 block of the deployment.
    pub start_block: u64,
}

/// The head of the Inbox, as `appendBatch` expects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxHead {
    /// Number of batches.
    pub batches: u64,
    /// Accumulator after them.
    pub batch_acc: B256,
    /// Number of queue entries.
    pub deposits: u64,
    /// Accumulator after them.
    pub deposit_acc: B256,
    /// Entries consumed.
    pub consumed: u64,
}

impl Settlement {
    /// Deploys the contracts; leaves mining as it found it.
    ///
    /// # Errors
    /// When a transaction does not land.
    pub async fn deploy(anvil: &Anvil, options: &SettlementOptions) -> Result<Self> {
        let from = options.deployer;
        let delay = U256::from(3_600);
        let args = timelock::Timelock::constructorCall {
            minDelay: delay,
            proposers: vec![from],
            executors: vec![from],
        };
        let timelock = create(anvil, from, &Timelock::BYTECODE, &args.abi_encode()).await?;
        let config = inbox::Inbox::Config {
            blockGasLimit: 47_900_000,
            batchDepositGas: options.batch_deposit_gas,
            systemEntryGas: 250_000,
            forcedInclusionDelay: options.forced_inclusion_delay,
            maxPayloadBytes: 100_000,
            maxDepositData: 100_000,
            maxBlobs: 6,
        };
        let args = inbox::Inbox::constructorCall { config }.abi_encode();
        let inbox_impl = create(anvil, from, &Inbox::BYTECODE, &args).await?;
        let args = portal::Portal::constructorCall {
            config: portal::Portal::Config {
                maxDepositGasPerBlock: 60_000_000,
                proofMaturityDelay: 1,
                maxPause: 60,
                pauseInterval: 600,
            },
        };
        let portal_impl = create(anvil, from, &Portal::BYTECODE, &args.abi_encode()).await?;
        let args = system_config::SystemConfig::constructorCall {
            blockGasLimit_: 47_900_000,
        };
        let config_impl = create(anvil, from, &SystemConfig::BYTECODE, &args.abi_encode()).await?;
        let verifier = create(anvil, from, &RiscvStepVerifier::BYTECODE, &[]).await?;
        let parts = deployment::Deployment::Parts {
            timelock,
            operator: from,
            guardian: from,
            inboxImpl: inbox_impl,
            portalImpl: portal_impl,
            systemConfigImpl: config_impl,
            params: deployment::Deployment::OperatorParams {
                userGasLimit: 47_900_000,
                dataScalar: 400_000,
                dataKinds: 3,
                minFloor: 1_000_000,
                batcher: options.batcher,
            },
            genesis: genesis(),
            game: game(verifier),
            airGap: U256::from(60),
            bridge: bridge(anvil, from).await?,
        };
        let args = deployment::Deployment::constructorCall { parts }.abi_encode();
        let record = create(anvil, from, &Deployment::BYTECODE, &args).await?;
        let record = Deployment::new(record, anvil.provider());
        let start_block = record.startBlock().call().await?;
        Ok(Self {
            inbox: record.inbox().call().await?,
            portal: record.portal().call().await?,
            system_config: record.systemConfig().call().await?,
            start_block: start_block.try_into()?,
        })
    }

    /// The Inbox's counts and accumulators at the newest L1 block.
    ///
    /// # Errors
    /// When L1 does not answer.
    pub async fn head(&self, anvil: &Anvil) -> Result<InboxHead> {
        let inbox = Inbox::new(self.inbox, anvil.provider());
        let (batches, deposits) = (
            inbox.batchCount().call().await?,
            inbox.depositCount().call().await?,
        );
        Ok(InboxHead {
            batches,
            batch_acc: inbox.batchAcc(batches).call().await?,
            deposits,
            deposit_acc: inbox.depositAcc(deposits).call().await?,
            consumed: inbox.nextDeposit().call().await?,
        })
    }

    /// A deposit of a call with 5,000,000 gas that mints and carries `value` wei.
    #[must_use]
    pub fn deposit(
        &self,
        from: Address,
        to: Address,
        value: u64,
        data: Bytes,
    ) -> TransactionRequest {
        let call = portal::Portal::depositTransactionCall {
            to,
            value: U256::from(value),
            gasLimit: 5_000_000,
            isCreation: false,
            data,
        };
        request(from, self.portal, call.abi_encode()).with_value(U256::from(value))
    }

    /// An entry with the attributes of the block that includes it.
    #[must_use]
    pub fn enqueue_attributes(&self, from: Address) -> TransactionRequest {
        request(
            from,
            self.inbox,
            inbox::Inbox::enqueueL1AttributesCall {}.abi_encode(),
        )
    }

    /// A forced batch.
    #[must_use]
    pub fn force_include(&self, from: Address) -> TransactionRequest {
        request(
            from,
            self.inbox,
            inbox::Inbox::forceIncludeCall {}.abi_encode(),
        )
    }

    /// The next batch after `head`, consuming the whole queue.
    #[must_use]
    pub fn append(&self, batcher: Address, head: &InboxHead, payload: Bytes) -> TransactionRequest {
        let call = inbox::Inbox::appendBatchCall {
            expectedIndex: head.batches.saturating_add(1),
            expectedPrevBatchAcc: head.batch_acc,
            depositTo: head.deposits,
            expectedDepositAcc: head.deposit_acc,
            claimedEndBlockHash: B256::repeat_byte(0xed),
            payload,
        };
        request(batcher, self.inbox, call.abi_encode())
    }
}

/// A genesis that no test of the Inbox looks at.
fn genesis() -> deployment::Deployment::Genesis {
    deployment::Deployment::Genesis {
        headerHead: Bytes::new(),
        headerTail: Bytes::new(),
        stateRoot: B256::repeat_byte(1),
        messagePasserRoot: B256::repeat_byte(2),
        configHead: Bytes::new(),
        configTail: Bytes::new(),
    }
}

fn game(verifier: Address) -> deployment::Deployment::GameConfig {
    deployment::Deployment::GameConfig {
        gameType: 0x5452_5354,
        factory: Address::ZERO,
        registry: Address::ZERO,
        inbox: Address::ZERO,
        verifier,
        configHash: B256::ZERO,
        imageRoot: B256::repeat_byte(3),
        previousImageRoot: B256::repeat_byte(3),
        imageFromBatch: 0,
        maxClock: 600,
        extension: 60,
        stepCap: 1 << 30,
        inclusionTime: 10,
        bondMin: U256::from(1_u64 << 50),
        stepRefund: U256::ZERO,
    }
}

async fn bridge(anvil: &Anvil, from: Address) -> Result<deployment::Deployment::Bridge> {
    Ok(deployment::Deployment::Bridge {
        factory: create(anvil, from, &Create3Factory::BYTECODE, &[]).await?,
        salt: B256::repeat_byte(4),
        messengerImpl: create(anvil, from, &L1CrossDomainMessenger::BYTECODE, &[]).await?,
        bridgeImpl: create(anvil, from, &L1StandardBridge::BYTECODE, &[]).await?,
        tokenImpl: create(anvil, from, &BridgedERC20::BYTECODE, &[]).await?,
    })
}

fn request(from: Address, to: Address, data: Vec<u8>) -> TransactionRequest {
    TransactionRequest::default()
        .from(from)
        .to(to)
        .input(Bytes::from(data).into())
        .gas_limit(GAS)
}

async fn create(anvil: &Anvil, from: Address, code: &Bytes, args: &[u8]) -> Result<Address> {
    let init = Bytes::from([code.as_ref(), args].concat());
    let tx = TransactionRequest::default()
        .from(from)
        .with_deploy_code(init)
        .gas_limit(GAS);
    let hash = anvil.send(&tx).await?;
    if !anvil.is_automining().await? {
        anvil.mine(1).await?;
    }
    let receipt = anvil.provider().get_transaction_receipt(hash).await?;
    let receipt = receipt.context("deployment is not mined")?;
    eyre::ensure!(receipt.status(), "deployment reverted");
    receipt
        .contract_address
        .context("deployment made no contract")
}
