//! The bridge's part of a plan. Its proxies on L1 are at addresses that follow from the salt alone, because
//! the genesis of L2 names them and the Deployment that creates them holds the hash of that genesis.

use alloy::primitives::{Address, B256, b256, keccak256};
use trestle_contracts::{
    L1Bridge,
    bindings::{
        BridgedERC20, Create3Factory, L1CrossDomainMessenger, L1StandardBridge,
        deployment::Deployment,
    },
};

use super::{DeployConfig, Step, salt, step};

/// Hash of the creation code of the account that creates a contract for a `Create3Factory` (OpenZeppelin's
/// `Create3`); it creates one, by its nonce 1.
const CREATOR_CODE_HASH: B256 =
    b256!("57a34f6e879358dd76825d6700df87013ad6a3fb43c0d0c602f70a8772c153bd");

/// Steps and addresses of messenger and bridge on L1.
#[derive(Debug, Clone)]
pub(crate) struct BridgePlan {
    pub(crate) factory: Step,
    pub(crate) messenger: Step,
    pub(crate) bridge: Step,
    pub(crate) token: Step,
    salt: B256,
}

impl BridgePlan {
    pub(crate) fn new(config: &DeployConfig) -> Self {
        let salt = salt(config);
        let factory = step(
            salt,
            "Create3Factory",
            &Create3Factory::BYTECODE,
            Vec::new(),
        );
        let token = step(salt, "BridgedERC20", &BridgedERC20::BYTECODE, Vec::new());
        Self {
            messenger: step(
                salt,
                "L1CrossDomainMessenger",
                &L1CrossDomainMessenger::BYTECODE,
                Vec::new(),
            ),
            bridge: step(
                salt,
                "L1StandardBridge",
                &L1StandardBridge::BYTECODE,
                Vec::new(),
            ),
            factory,
            token,
            salt,
        }
    }

    /// For the Deployment.
    pub(crate) fn parts(&self) -> Deployment::Bridge {
        Deployment::Bridge {
            factory: self.factory.address,
            salt: self.salt,
            messengerImpl: self.messenger.address,
            bridgeImpl: self.bridge.address,
            tokenImpl: self.token.address,
        }
    }
}

/// Addresses on L1 that the genesis of L2 names.
pub(crate) fn l1_bridge(config: &DeployConfig) -> L1Bridge {
    peers_of(&BridgePlan::new(config).parts())
}

/// Where the Deployment puts messenger and bridge.
pub(crate) fn peers_of(bridge: &Deployment::Bridge) -> L1Bridge {
    let place = |salt: B256| {
        let creator = bridge.factory.create2(salt, CREATOR_CODE_HASH);
        creator.create(1)
    };
    L1Bridge {
        messenger: place(bridge.salt),
        bridge: place(keccak256(bridge.salt)),
        token_implementation: bridge.tokenImpl,
    }
}

/// Admin of a proxy: the proxy's first creation.
pub(super) fn admin_of(proxy: Address) -> Address {
    proxy.create(1)
}
