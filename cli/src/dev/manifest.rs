//! What `trestle dev` prints when it is ready: one JSON manifest for programs, a banner for people.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    path::PathBuf,
};

use alloy::primitives::{Address, B256};
use serde::Serialize;

use super::accounts::{Account, MNEMONIC};
use crate::tools;

/// A ready dev chain.
#[derive(Debug, Serialize)]
pub(super) struct Manifest {
    /// The lower layer.
    pub(super) l1: L1,
    /// The rollup.
    pub(super) l2: L2,
    /// Accounts with ETH on both layers.
    pub(super) accounts: Vec<Funded>,
    /// Folder that holds everything.
    pub(super) datadir: PathBuf,
    /// Process ids by role.
    pub(super) processes: BTreeMap<&'static str, u32>,
}

/// The lower layer.
#[derive(Debug, Serialize)]
pub(super) struct L1 {
    /// JSON-RPC over HTTP.
    pub(super) rpc: String,
    /// Chain id.
    pub(super) chain_id: u64,
    /// Contracts by name.
    pub(super) contracts: BTreeMap<&'static str, Address>,
}

/// The rollup.
#[derive(Debug, Serialize)]
pub(super) struct L2 {
    /// JSON-RPC of the sequencer over HTTP.
    pub(super) rpc: String,
    /// The same over WebSocket.
    pub(super) ws: String,
    /// JSON-RPC of the replica over HTTP.
    pub(super) replica: String,
    /// The signed block feed over WebSocket.
    pub(super) feed: String,
    /// Chain id.
    pub(super) chain_id: u64,
    /// Contracts by name.
    pub(super) contracts: BTreeMap<&'static str, Address>,
}

/// An account and its key.
#[derive(Debug, Serialize)]
pub(super) struct Funded {
    /// Address on both layers.
    pub(super) address: Address,
    /// Private key; everybody knows it.
    pub(super) private_key: B256,
}

impl From<&Account> for Funded {
    fn from(account: &Account) -> Self {
        Self {
            address: account.address,
            private_key: account.key,
        }
    }
}

/// The banner.
impl Display for Manifest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nTrestle dev chain, ready.\n")?;
        writeln!(
            f,
            "  L1       {}   chain id {}",
            self.l1.rpc, self.l1.chain_id
        )?;
        writeln!(
            f,
            "  L2       {}   chain id {}",
            self.l2.rpc, self.l2.chain_id
        )?;
        writeln!(f, "           {}     the same over WebSocket", self.l2.ws)?;
        writeln!(
            f,
            "  replica  {}   checks L2 against L1, follows the feed",
            self.l2.replica
        )?;
        writeln!(f, "  data     {}\n", self.datadir.display())?;
        writeln!(
            f,
            "Accounts, with ETH on both layers (everybody knows these keys):"
        )?;
        for account in &self.accounts {
            writeln!(f, "  {} {}", account.address, account.private_key)?;
        }
        writeln!(f, "  mnemonic: {MNEMONIC}\n")?;
        for (layer, contracts) in [("L1", &self.l1.contracts), ("L2", &self.l2.contracts)] {
            writeln!(f, "Contracts on {layer}:")?;
            for (name, address) in contracts {
                writeln!(f, "  {name:<24} {address}")?;
            }
            writeln!(f)?;
        }
        self.fmt_example(f)?;
        writeln!(
            f,
            "\nA wallet that knew an older chain of this id: clear its activity and nonce data."
        )?;
        writeln!(
            f,
            "Ctrl-C stops everything; the chain goes on from there next time, --fresh starts over."
        )
    }
}

impl Manifest {
    /// A line for the shell that works as it stands.
    fn fmt_example(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [from, to, ..] = self.accounts.as_slice() else {
            return Ok(());
        };
        writeln!(f, "Try:")?;
        let cast = tools::find("cast").unwrap_or_else(|| "cast".into());
        writeln!(
            f,
            "  {} send {} --value 1ether --rpc-url {} --private-key {}",
            cast.display(),
            to.address,
            self.l2.rpc,
            from.private_key
        )
    }
}
