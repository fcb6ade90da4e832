//! False proposals, by what they get wrong: for demonstrations and tests.

use alloy::{consensus::Header, sol_types::SolCall};
use alloy_primitives::{Address, B256, U256, keccak256};
use trestle_contracts::{
    bindings::{
        anchor_registry::AnchorRegistry::anchorCall,
        dispute_game::DisputeGame::bondOfCall,
        dispute_game_factory::DisputeGameFactory::{
            Proposal, createCall, gameImplsCall, gameOfCall,
        },
    },
    root_claim,
};
use trestle_protocol::OutputPreimage;
use trestle_sequencer::l1::{ContractReader, SenderHandle, TxKey, TxRequest};

use super::{Oracle, ServiceError};

/// L1 gas limit of a proposal.
const PROPOSAL_GAS: u64 = 700_000;

/// What a false proposal gets wrong about the last block of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FalseRoot {
    /// An account's balance.
    Balance,
    /// An account's nonce.
    Nonce,
    /// An account's code.
    Code,
    /// A storage slot.
    Storage,
    /// Gas used.
    GasUsed,
    /// Base fee.
    BaseFee,
    /// Timestamp.
    Timestamp,
    /// A deposit left out.
    DroppedDeposit,
    /// A deposit that never was.
    ForgedDeposit,
    /// A transaction left out.
    SkippedTransaction,
    /// Root of the withdrawals' storage.
    WithdrawalRoot,
    /// L1 attributes.
    L1Attributes,
    /// A byte of the payload.
    PayloadByte,
}

impl FalseRoot {
    /// Every class, with the name that commands take.
    pub const ALL: [(&'static str, Self); 13] = [
        ("balance", Self::Balance),
        ("nonce", Self::Nonce),
        ("code", Self::Code),
        ("storage", Self::Storage),
        ("gas-used", Self::GasUsed),
        ("base-fee", Self::BaseFee),
        ("timestamp", Self::Timestamp),
        ("dropped-deposit", Self::DroppedDeposit),
        ("forged-deposit", Self::ForgedDeposit),
        ("skipped-transaction", Self::SkippedTransaction),
        ("withdrawal-root", Self::WithdrawalRoot),
        ("l1-attributes", Self::L1Attributes),
        ("payload-byte", Self::PayloadByte),
    ];

    /// The class of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, class)| *class)
    }

    /// Name of the class.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, class)| *class == self)
            .map_or("", |(name, _)| name)
    }

    /// Makes the header of a block that got this wrong.
    #[must_use]
    pub fn falsify(self, header: &Header, salt: u64) -> Header {
        let mut lie = header.clone();
        let other = |root: B256| {
            keccak256([root.as_slice(), self.name().as_bytes(), &salt.to_be_bytes()].concat())
        };
        match self {
            Self::Balance | Self::Nonce | Self::Code | Self::Storage => {
                lie.state_root = other(header.state_root);
            }
            Self::GasUsed => lie.gas_used = header.gas_used.wrapping_add(1).wrapping_add(salt),
            Self::BaseFee => {
                let fee = header.base_fee_per_gas.unwrap_or_default();
                lie.base_fee_per_gas = Some(fee.wrapping_add(1).wrapping_add(salt));
            }
            Self::Timestamp => lie.timestamp = header.timestamp.wrapping_add(1).wrapping_add(salt),
            Self::DroppedDeposit
            | Self::ForgedDeposit
            | Self::SkippedTransaction
            | Self::PayloadByte => {
                lie.transactions_root = other(header.transactions_root);
                lie.state_root = other(header.state_root);
            }
            Self::WithdrawalRoot => {
                lie.withdrawals_root = Some(other(header.withdrawals_root.unwrap_or_default()));
            }
            Self::L1Attributes => lie.mix_hash = other(header.mix_hash),
        }
        lie
    }
}

/// Where and how to propose.
#[derive(Debug)]
pub struct Place<'a> {
    /// Reads L1.
    pub reader: &'a ContractReader,
    /// Sends to L1.
    pub sender: &'a SenderHandle,
    /// Factory of games.
    pub factory: Address,
    /// Registry of anchors.
    pub registry: Address,
    /// Kind of game.
    pub game_type: u32,
}

/// Output root of a batch whose last block has this header.
#[must_use]
pub fn root_over(header: &Header) -> B256 {
    OutputPreimage {
        state_root: header.state_root,
        message_passer_root: header.withdrawals_root.unwrap_or_default(),
        block_hash: header.hash_slow(),
    }
    .root()
}

/// Proposes the output root over `header` for `batch`, whatever is true; gives the game, also one that is there.
///
/// # Errors
/// [`ServiceError`] when L1 or the sender does not serve.
pub async fn propose_root(
    place: &Place<'_>,
    oracle: &Oracle,
    batch: u64,
    header: &Header,
) -> Result<Address, ServiceError> {
    let anchor = place.reader.read(place.registry, &anchorCall {}).await?;
    let proposal = Proposal {
        outputRoot: root_over(header),
        batchAcc: oracle.record(batch)?.position.batch_acc,
        anchorRoot: anchor.root,
        batch,
        anchorBatch: anchor.batch,
        l2BlockNumber: header.number,
    };
    let bond = bond(place, &proposal).await?;
    let at = gameOfCall {
        gameType: place.game_type,
        proposal: proposal.clone(),
    };
    let there = place.reader.read(place.factory, &at).await?;
    let game = there.game;
    if there.exists {
        return Ok(game);
    }
    let call = createCall {
        gameType: place.game_type,
        proposal,
        messagePasserRoot: header.withdrawals_root.unwrap_or_default(),
        headerRlp: alloy_rlp::encode(header).into(),
    };
    place
        .sender
        .submit(TxRequest {
            key: TxKey(keccak256(game)),
            to: place.factory,
            data: call.abi_encode().into(),
            value: bond,
            gas_limit: Some(PROPOSAL_GAS),
            blobs: None,
        })
        .await?;
    Ok(game)
}

async fn bond(place: &Place<'_>, proposal: &Proposal) -> Result<U256, ServiceError> {
    let implementation = place
        .reader
        .read(place.factory, &gameImplsCall(place.game_type))
        .await?;
    let header = root_claim(proposal);
    Ok(place
        .reader
        .read(implementation, &bondOfCall { header })
        .await?)
}
