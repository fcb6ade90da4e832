//! A block that is executed, before and after its state root is known.

use crate::{OutputPreimage, StateDiff};
use alloc::vec::Vec;
use alloy_consensus::{
    Header,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_primitives::{Address, B256, Bloom};
use core::ops::Range;
use op_alloy_consensus::{OpReceiptEnvelope, OpTxEnvelope};

/// The roots that a header commits to and that only the tries know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateRoots {
    /// Root of the account trie.
    pub state: B256,
    /// Storage root of [`crate::predeploys::MESSAGE_PASSER`].
    pub message_passer: B256,
}

/// A header with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedHeader {
    /// The header.
    pub header: Header,
    /// Keccak-256 of its RLP.
    pub hash: B256,
}

impl SealedHeader {
    /// Hashes a header.
    #[must_use]
    pub fn new(header: Header) -> Self {
        let hash = header.hash_slow();
        Self { header, hash }
    }

    /// What the output root after this block commits to; all of it is in the header.
    #[must_use]
    pub fn output(&self) -> OutputPreimage {
        OutputPreimage {
            state_root: self.header.state_root,
            message_passer_root: self.header.withdrawals_root.unwrap_or_default(),
            block_hash: self.hash,
        }
    }
}

/// What a block contains besides its header.
#[derive(Debug, Clone)]
pub struct Body {
    /// Transactions, deposits first.
    pub transactions: Vec<OpTxEnvelope>,
    /// Sender of each transaction.
    pub senders: Vec<Address>,
    /// Receipt of each transaction.
    pub receipts: Vec<OpReceiptEnvelope>,
    /// Queue entries that the block consumes; empty if none.
    pub deposits: Range<u64>,
}

/// A block of which only the state root is missing.
#[derive(Debug, Clone)]
pub struct PendingBlock {
    header: Header,
    body: Body,
    diff: StateDiff,
}

/// A whole block with what it did.
#[derive(Debug, Clone)]
pub struct SealedBlock {
    /// Its header and hash.
    pub header: SealedHeader,
    /// Its content.
    pub body: Body,
    /// What it changed in the state.
    pub diff: StateDiff,
}

/// Puts an executed block together, with the roots that need no state.
pub(crate) fn pending(header: Header, body: Body, diff: StateDiff) -> PendingBlock {
    let bloom = body
        .receipts
        .iter()
        .fold(Bloom::ZERO, |mut bloom, receipt| {
            bloom |= *receipt.logs_bloom();
            bloom
        });
    let header = Header {
        transactions_root: calculate_transaction_root(&body.transactions),
        receipts_root: calculate_receipt_root(&body.receipts),
        logs_bloom: bloom,
        ..header
    };
    PendingBlock { header, body, diff }
}

impl PendingBlock {
    /// What the block changed: apply it to the state trie to get the root for [`Self::seal`].
    #[must_use]
    pub const fn diff(&self) -> &StateDiff {
        &self.diff
    }

    /// Whether the block holds no transaction and consumes nothing; such a block is not created.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.transactions.is_empty() && self.body.deposits.is_empty()
    }

    /// Number of the block.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.header.number
    }

    /// Completes the header and hashes it.
    #[must_use]
    pub fn seal(self, roots: StateRoots) -> SealedBlock {
        let header = SealedHeader::new(Header {
            state_root: roots.state,
            withdrawals_root: Some(roots.message_passer),
            ..self.header
        });
        SealedBlock {
            header,
            body: self.body,
            diff: self.diff,
        }
    }
}
