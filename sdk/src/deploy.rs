//! Deploys a chain: its contracts on L1 and, from them, the genesis and the configuration of L2.
//!
//! ```text
//! DeployConfig ─ plan ─> addresses and creation codes ─ run ─> L1 ─ verify ─> Deployments
//!                                      recover <─┘                   └─ export ─> RollupConfig, Genesis
//! ```
//! Every contract is made by CREATE2 through the deterministic deployer, so its address is known before
//! and names its creation code. A deployment that stopped halfway is resumed by running it again; one that
//! is complete is only verified. `trestle deploy` and `trestle dev` call [`deploy`].

mod config;
mod error;
mod export;
mod import;
mod plan;
mod recover;
mod run;
mod verify;

pub use config::{ConfigError, DeployConfig, DisputeConfig, GAME_TYPE};
pub use error::DeployError;
pub use export::{
    ChainLimits, ConfigHashMismatch, L1Start, RollupConfig, RollupGenesis, genesis_json,
};
pub use import::{ChainFiles, ImportError};
pub use plan::{Contracts, Plan};
pub use recover::{RecoverError, Recovered, recover};
pub use run::{Deployed, Deployments, deploy};
