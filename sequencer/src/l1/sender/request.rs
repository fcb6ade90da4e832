//! What callers ask of the sender, and what they learn of it.

use super::{blobs::BlobSet, journal::JournalError, signer::SignerError};
use crate::l1::RpcError;
use alloy::primitives::{Address, B256, Bytes, U256};
use std::{collections::BTreeMap, fmt};

/// What a transaction is for, chosen by the caller: at most one transaction with a key lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxKey(pub B256);

impl TxKey {
    /// Key of transactions that only use up a nonce.
    pub(crate) const CANCEL: Self = Self(B256::ZERO);

    /// Key number `id` of the caller that calls itself `topic`; only eight bytes of `topic` count.
    #[must_use]
    pub fn numbered(topic: &str, id: u64) -> Self {
        let mut bytes = [0u8; 32];
        for (slot, byte) in bytes.iter_mut().zip(topic.bytes().take(8)) {
            *slot = byte;
        }
        for (slot, byte) in bytes.iter_mut().skip(24).zip(id.to_be_bytes()) {
            *slot = byte;
        }
        Self(B256::new(bytes))
    }
}

impl fmt::Display for TxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (topic, number) = self.0.split_at(24);
        let topic = topic.split(|byte| *byte == 0).next().unwrap_or_default();
        if !topic.iter().all(u8::is_ascii_graphic) {
            // A key that is a hash.
            return write!(f, "{}", self.0);
        }
        let number = number
            .iter()
            .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        write!(f, "{}-{number}", String::from_utf8_lossy(topic))
    }
}

/// A transaction to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxRequest {
    /// What it is for.
    pub key: TxKey,
    /// Contract to call.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// Wei to send along.
    pub value: U256,
    /// L1 gas limit; estimated when `None`.
    pub gas_limit: Option<u64>,
    /// Blobs that it carries.
    pub blobs: Option<BlobSet>,
}

/// Where a transaction is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxState {
    /// Sent, and not in a block.
    Pending {
        /// Nonce it was signed for.
        nonce: u64,
        /// Hash of the newest attempt.
        hash: B256,
        /// Attempts so far, replacements included.
        attempts: usize,
    },
    /// Not in a block, and would revert in the next one: it is held back until its key or its nonce
    /// is given other content, or the state of L1 lets it through.
    Stale {
        /// Nonce it was signed for.
        nonce: u64,
        /// Why L1 would revert it.
        reason: String,
    },
    /// In a block of the present chain.
    Included {
        /// Nonce it was signed for.
        nonce: u64,
        /// Hash of the attempt that landed.
        hash: B256,
        /// Number of the L1 block.
        block: u64,
        /// Whether it succeeded; a reverted transaction has landed all the same.
        is_success: bool,
    },
}

/// What the sender is doing.
#[derive(Debug, Clone, Default)]
pub struct SenderStatus {
    /// The account's next nonce at the L1 head that was seen last.
    pub l1_nonce: u64,
    /// Transactions that are not final yet.
    pub txs: BTreeMap<TxKey, TxState>,
    /// Whether what waits for a block carries blobs; `None` when nothing waits. Only requests of this kind
    /// are taken until it is in a block.
    pub waiting_blobs: Option<bool>,
    /// What goes wrong at the moment; cleared when it goes well again.
    pub fault: Option<SenderError>,
    /// Whether the sender gave up: `fault` says why.
    pub is_halted: bool,
}

/// What can go wrong in the sender as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SenderError {
    /// L1 could not be asked.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The journal failed: nothing is sent that is not kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A transaction could not be signed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The endpoint serves another L1 than the one configured.
    #[error("l1 endpoint serves chain {got}, configured is chain {expected}")]
    WrongChain {
        /// Chain id configured.
        expected: u64,
        /// Chain id served.
        got: u64,
    },
    /// Somebody else used the account: a nonce of ours is taken by a transaction we never signed.
    #[error("nonce {nonce} of {account} was used by a transaction that is not ours")]
    NonceTaken {
        /// The account.
        account: Address,
        /// Its nonce.
        nonce: u64,
    },
    /// The account cannot pay.
    #[error("account {account} cannot pay for its transaction on l1")]
    InsufficientFunds {
        /// The account.
        account: Address,
    },
    /// The market asks more than the fee cap allows.
    #[error("fee cap of {cap} wei per gas leaves no room to replace nonce {nonce}")]
    FeeCapReached {
        /// Highest `maxFeePerGas` allowed, in wei.
        cap: u128,
        /// The nonce that waits.
        nonce: u64,
    },
    /// The transaction might cost more than what is left of the day's cap.
    #[error(
        "spending cap of {cap} wei a day reached: {spent} wei are spent or set aside, the next transaction may cost {want}"
    )]
    SpendCapReached {
        /// Most that may be spent in 24 hours, in wei.
        cap: U256,
        /// Spent in the last 24 hours, and set aside for what waits, in wei.
        spent: U256,
        /// Most that the next one may cost, in wei.
        want: U256,
    },
    /// L1's pools hold a transaction of this account of the other kind, with or without blobs, that we do not know.
    #[error(
        "l1 holds nonce {nonce} back: a transaction of the account with or without blobs, other than this, waits"
    )]
    OtherKindWaits {
        /// The nonce that waits.
        nonce: u64,
    },
    /// The journal lost the blobs of a transaction.
    #[error("sender journal has no blobs for nonce {nonce}")]
    NoSidecar {
        /// The nonce.
        nonce: u64,
    },
    /// L1's nonce is below all of ours that wait: the endpoint lags, or lost a final block.
    #[error("l1 expects nonce {l1_nonce}, the lowest that waits is {lowest}")]
    NonceGap {
        /// Next nonce by L1.
        l1_nonce: u64,
        /// Lowest nonce that waits.
        lowest: u64,
    },
    /// The journal holds bytes that are no transaction of this account.
    #[error("sender journal holds no transaction of ours at nonce {nonce}")]
    ForeignJournal {
        /// Nonce of the entry.
        nonce: u64,
    },
}

impl SenderError {
    /// Whether the sender stops until an operator looks at it.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::WrongChain { .. } | Self::NonceTaken { .. } | Self::ForeignJournal { .. }
        )
    }
}

/// Why a request was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// L1 would revert it now: sending it would cost gas for nothing.
    #[error("l1 would revert {key}: {reason}")]
    WouldRevert {
        /// The request.
        key: TxKey,
        /// The endpoint's words.
        reason: String,
        /// Revert data, if the endpoint gave it.
        data: Option<Bytes>,
    },
    /// A transaction with this key landed already, with other content.
    #[error("{key} landed already in l1 block {block}")]
    AlreadyIncluded {
        /// The request.
        key: TxKey,
        /// Number of the L1 block.
        block: u64,
    },
    /// It was not first in line and came without a gas limit, so it cannot be checked.
    #[error("{key} waits behind another transaction and has no gas limit")]
    NeedsGasLimit {
        /// The request.
        key: TxKey,
    },
    /// Transactions with blobs wait and this has none, or the other way round: L1 would refuse it.
    #[error(
        "{key} is of another kind than what waits at nonce {nonce}: with blobs against without"
    )]
    OtherKind {
        /// The request.
        key: TxKey,
        /// The nonce that waits.
        nonce: u64,
    },
    /// The sender failed; [`SenderError::is_fatal`] tells whether to try again.
    #[error(transparent)]
    Sender(#[from] SenderError),
    /// The sender's task has ended.
    #[error("sender has stopped")]
    Stopped,
}

impl From<RpcError> for SubmitError {
    fn from(error: RpcError) -> Self {
        Self::Sender(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_other_numbers_or_topics_differ() {
        let key = TxKey::numbered("batch", 258);
        assert_eq!(key.to_string(), "batch-258");
        assert_ne!(key, TxKey::numbered("batch", 259));
        assert_ne!(key, TxKey::numbered("claim", 258));
        assert_ne!(key, TxKey::CANCEL);
        let hash = TxKey(B256::repeat_byte(0xee));
        assert_eq!(hash.to_string(), B256::repeat_byte(0xee).to_string());
    }
}
