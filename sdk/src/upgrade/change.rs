//! What can be changed, checked before it is announced.

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{DynProvider, Provider},
    rpc::types::TransactionRequest,
    sol_types::{SolCall, SolValue},
};
use trestle_contracts::{
    bindings::{
        AnchorRegistry, DisputeGameFactory, Inbox, Timelock,
        dispute_game_factory::DisputeGameFactory::setImplementationCall,
        proxy_admin::ProxyAdmin::upgradeAndCallCall, timelock::Timelock::TimelockInstance,
    },
    preinstalls::DETERMINISTIC_DEPLOYER,
};

use super::{
    Proxy, UpgradeError,
    code::{game_config, game_init_code, implementation_of},
};
use crate::{
    deploy::{Contracts, GAME_TYPE},
    transfer::Wallet,
};

/// A change that the timelock can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Another guest image for games to come.
    Image(ImageChange),
    /// Another implementation behind a proxy, whose storage stays.
    Implementation {
        /// The proxy.
        proxy: Proxy,
        /// The implementation; without one this release's, with the parameters that are in force.
        at: Option<Address>,
    },
}

/// Another guest image. Games that began before keep the old one for all of their batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageChange {
    /// Its root.
    pub root: B256,
    /// First batch that is proven by it; not on L1 yet.
    pub from_batch: u64,
    /// Machine steps of the worst legal batch; with the next it sets the least time to answer.
    pub step_cap: u64,
    /// Seconds to get a transaction into L1.
    pub inclusion_time: u32,
}

/// The timelock of a chain and what it owns.
#[derive(Debug, Clone)]
pub struct Governance {
    pub(super) contracts: Contracts,
    pub(super) provider: DynProvider,
}

/// A change that can be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Id that it has in the timelock.
    pub id: B256,
    /// Seconds between announcement and execution.
    pub delay: u64,
    /// The code that it puts in place.
    pub code_at: Address,
    /// Transaction that brings this code to L1; `None` when it is there.
    creation: Option<TransactionRequest>,
    announcement: TransactionRequest,
}

/// A call that the timelock shall make.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    target: Address,
    data: Bytes,
}

impl Governance {
    /// The chain at `contracts`.
    #[must_use]
    pub const fn new(provider: DynProvider, contracts: Contracts) -> Self {
        Self {
            contracts,
            provider,
        }
    }

    pub(super) fn timelock(&self) -> TimelockInstance<&DynProvider> {
        Timelock::new(self.contracts.timelock, &self.provider)
    }

    /// Checks a change and makes what announces it.
    ///
    /// # Errors
    /// [`UpgradeError`]: why it cannot be announced.
    pub async fn prepare(&self, change: &Change) -> Result<Prepared, UpgradeError> {
        match change {
            Change::Image(image) => self.image(image).await,
            Change::Implementation { proxy, at } => self.implementation(*proxy, *at).await,
        }
    }

    async fn image(&self, change: &ImageChange) -> Result<Prepared, UpgradeError> {
        let (root, from_batch) = (change.root, change.from_batch);
        let factory = DisputeGameFactory::new(self.contracts.dispute_game_factory, &self.provider);
        let now = factory.gameImpls(GAME_TYPE).call().await?;
        let mut config = game_config(&self.provider, now).await?;
        if root.is_zero() || root == config.imageRoot {
            return Err(UpgradeError::SameImage { root });
        }
        let inbox = Inbox::new(self.contracts.inbox, &self.provider);
        let batches = inbox.batchCount().call().await?;
        if from_batch <= batches {
            return Err(UpgradeError::BatchGone {
                from_batch,
                batches,
            });
        }
        let registry = AnchorRegistry::new(self.contracts.anchor_registry, &self.provider);
        let anchor = registry.anchor().call().await?.batch;
        let needed = config.imageFromBatch.saturating_sub(1);
        if anchor < needed {
            return Err(UpgradeError::TwoChanges { anchor, needed });
        }
        config.previousImageRoot = config.imageRoot;
        config.imageRoot = root;
        config.imageFromBatch = from_batch;
        config.stepCap = change.step_cap;
        config.inclusionTime = change.inclusion_time;
        let (code_at, creation) = self.creation(game_init_code(config)).await?;
        let call = Call {
            target: self.contracts.dispute_game_factory,
            data: setImplementationCall {
                gameType: GAME_TYPE,
                r#impl: code_at,
            }
            .abi_encode()
            .into(),
        };
        self.announcing(call, code_at, creation).await
    }

    async fn implementation(
        &self,
        proxy: Proxy,
        at: Option<Address>,
    ) -> Result<Prepared, UpgradeError> {
        let (address, admin) = proxy.of(&self.contracts);
        let (code_at, creation) = match at {
            Some(at) if self.provider.get_code_at(at).await?.is_empty() => {
                return Err(UpgradeError::NoCode { at });
            }
            Some(at) => (at, None),
            None => {
                let code = proxy.init_code(&self.provider, address).await?;
                self.creation(code).await?
            }
        };
        if implementation_of(&self.provider, address).await? == code_at {
            return Err(UpgradeError::SameImplementation { at: code_at });
        }
        let call = Call {
            target: admin,
            data: upgradeAndCallCall {
                proxy: address,
                implementation: code_at,
                data: Bytes::new(),
            }
            .abi_encode()
            .into(),
        };
        self.announcing(call, code_at, creation).await
    }

    /// Where code is or will be, through the deterministic deployer, and the transaction that is missing.
    async fn creation(
        &self,
        init_code: Bytes,
    ) -> Result<(Address, Option<TransactionRequest>), UpgradeError> {
        let deployer = DETERMINISTIC_DEPLOYER.address;
        let salt = keccak256(b"trestle upgrade");
        let at = deployer.create2_from_code(salt, &init_code);
        if !self.provider.get_code_at(at).await?.is_empty() {
            return Ok((at, None));
        }
        let input = Bytes::from([salt.as_slice(), &init_code].concat());
        let request = TransactionRequest::default().to(deployer);
        Ok((at, Some(request.input(input.into()))))
    }

    /// The announcement of `call`, under the first salt by which it was not executed before.
    async fn announcing(
        &self,
        call: Call,
        code_at: Address,
        creation: Option<TransactionRequest>,
    ) -> Result<Prepared, UpgradeError> {
        let timelock = self.timelock();
        let delay = timelock.getMinDelay().call().await?;
        let mut number = U256::ZERO;
        let (id, salt) = loop {
            let salt = B256::from(number);
            let id = id_of(&call, salt);
            if !timelock.isOperation(id).call().await? {
                break (id, salt);
            }
            if timelock.isOperationPending(id).call().await? {
                return Err(UpgradeError::Announced { id });
            }
            number = number.saturating_add(U256::ONE);
        };
        let Call { target, data } = call;
        let announcement = timelock.schedule(target, U256::ZERO, data, B256::ZERO, salt, delay);
        Ok(Prepared {
            id,
            delay: delay.saturating_to(),
            code_at,
            creation,
            announcement: announcement.into_transaction_request(),
        })
    }

    /// Brings the code to L1 if it is not there, and announces the change; gives the transaction of the announcement.
    ///
    /// # Errors
    /// As [`Wallet::send`]: the account has to be a governor.
    pub async fn announce(
        &self,
        wallet: &Wallet,
        prepared: &Prepared,
    ) -> Result<B256, UpgradeError> {
        // Refused before anything is paid for.
        let announcement = prepared.announcement.clone();
        wallet
            .quote("the announcement", announcement.clone())
            .await?;
        if let Some(creation) = prepared.creation.clone() {
            wallet.send("the new code", creation).await?;
        }
        let receipt = wallet.send("the announcement", announcement).await?;
        Ok(receipt.transaction_hash)
    }
}

/// Id of an operation of one call without predecessor.
fn id_of(call: &Call, salt: B256) -> B256 {
    let fields = (call.target, U256::ZERO, call.data.clone(), B256::ZERO, salt);
    keccak256(fields.abi_encode_params())
}
