//! A chain's files from L1 alone: all of it is in the transaction that made the Deployment.
//!
//! The Deployment's address commits to its creation code and arguments (CREATE2), and those to the genesis and the
//! configuration but for what the transaction itself decides: its time and the Inbox's address. So nothing is
//! believed that does not hash to the address; the accounts of the genesis, which are code of this release, have to
//! hash to the state root in it. The L1 endpoint is asked for one block. Spec: `SPEC.md`, section D.11.

use alloy::{
    consensus::{Header, Transaction},
    primitives::{Address, B256},
    providers::Provider,
    rlp::Decodable,
    sol_types::{SolConstructor, SolType},
};
use trestle_contracts::{
    GenesisParams,
    bindings::{
        Deployment, Inbox,
        deployment::Deployment::{Parts, constructorCall},
    },
    preinstalls::DETERMINISTIC_DEPLOYER,
};
use trestle_protocol::ChainConfig;

use super::{ChainFiles, Contracts, L1Start, RollupConfig, RollupGenesis, plan::peers_of};

/// Types of the Deployment's constructor.
type Arguments<'a> = <constructorCall as SolConstructor>::Parameters<'a>;

/// Why a chain's files cannot be made from L1.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// L1 did not answer, or refused.
    #[error("L1: {0}")]
    Rpc(#[from] alloy::transports::TransportError),
    /// A contract could not be read: most likely there is none of ours.
    #[error("{at} is no Deployment of a chain: {source}")]
    Contract {
        /// Address that was asked.
        at: Address,
        /// What came back.
        source: alloy::contract::Error,
    },
    /// The block of the deployment is not served, or has no such transaction.
    #[error("L1 block {block} does not hold the transaction that made {at}")]
    NoCreation {
        /// The Deployment.
        at: Address,
        /// Block that was looked at.
        block: u64,
    },
    /// The contract was made by other code, or its genesis has other code in it, than this release has.
    #[error(
        "{what} is that of another release: take the release that the chain was deployed with, or give its files by --chain"
    )]
    OtherRelease {
        /// What differs.
        what: &'static str,
    },
}

/// A chain, and what its contracts were made with.
#[derive(Debug, Clone)]
pub struct Recovered {
    /// What nodes and commands need.
    pub files: ChainFiles,
    /// Block 0, for `genesis.json`.
    pub genesis: RollupGenesis,
    /// Arguments of the Deployment.
    pub parts: Parts,
}

/// Makes the files of the chain whose Deployment is at `at`, as `trestle deploy` wrote them.
///
/// # Errors
/// [`RecoverError`].
pub async fn recover(l1: &impl Provider, at: Address) -> Result<Recovered, RecoverError> {
    let contract = |source| RecoverError::Contract { at, source };
    let record = Deployment::new(at, l1);
    let block = record.startBlock().call().await.map_err(contract)?;
    let (start, parts) = creation(l1, at, block.saturating_to()).await?;
    let contracts = Contracts::of(at, &parts);
    let other = RecoverError::OtherRelease {
        what: "the genesis",
    };
    let Some(genesis) = genesis_of(&parts, &contracts, start.timestamp) else {
        return Err(other);
    };
    let root = record.genesisOutputRoot().call().await.map_err(contract)?;
    let hash = record.configHash().call().await.map_err(contract)?;
    if genesis.output_root() != root || genesis.chain.hash() != hash {
        return Err(other);
    }
    let inbox = Inbox::new(contracts.inbox, l1);
    let delay = inbox.forcedInclusionDelay().call().await;
    let delay = delay.map_err(contract)?;
    let rollup = RollupConfig::new(delay, &contracts, start, &genesis);
    Ok(Recovered {
        files: ChainFiles {
            rollup,
            chain: genesis.chain.clone(),
            genesis: genesis.genesis.clone(),
        },
        genesis,
        parts,
    })
}

/// The transaction that made the contract at `at`: its block, and the arguments in it.
async fn creation(
    l1: &impl Provider,
    at: Address,
    number: u64,
) -> Result<(L1Start, Parts), RecoverError> {
    let missing = RecoverError::NoCreation { at, block: number };
    let block = l1.get_block_by_number(number.into()).full().await?;
    let Some(block) = block else {
        return Err(missing);
    };
    let deployer = DETERMINISTIC_DEPLOYER.address;
    let mut init = None;
    for transaction in block.transactions.txns() {
        let input = transaction.input().split_first_chunk::<32>();
        if let Some((salt, code)) = input.filter(|_| transaction.to() == Some(deployer))
            && deployer.create2_from_code(salt, code) == at
        {
            init = Some(code.to_vec());
        }
    }
    let init = init.ok_or(missing)?;
    let arguments = init.strip_prefix(Deployment::BYTECODE.as_ref());
    let parts = arguments.and_then(|bytes| Arguments::abi_decode_params(bytes).ok());
    let parts = parts.ok_or(RecoverError::OtherRelease {
        what: "the Deployment's code",
    })?;
    let start = L1Start {
        number,
        hash: block.header.hash,
        timestamp: block.header.timestamp,
    };
    Ok((start, parts.0))
}

/// Block 0, completed by what only the deployment's transaction knew; `None` where the arguments hold no genesis.
fn genesis_of(parts: &Parts, contracts: &Contracts, timestamp: u64) -> Option<RollupGenesis> {
    let (given, params) = (&parts.genesis, &parts.params);
    let time = u32::try_from(timestamp).ok()?.to_be_bytes();
    let header = [&given.headerHead, time.as_slice(), &given.headerTail].concat();
    let header = Header::decode(&mut header.as_slice()).ok()?;
    let hash = B256::ZERO;
    let inbox = contracts.inbox;
    let chain = [
        &given.configHead,
        inbox.as_slice(),
        hash.as_slice(),
        &given.configTail,
    ]
    .concat();
    let chain = ChainConfig::decode(&chain).ok()?;
    let params = GenesisParams {
        l2_chain_id: chain.l2_chain_id,
        user_gas_limit: params.userGasLimit,
        data_scalar: params.dataScalar,
        data_kinds: params.dataKinds,
        min_floor: params.minFloor,
        l1_bridge: peers_of(&parts.bridge),
    };
    let floor = header.base_fee_per_gas?.into();
    Some(RollupGenesis::of(&params, floor, chain, timestamp))
}
