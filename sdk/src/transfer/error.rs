//! What can keep a transfer from going on.

use std::fmt;

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::{SolInterface, decode_revert_reason},
    transports::{RpcError, TransportError},
};
use trestle_contracts::bindings::{
    dispute_game::DisputeGame::DisputeGameErrors,
    dispute_game_factory::DisputeGameFactory::DisputeGameFactoryErrors, inbox::Inbox::InboxErrors,
    l1_standard_bridge::L1StandardBridge::L1StandardBridgeErrors,
    l2_standard_bridge::L2StandardBridge::L2StandardBridgeErrors,
    l2_to_l1_message_passer::L2ToL1MessagePasser::L2ToL1MessagePasserErrors,
    portal::Portal::PortalErrors, system_config::SystemConfig::SystemConfigErrors,
    timelock::Timelock::TimelockErrors,
};

/// Which chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The lower one.
    L1,
    /// The rollup.
    L2,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
        })
    }
}

/// What can keep a transfer from going on. Nothing is lost by any of it: the same can be asked again.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A node did not answer, or refused.
    #[error("{layer}: {source}")]
    Rpc {
        /// Whose node.
        layer: Layer,
        /// What it said.
        source: TransportError,
    },
    /// A contract could not be read.
    #[error("L1: {0}")]
    Contract(#[from] alloy::contract::Error),
    /// The transaction would revert, so it was not sent.
    #[error("{what} is refused: {reason}")]
    Refused {
        /// What was tried.
        what: &'static str,
        /// The contract's error.
        reason: String,
    },
    /// The transaction was included and reverted.
    #[error("{what} reverted in transaction {tx}")]
    Reverted {
        /// What was tried.
        what: &'static str,
        /// Its hash.
        tx: B256,
    },
    /// No receipt in time; the transaction may still be included.
    #[error("{what}: transaction {tx} is not included after {seconds} s")]
    NotIncluded {
        /// What was tried.
        what: &'static str,
        /// Its hash.
        tx: B256,
        /// Seconds waited.
        seconds: u64,
    },
    /// A receipt does not hold the event that its transaction emits.
    #[error("transaction {tx} has no {event} event")]
    NoEvent {
        /// Its hash.
        tx: B256,
        /// Name of the event.
        event: &'static str,
    },
    /// There is no such transaction.
    #[error("no transaction {tx} on L2")]
    NoTransaction {
        /// Its hash.
        tx: B256,
    },
    /// The node serves something whose parts do not fit together.
    #[error("the L2 node serves a false block {number}: {what}")]
    FalseBlock {
        /// Number asked for.
        number: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// The message is not in the storage that a proof was made from.
    #[error("withdrawal {hash} is not in L2 block {block}")]
    NotInBlock {
        /// Hash of the withdrawal.
        hash: B256,
        /// Block that was looked at.
        block: u64,
    },
    /// The account cannot pay for it.
    #[error("{account} holds {balance} wei on {layer}, {needed} are needed")]
    Underfunded {
        /// The account.
        account: Address,
        /// Where.
        layer: Layer,
        /// Its balance in wei.
        balance: alloy::primitives::U256,
        /// What it needs in wei.
        needed: alloy::primitives::U256,
    },
    /// There is no ERC-20 token at the address.
    #[error("{token} is no ERC-20 token on {layer}")]
    NotAToken {
        /// The address.
        token: Address,
        /// Where.
        layer: Layer,
    },
    /// The withdrawal is not through after the time that was given.
    #[error("not finished after {seconds} s; the same command goes on from there")]
    TimeUp {
        /// Seconds given.
        seconds: u64,
    },
    /// The source of output roots failed.
    #[error("output roots: {0}")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TransferError {
    /// Whether the same call may succeed in a moment: nobody refused it.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Rpc { source, .. } => !matches!(source, RpcError::ErrorResp(_)),
            Self::Contract(alloy::contract::Error::TransportError(source)) => {
                !matches!(source, RpcError::ErrorResp(_))
            }
            _ => false,
        }
    }

    pub(super) const fn rpc(layer: Layer) -> impl Fn(TransportError) -> Self {
        move |source| Self::Rpc { layer, source }
    }

    /// Sorts the failure of a simulated transaction: refused by a contract, or not answered.
    pub(super) fn of_simulation(layer: Layer, what: &'static str, source: TransportError) -> Self {
        let RpcError::ErrorResp(payload) = &source else {
            return Self::Rpc { layer, source };
        };
        match payload.as_revert_data() {
            Some(data) => Self::Refused {
                what,
                reason: revert_reason(&data),
            },
            None => Self::Rpc { layer, source },
        }
    }
}

/// The error of one of our contracts in words; else what the data decodes to by itself.
fn revert_reason(data: &Bytes) -> String {
    fn named<E: SolInterface + fmt::Debug>(data: &[u8]) -> Option<String> {
        E::abi_decode(data).ok().map(|error| format!("{error:?}"))
    }
    named::<PortalErrors>(data)
        .or_else(|| named::<InboxErrors>(data))
        .or_else(|| named::<DisputeGameFactoryErrors>(data))
        .or_else(|| named::<DisputeGameErrors>(data))
        .or_else(|| named::<L2ToL1MessagePasserErrors>(data))
        .or_else(|| named::<L1StandardBridgeErrors>(data))
        .or_else(|| named::<L2StandardBridgeErrors>(data))
        .or_else(|| named::<TimelockErrors>(data))
        .or_else(|| named::<SystemConfigErrors>(data))
        .or_else(|| decode_revert_reason(data))
        // Bytes that only happen to be UTF-8 are no words.
        .filter(|reason| !reason.chars().any(char::is_control))
        .unwrap_or_else(|| data.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::sol_types::SolError;
    use trestle_contracts::bindings::portal::Portal::OptimismPortal_Unproven;

    #[test]
    fn revert_data_of_a_contract_is_named() {
        let data = OptimismPortal_Unproven {}.abi_encode().into();
        assert!(revert_reason(&data).contains("OptimismPortal_Unproven"));
        assert_eq!(revert_reason(&Bytes::from_static(&[1, 2])), "0x0102");
    }
}
