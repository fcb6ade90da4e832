//! Batch payloads: the bytes that carry L2 blocks to the Inbox.
//!
//! The batcher writes them and derivation reads them, both through this module, so they cannot
//! drift. All or nothing: a payload decodes as a whole or is empty. No allocation is sized by
//! unchecked input. Spec: `SPEC.md`, section 4.
//!
//! ```text
//! blocks ─ encode_columns ─► columns ─ zstd (the batcher's) ─► 0x01 ‖ frame
//! blocks ◄ decode_columns ── columns ◄─ decompress ───────────── 0x01 ‖ frame
//! ```

mod amount;
mod cursor;
mod decode;
mod encode;
mod fields;
mod frame;
mod zstd;

pub use decode::decode_columns;
pub use encode::encode_columns;
pub use frame::{FrameError, MAX_WINDOW, decompress};

use crate::{ChainConfig, decode_transaction};
use alloc::vec::Vec;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::Bytes;
use op_alloy_consensus::OpTxEnvelope;

/// First byte of every payload.
pub const PAYLOAD_VERSION: u8 = 1;

/// The least work that a transaction is charged, in gas: with the budget of a batch it bounds how
/// many there are.
const MIN_TX_WORK: u64 = 21_000;

/// L2 blocks on their way to L1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// In order; declared, not yet derived.
    pub blocks: Vec<PayloadBlock>,
}

/// What a payload declares of one block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PayloadBlock {
    /// Seconds since the Unix epoch, to be clamped by derivation.
    pub timestamp: u64,
    /// Queue entries that the block consumes first.
    pub deposit_count: u64,
    /// User transactions in order.
    pub transactions: Vec<PayloadTx>,
}

/// A transaction in a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every transaction is typed"
)]
pub enum PayloadTx {
    /// A transaction of type 0, 1, 2 or 4 for this chain, or a legacy one for any chain.
    Typed(OpTxEnvelope),
    /// Bytes carried verbatim, whatever they are.
    Raw(Bytes),
}

impl PayloadTx {
    /// Takes a transaction in its EIP-2718 form; whatever does not come back byte for byte is kept
    /// as bytes.
    #[must_use]
    pub fn from_encoded(bytes: Bytes) -> Self {
        match decode_transaction(&bytes) {
            Ok(tx) if tx.encoded_2718() == *bytes => Self::Typed(tx),
            _ => Self::Raw(bytes),
        }
    }

    /// The transaction in its EIP-2718 form.
    #[must_use]
    pub fn encoded(&self) -> Bytes {
        match self {
            Self::Typed(tx) => tx.encoded_2718().into(),
            Self::Raw(bytes) => bytes.clone(),
        }
    }
}

/// What a payload may not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadLimits {
    /// Chain id that typed transactions leave out.
    pub chain_id: u64,
    /// Bytes of the columns.
    pub max_decompressed: usize,
    /// Blocks.
    pub max_blocks: usize,
    /// Transactions of all blocks together.
    pub max_transactions: usize,
}

impl From<&ChainConfig> for PayloadLimits {
    fn from(config: &ChainConfig) -> Self {
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Self {
            chain_id: config.l2_chain_id,
            max_decompressed: size(config.max_decompressed.into()),
            max_blocks: size(config.max_blocks_per_batch.into()),
            max_transactions: size(config.batch_work_budget / MIN_TX_WORK),
        }
    }
}

/// Why a payload is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// No version byte, or another one.
    #[error("payload version {got:?}, expected 1")]
    Version {
        /// First byte, if there is one.
        got: Option<u8>,
    },
    /// The bytes after the version are no frame of the kind allowed.
    #[error("payload frame refused")]
    Frame(#[from] FrameError),
    /// A column ends before its last value.
    #[error("column of {column} is truncated")]
    Truncated {
        /// What the column holds.
        column: &'static str,
    },
    /// A number is longer than it need be, or above 2^64 − 1.
    #[error("number in {column} is not canonical")]
    Number {
        /// What the column holds.
        column: &'static str,
    },
    /// More items than allowed.
    #[error("{count} {column}, at most {limit} allowed")]
    TooMany {
        /// What there are too many of.
        column: &'static str,
        /// How many there are.
        count: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A kind byte that means nothing.
    #[error("unknown transaction kind {kind:#04x}")]
    Kind {
        /// The byte.
        kind: u8,
    },
    /// A recipient beyond the end of the dictionary.
    #[error("address {index} of {count}")]
    Address {
        /// Index of the recipient.
        index: u64,
        /// Addresses in the dictionary.
        count: u64,
    },
    /// An amount with a leading zero byte, a superfluous exponent, or too large for its field.
    #[error("amount in {column} is not canonical or too large")]
    Amount {
        /// What the column holds.
        column: &'static str,
    },
    /// An access or authorisation list that is not canonical RLP.
    #[error("list in {column} is malformed")]
    List {
        /// What the column holds.
        column: &'static str,
    },
    /// A bit set after the last y parity.
    #[error("padding after the y parities is not zero")]
    Padding,
    /// Bytes after the last column.
    #[error("{count} bytes after the last column")]
    Trailing {
        /// How many.
        count: usize,
    },
}

/// Decodes a calldata payload.
///
/// The length of the columns, which derivation charges, is that of [`decompress`]'s result; who
/// needs it calls that and [`decode_columns`].
///
/// # Errors
/// Any [`PayloadError`]; the payload is empty then.
pub fn decode_payload(bytes: &[u8], limits: &PayloadLimits) -> Result<Payload, PayloadError> {
    decode_columns(&decompress(bytes, limits)?, limits)
}
