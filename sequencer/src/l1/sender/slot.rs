//! One nonce of the account: every attempt signed for it, and where it stands.
//!
//! Pure bookkeeping; the tracker and the broadcaster act on it.

use super::{
    blobs::BlobSet,
    fees::Fees,
    journal::JournaledTx,
    request::{TxKey, TxRequest, TxState},
};
use alloy::{
    consensus::{Transaction, TxEnvelope, transaction::SignerRecoverable},
    eips::eip2718::Decodable2718,
    primitives::{Address, B256, Bytes, TxKind, U256},
};
use tokio::time::Instant;

/// A signed transaction for a nonce.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    /// What was asked; its gas limit is always set, and the sidecar of its blobs is in the journal.
    pub(super) request: TxRequest,
    /// L1 gas limit.
    pub(super) gas_limit: u64,
    /// Fees signed.
    pub(super) fees: Fees,
    /// Transaction hash.
    pub(super) hash: B256,
    /// The signed transaction, without sidecar.
    pub(super) raw: Bytes,
}

impl Attempt {
    /// Reads a journaled transaction back; `None` unless `account` signed it for that nonce.
    pub(super) fn from_journal(tx: &JournaledTx, account: Address) -> Option<Self> {
        let envelope = TxEnvelope::decode_2718(&mut tx.raw.as_ref()).ok()?;
        if envelope.recover_signer().ok()? != account || envelope.nonce() != tx.nonce {
            return None;
        }
        let TxKind::Call(to) = envelope.kind() else {
            return None;
        };
        let gas_limit = envelope.gas_limit();
        let request = TxRequest {
            key: tx.key,
            to,
            data: envelope.input().clone(),
            value: envelope.value(),
            gas_limit: Some(gas_limit),
            blobs: envelope
                .blob_versioned_hashes()
                .map(|hashes| BlobSet::journaled(hashes.to_vec())),
        };
        let fees = Fees {
            max_fee: envelope.max_fee_per_gas(),
            tip: envelope.max_priority_fee_per_gas().unwrap_or_default(),
            max_blob_fee: envelope.max_fee_per_blob_gas(),
        };
        Some(Self {
            request,
            gas_limit,
            fees,
            hash: *envelope.tx_hash(),
            raw: tx.raw.clone(),
        })
    }
}

/// Where a nonce stands.
#[derive(Debug, Clone)]
pub(super) enum Phase {
    /// Not in a block.
    Pending,
    /// Not in a block, and held back because it would revert.
    Stale {
        /// Why it would.
        reason: String,
        /// When that was first seen.
        since: Instant,
    },
    /// In a block.
    Included {
        /// Hash of the attempt that landed.
        hash: B256,
        /// Number of its block.
        block: u64,
        /// Whether it succeeded.
        is_success: bool,
        /// What it cost in fees, in wei.
        cost: U256,
    },
}

/// A nonce and its attempts.
#[derive(Debug)]
pub(super) struct Slot {
    /// The nonce.
    pub(super) nonce: u64,
    /// Where it stands.
    pub(super) phase: Phase,
    /// L1 head when the newest attempt was signed.
    pub(super) sent_at_head: u64,
    /// When it was broadcast last; `None` when this process never did.
    pub(super) last_broadcast: Option<Instant>,
    /// Since when L1's nonce is past this one without any of our attempts in a block.
    pub(super) missing_since: Option<Instant>,
    /// Whether what lies before it on L1 may not be what it was signed for: after a reorg, and after
    /// a restart. It is then sent again only when it is first in line and was judged.
    pub(super) is_doubtful: bool,
    newest: Attempt,
    replaced: Vec<Attempt>,
}

impl Slot {
    pub(super) const fn new(nonce: u64, first: Attempt, head: u64) -> Self {
        Self {
            nonce,
            phase: Phase::Pending,
            sent_at_head: head,
            last_broadcast: None,
            missing_since: None,
            is_doubtful: false,
            newest: first,
            replaced: Vec::new(),
        }
    }

    /// Makes `attempt` the one to broadcast.
    pub(super) fn replace(&mut self, attempt: Attempt, head: u64) {
        self.replaced
            .push(std::mem::replace(&mut self.newest, attempt));
        self.sent_at_head = head;
        self.last_broadcast = None;
        self.is_doubtful = false;
        self.phase = Phase::Pending;
    }

    /// The attempt to broadcast.
    pub(super) const fn newest(&self) -> &Attempt {
        &self.newest
    }

    /// Number of attempts.
    pub(super) fn attempts(&self) -> usize {
        self.replaced.len().saturating_add(1)
    }

    /// Every attempt, newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Attempt> {
        std::iter::once(&self.newest).chain(self.replaced.iter().rev())
    }

    /// Whether the attempts carry blobs: all of them do, or none.
    pub(super) const fn carries_blobs(&self) -> bool {
        self.newest.request.blobs.is_some()
    }

    pub(super) const fn is_included(&self) -> bool {
        matches!(self.phase, Phase::Included { .. })
    }

    pub(super) const fn is_stale(&self) -> bool {
        matches!(self.phase, Phase::Stale { .. })
    }

    /// Key of the attempt that landed, else of the newest one.
    pub(super) fn key(&self) -> TxKey {
        let landed = match &self.phase {
            Phase::Included { hash, .. } => self.all().find(|attempt| attempt.hash == *hash),
            _ => None,
        };
        landed.unwrap_or(&self.newest).request.key
    }

    /// What the caller learns.
    pub(super) fn state(&self) -> TxState {
        let nonce = self.nonce;
        match &self.phase {
            Phase::Pending => TxState::Pending {
                nonce,
                hash: self.newest.hash,
                attempts: self.attempts(),
            },
            Phase::Stale { reason, .. } => TxState::Stale {
                nonce,
                reason: reason.clone(),
            },
            Phase::Included {
                hash,
                block,
                is_success,
                ..
            } => TxState::Included {
                nonce,
                hash: *hash,
                block: *block,
                is_success: *is_success,
            },
        }
    }
}
