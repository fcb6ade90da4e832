//! What an operation would do, read out of its calls and checked against this release's code.

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::SolCall,
};
use trestle_contracts::bindings::{
    dispute_game_factory::DisputeGameFactory::setImplementationCall,
    proxy_admin::ProxyAdmin::upgradeAndCallCall,
};

use super::{
    Governance, Proxy, UpgradeError,
    code::{game_config, game_init_code, is_made_by},
};
use crate::deploy::GAME_TYPE;

/// What a call of the timelock would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Games to come have other code, another image or other parameters.
    Games {
        /// Their code.
        at: Address,
        /// Image of the batches from `from_batch` on.
        image_root: B256,
        /// Image of the batches before.
        previous_image_root: B256,
        /// First batch of the new image.
        from_batch: u64,
        /// Whether the code is this release's.
        is_of_this_release: bool,
    },
    /// A proxy has another implementation.
    Implementation {
        /// The proxy.
        proxy: Proxy,
        /// The implementation.
        at: Address,
        /// Whether the implementation is this release's, whatever its parameters.
        is_of_this_release: bool,
        /// What is called on the proxy at once; empty for nothing.
        call: Bytes,
    },
    /// Something else: look at it closely.
    Other,
}

impl Governance {
    /// What a call of the timelock to `target` would do.
    ///
    /// # Errors
    /// [`UpgradeError::NoCode`] when it would put nothing in place; when L1 does not answer.
    pub async fn meaning(&self, target: Address, data: &Bytes) -> Result<Meaning, UpgradeError> {
        if target == self.contracts.dispute_game_factory
            && let Ok(call) = setImplementationCall::abi_decode(data)
            && call.gameType == GAME_TYPE
        {
            return self.games(call.r#impl).await;
        }
        let proxies = Proxy::ALL.iter().map(|(_, proxy)| *proxy);
        for proxy in proxies {
            let (address, admin) = proxy.of(&self.contracts);
            if target == admin
                && let Ok(call) = upgradeAndCallCall::abi_decode(data)
                && call.proxy == address
            {
                return self.implementation_meant(proxy, call).await;
            }
        }
        Ok(Meaning::Other)
    }

    async fn games(&self, at: Address) -> Result<Meaning, UpgradeError> {
        // What does not even answer like a game is something else.
        let Ok(config) = game_config(&self.provider, at).await else {
            return Ok(Meaning::Other);
        };
        let is_of_this_release =
            is_made_by(&self.provider, at, game_init_code(config.clone())).await?;
        Ok(Meaning::Games {
            at,
            image_root: config.imageRoot,
            previous_image_root: config.previousImageRoot,
            from_batch: config.imageFromBatch,
            is_of_this_release,
        })
    }

    async fn implementation_meant(
        &self,
        proxy: Proxy,
        call: upgradeAndCallCall,
    ) -> Result<Meaning, UpgradeError> {
        let at = call.implementation;
        let is_of_this_release = match proxy.init_code(&self.provider, at).await {
            Ok(code) => is_made_by(&self.provider, at, code).await?,
            // It does not answer like ours.
            Err(UpgradeError::Contract(_)) => false,
            Err(error) => return Err(error),
        };
        Ok(Meaning::Implementation {
            proxy,
            at,
            is_of_this_release,
            call: call.data,
        })
    }
}
