//! Which code a change puts in place: this release's, with the parameters that are in force, or somebody else's.
//!
//! All parameters are immutables, so code that this release makes with the parameters that a contract itself names is
//! that contract's code, byte for byte, or the contract is another one.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, b256, keccak256},
    providers::{DynProvider, Provider},
    rpc::types::TransactionRequest,
    sol_types::SolConstructor,
};
use trestle_contracts::bindings::{
    DisputeGame, Inbox, L1CrossDomainMessenger, L1StandardBridge, Portal, SystemConfig,
    dispute_game, inbox, portal, system_config,
};

use trestle_protocol::ChainConfig;

use super::UpgradeError;
use crate::deploy::{Contracts, GAME_TYPE};

/// Slot in which a proxy keeps its implementation (EIP-1967).
const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");

/// A contract of L1 that is a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// The log that L2 is derived from.
    Inbox,
    /// Deposits and withdrawals.
    Portal,
    /// Operator's parameters.
    SystemConfig,
    /// Messages that can be retried.
    Messenger,
    /// Tokens.
    Bridge,
}

impl Proxy {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("inbox", Self::Inbox),
        ("portal", Self::Portal),
        ("system-config", Self::SystemConfig),
        ("messenger", Self::Messenger),
        ("bridge", Self::Bridge),
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Portal => "portal",
            Self::SystemConfig => "system-config",
            Self::Messenger => "messenger",
            Self::Bridge => "bridge",
        }
    }

    /// Where it and its admin are.
    #[must_use]
    pub const fn of(self, contracts: &Contracts) -> (Address, Address) {
        let c = contracts;
        match self {
            Self::Inbox => (c.inbox, c.inbox_admin),
            Self::Portal => (c.portal, c.portal_admin),
            Self::SystemConfig => (c.system_config, c.system_config_admin),
            Self::Messenger => (
                c.l1_cross_domain_messenger,
                c.l1_cross_domain_messenger_admin,
            ),
            Self::Bridge => (c.l1_standard_bridge, c.l1_standard_bridge_admin),
        }
    }

    /// Creation code of this release's implementation, with the parameters that the contract at `at` has.
    ///
    /// # Errors
    /// [`UpgradeError::Contract`].
    pub(super) async fn init_code(
        self,
        l1: &DynProvider,
        at: Address,
    ) -> Result<Bytes, UpgradeError> {
        let (code, arguments) = match self {
            Self::Inbox => (&Inbox::BYTECODE, inbox_arguments(l1, at).await?),
            Self::Portal => (&Portal::BYTECODE, portal_arguments(l1, at).await?),
            Self::SystemConfig => {
                let config = SystemConfig::new(at, l1);
                let limit = config.blockGasLimit().call().await?;
                let call = system_config::SystemConfig::constructorCall {
                    blockGasLimit_: limit,
                };
                (&SystemConfig::BYTECODE, call.abi_encode())
            }
            Self::Messenger => (&L1CrossDomainMessenger::BYTECODE, Vec::new()),
            Self::Bridge => (&L1StandardBridge::BYTECODE, Vec::new()),
        };
        Ok([code.as_ref(), &arguments].concat().into())
    }
}

async fn inbox_arguments(l1: &DynProvider, at: Address) -> Result<Vec<u8>, UpgradeError> {
    let now = Inbox::new(at, l1);
    let config = inbox::Inbox::Config {
        blockGasLimit: now.blockGasLimit().call().await?,
        batchDepositGas: now.batchDepositGas().call().await?,
        systemEntryGas: now.systemEntryGas().call().await?,
        forcedInclusionDelay: now.forcedInclusionDelay().call().await?,
        maxPayloadBytes: now.maxPayloadBytes().call().await?,
        maxDepositData: now.maxDepositData().call().await?,
        maxBlobs: max_blobs(&now).await?,
    };
    Ok(inbox::Inbox::constructorCall { config }.abi_encode())
}

/// Blobs of a batch; the protocol's number where the Inbox is older than blobs.
async fn max_blobs(now: &Inbox::InboxInstance<&DynProvider>) -> Result<u8, UpgradeError> {
    use alloy::{contract::Error, transports::RpcError};
    match now.maxBlobs().call().await {
        Ok(most) => Ok(most),
        Err(Error::ZeroData(..) | Error::TransportError(RpcError::ErrorResp(_))) => {
            let chain = ChainConfig::new(0, 0, *now.address(), B256::ZERO);
            Ok(chain.max_blobs)
        }
        Err(error) => Err(error.into()),
    }
}

async fn portal_arguments(l1: &DynProvider, at: Address) -> Result<Vec<u8>, UpgradeError> {
    let now = Portal::new(at, l1);
    let maturity = now.proofMaturityDelaySeconds().call().await?;
    let config = portal::Portal::Config {
        maxDepositGasPerBlock: now.maxDepositGasPerBlock().call().await?,
        proofMaturityDelay: maturity.saturating_to(),
        maxPause: now.maxPause().call().await?.saturating_to(),
        pauseInterval: now.pauseInterval().call().await?.saturating_to(),
    };
    Ok(portal::Portal::constructorCall { config }.abi_encode())
}

/// The parameters of games at the implementation `at`; those that only its constructor reads are zero.
pub(super) async fn game_config(
    l1: &DynProvider,
    at: Address,
) -> Result<dispute_game::DisputeGame::GameConfig, UpgradeError> {
    let now = DisputeGame::new(at, l1);
    Ok(dispute_game::DisputeGame::GameConfig {
        gameType: GAME_TYPE,
        factory: now.factory().call().await?,
        registry: now.registry().call().await?,
        inbox: now.inbox().call().await?,
        verifier: now.verifier().call().await?,
        configHash: now.configHash().call().await?,
        imageRoot: now.imageRoot().call().await?,
        previousImageRoot: now.previousImageRoot().call().await?,
        imageFromBatch: now.imageFromBatch().call().await?,
        maxClock: now.maxClock().call().await?.saturating_to(),
        extension: now.extension().call().await?.saturating_to(),
        stepCap: 0,
        inclusionTime: 0,
        bondMin: now.bondMin().call().await?,
        stepRefund: now.stepRefund().call().await?,
    })
}

/// Creation code of this release's dispute game.
pub(super) fn game_init_code(config: dispute_game::DisputeGame::GameConfig) -> Bytes {
    let call = dispute_game::DisputeGame::constructorCall { config };
    [DisputeGame::BYTECODE.as_ref(), &call.abi_encode()]
        .concat()
        .into()
}

/// Whether the code at `at` is what `init_code` makes.
///
/// # Errors
/// [`UpgradeError::NoCode`], [`UpgradeError::Rpc`].
pub(super) async fn is_made_by(
    l1: &DynProvider,
    at: Address,
    init_code: Bytes,
) -> Result<bool, UpgradeError> {
    let got = l1.get_code_at(at).await?;
    if got.is_empty() {
        return Err(UpgradeError::NoCode { at });
    }
    let create = TransactionRequest::default().with_deploy_code(init_code);
    let made = l1.call(create).await?;
    Ok(keccak256(made) == keccak256(got))
}

/// The implementation that a proxy has now.
pub(super) async fn implementation_of(
    l1: &DynProvider,
    proxy: Address,
) -> Result<Address, UpgradeError> {
    let slot = l1.get_storage_at(proxy, IMPLEMENTATION_SLOT.into()).await?;
    Ok(Address::from_word(slot.into()))
}
