//! An L1 for one test, with a provider that signs.

#![expect(clippy::unwrap_used, reason = "a test that cannot start its L1 fails")]

use alloy::{
    network::EthereumWallet,
    providers::{Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use trestle_test_support::{AnvilOptions, DEV_KEYS};

/// An anvil and the key of its first funded account.
pub(crate) struct Anvil(trestle_test_support::Anvil);

impl Anvil {
    /// Starts anvil with these further arguments; the last of two equal ones counts.
    pub(crate) fn start(chain_id: u64, args: &[&str]) -> Self {
        let options = AnvilOptions {
            chain_id,
            args: args.iter().map(Into::into).collect(),
            ..Default::default()
        };
        Self(trestle_test_support::Anvil::start_with(&options).unwrap())
    }

    /// A provider that signs for a funded account.
    pub(crate) async fn provider(&self) -> impl Provider + use<> {
        let signer: PrivateKeySigner = DEV_KEYS[0].parse().unwrap();
        ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(EthereumWallet::from(signer))
            .connect(&self.0.url())
            .await
            .unwrap()
    }
}
