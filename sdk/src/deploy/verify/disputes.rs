//! The dispute contracts: owners, links, the genesis they start from, and every parameter of their games.

use alloy::{network::Network, primitives::U256, providers::Provider};
use trestle_contracts::bindings::{AnchorRegistry, Deployment, DisputeGame, DisputeGameFactory};

use super::same;
use crate::deploy::{DeployError, Deployed, GAME_TYPE};

/// Verifies the dispute contracts of a deployment whose other contracts are right.
///
/// The timelock may have accepted other games since; what the deployment made is compared, not what is current.
///
/// # Errors
/// [`DeployError::Mismatch`] for the first difference.
pub(crate) async fn verify_disputes<N: Network>(
    provider: &impl Provider<N>,
    deployed: &Deployed,
) -> Result<(), DeployError> {
    let c = &deployed.deployments.contracts;
    let record = Deployment::new(c.deployment, provider);
    let factory = record.disputeGameFactory().call().await?;
    same(
        "deployment's disputeGameFactory",
        c.dispute_game_factory,
        factory,
    )?;
    let registry = record.anchorRegistry().call().await?;
    same("deployment's anchorRegistry", c.anchor_registry, registry)?;
    let game = record.disputeGame().call().await?;
    same("deployment's disputeGame", c.dispute_game, game)?;
    let root = record.genesisOutputRoot().call().await?;
    same(
        "genesis output root",
        deployed.rollup.genesis_output_root,
        root,
    )?;
    let hash = record.configHash().call().await?;
    same("config hash", deployed.rollup.config_hash, hash)?;
    verify_owners(provider, deployed).await?;
    verify_game(provider, deployed).await
}

async fn verify_owners<N: Network>(
    provider: &impl Provider<N>,
    deployed: &Deployed,
) -> Result<(), DeployError> {
    let c = &deployed.deployments.contracts;
    let factory = DisputeGameFactory::new(c.dispute_game_factory, provider);
    same(
        "disputeGameFactory's owner",
        c.timelock,
        factory.owner().call().await?,
    )?;
    let registry = AnchorRegistry::new(c.anchor_registry, provider);
    same(
        "anchorRegistry's owner",
        c.timelock,
        registry.owner().call().await?,
    )?;
    let of_registry = registry.factory().call().await?;
    same(
        "anchorRegistry's factory",
        c.dispute_game_factory,
        of_registry,
    )?;
    let air_gap = U256::from(deployed.deployments.config.dispute.air_gap);
    same("airGap", air_gap, registry.airGap().call().await?)
}

async fn verify_game<N: Network>(
    provider: &impl Provider<N>,
    deployed: &Deployed,
) -> Result<(), DeployError> {
    let c = &deployed.deployments.contracts;
    let asked = &deployed.deployments.config.dispute;
    let game = DisputeGame::new(c.dispute_game, provider);
    same("game's type", GAME_TYPE, game.gameType().call().await?)?;
    same(
        "game's factory",
        c.dispute_game_factory,
        game.factory().call().await?,
    )?;
    same(
        "game's registry",
        c.anchor_registry,
        game.registry().call().await?,
    )?;
    same("game's inbox", c.inbox, game.inbox().call().await?)?;
    same(
        "game's verifier",
        c.step_verifier,
        game.verifier().call().await?,
    )?;
    let hash = game.configHash().call().await?;
    same("game's configHash", deployed.rollup.config_hash, hash)?;
    same(
        "imageRoot",
        asked.image_root,
        game.imageRoot().call().await?,
    )?;
    same(
        "maxClock",
        U256::from(asked.max_clock),
        game.maxClock().call().await?,
    )?;
    same(
        "extension",
        U256::from(asked.extension),
        game.extension().call().await?,
    )?;
    same(
        "bondMin",
        U256::from(asked.bond_min),
        game.bondMin().call().await?,
    )?;
    same(
        "stepRefund",
        U256::from(asked.step_refund),
        game.stepRefund().call().await?,
    )
}
