//! `trestle deposit`, `withdraw`, `claim`, `transfers` and `force`: assets between the layers.
//!
//! Everything is in `trestle_sdk::transfer`; here are arguments and words. What is underway is on chain: a
//! command that was stopped is given again and goes on.

pub(crate) mod claim;
pub(crate) mod deposit;
pub(crate) mod force;
pub(crate) mod list;
pub(crate) mod report;
pub(crate) mod withdraw;

use std::{path::PathBuf, time::Duration};

use alloy::{
    primitives::{Address, U256, utils::parse_ether},
    providers::{DynProvider, Provider, ProviderBuilder},
    signers::local::PrivateKeySigner,
    transports::http::reqwest::Url,
};
use eyre::{WrapErr, bail};
use trestle_sdk::{
    deploy::{ChainFiles, recover},
    transfer::{L2Node, Layer, Settlement, Wallet},
};

/// Which chain, and where its L1 is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ChainArgs {
    /// Folder with the chain's rollup.json and genesis.json.
    #[arg(
        long,
        value_name = "DIR",
        env = "TRESTLE_CHAIN",
        required_unless_present = "deployment"
    )]
    chain: Option<PathBuf>,
    /// Address of the chain's Deployment on L1: instead of the files, which are made from L1.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "TRESTLE_DEPLOYMENT",
        conflicts_with = "chain"
    )]
    deployment: Option<Address>,
    /// RPC endpoint of L1.
    #[arg(long, value_name = "URL", env = "TRESTLE_L1_RPC")]
    pub(crate) l1: Url,
    /// Seconds between two looks at a chain while something is awaited.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    poll: f64,
}

/// A node of L2 whose word is taken.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct NodeArgs {
    /// RPC endpoint of L2: a replica of your own, because its output roots are believed.
    #[arg(long, value_name = "URL", env = "TRESTLE_L2_RPC")]
    pub(crate) l2: Url,
}

/// How to speak.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct SpeakArgs {
    /// Print one JSON object per line on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A chain that was found on its L1.
#[derive(Debug)]
pub(crate) struct Chain {
    /// Its files.
    pub(crate) files: ChainFiles,
    /// Its contracts.
    pub(crate) settlement: Settlement,
    /// Time between two looks.
    pub(crate) poll: Duration,
    l1: Url,
}

impl Chain {
    /// Reads the files and checks that L1 is theirs.
    pub(crate) async fn open(args: &ChainArgs) -> eyre::Result<Self> {
        let poll = Duration::try_from_secs_f64(args.poll)
            .wrap_err("--poll is no number of seconds")?
            .max(Duration::from_millis(50));
        let provider = ProviderBuilder::new()
            .connect_http(args.l1.clone())
            .erased();
        let got = provider.get_chain_id().await.wrap_err("cannot reach L1")?;
        let files = files(args, &provider).await?;
        let expected = files.rollup.l1_chain_id;
        if got != expected {
            bail!("the L1 endpoint serves chain {got}, the chain settles on {expected}");
        }
        let settlement = Settlement::new(provider, files.rollup.contracts);
        let l1 = args.l1.clone();
        Ok(Self {
            files,
            settlement,
            poll,
            l1,
        })
    }

    /// L1, to read.
    pub(crate) fn provider(&self) -> DynProvider {
        ProviderBuilder::new()
            .connect_http(self.l1.clone())
            .erased()
    }

    /// An account on L1.
    pub(crate) fn l1_wallet(&self, signer: PrivateKeySigner) -> Wallet {
        Wallet::new(Layer::L1, self.l1.clone(), signer, self.poll)
    }

    /// An account on L2.
    pub(crate) fn l2_wallet(&self, args: &NodeArgs, signer: PrivateKeySigner) -> Wallet {
        Wallet::new(Layer::L2, args.l2.clone(), signer, self.poll)
    }

    /// The node of L2, if it serves this chain.
    pub(crate) async fn node(&self, args: &NodeArgs) -> eyre::Result<L2Node> {
        let provider = ProviderBuilder::new()
            .connect_http(args.l2.clone())
            .erased();
        let got = provider.get_chain_id().await.wrap_err("cannot reach L2")?;
        let expected = self.files.rollup.l2_chain_id;
        if got != expected {
            bail!("the L2 endpoint serves chain {got}, this is chain {expected}");
        }
        Ok(L2Node::new(provider))
    }
}

async fn files(args: &ChainArgs, l1: &DynProvider) -> eyre::Result<ChainFiles> {
    match (args.deployment, &args.chain) {
        (Some(at), _) => Ok(recover(l1, at).await?.files),
        (None, Some(folder)) => Ok(ChainFiles::read(folder)?),
        (None, None) => bail!("give --chain or --deployment"),
    }
}

/// ETH as people write it, in wei.
pub(crate) fn ether(text: &str) -> Result<U256, String> {
    parse_ether(text).map_err(|error| error.to_string())
}

/// How much of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// Wei.
    Ether(U256),
    /// Of a token, in its smallest unit.
    Token {
        /// The token.
        token: Address,
        /// How many.
        units: U256,
    },
}

impl Amount {
    /// Reads what people write: ETH with decimals, or a whole number of the token's smallest unit.
    ///
    /// # Errors
    /// When it is no such number.
    pub(crate) fn parse(text: &str, token: Option<Address>) -> eyre::Result<Self> {
        let amount = match token {
            Some(token) => text
                .parse()
                .map(|units| Self::Token { token, units })
                .map_err(|_| "no whole number of the smallest unit".to_owned()),
            None => ether(text).map(Self::Ether),
        };
        amount.map_err(|reason| eyre::eyre!("{text:?} is no amount: {reason}"))
    }

    /// So many wei, or units of a token.
    pub(crate) const fn of(units: U256, token: Option<Address>) -> Self {
        match token {
            Some(token) => Self::Token { token, units },
            None => Self::Ether(units),
        }
    }

    /// Wei, or the token's smallest units.
    pub(crate) const fn units(self) -> U256 {
        match self {
            Self::Ether(units) | Self::Token { units, .. } => units,
        }
    }

    /// The token; `None` for ETH.
    pub(crate) const fn token(self) -> Option<Address> {
        match self {
            Self::Ether(_) => None,
            Self::Token { token, .. } => Some(token),
        }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ether(wei) => f.write_str(&report::eth(*wei)),
            Self::Token { token, units } => write!(f, "{units} units of {token}"),
        }
    }
}
