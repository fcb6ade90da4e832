//! A transaction as the pool keeps it: decoded, with its sender and cost worked out once.
//!
//! Decoding and recovery happen here, on the thread of whoever submits, never on the engine's.

use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256, Bytes, U256};
use op_alloy_consensus::OpTxEnvelope;
use trestle_protocol::{decode_transaction, max_cost, recover_sender};

use super::{PoolError, error::refusal};

/// A transaction in the pool.
#[derive(Debug, Clone, PartialEq)]
pub struct PooledTransaction {
    /// The transaction itself, of type 0, 1, 2 or 4.
    pub tx: OpTxEnvelope,
    /// Who signed it.
    pub sender: Address,
    /// Its EIP-2718 encoding, as it was received.
    pub encoded: Bytes,
    /// Most that it can cost its sender, in wei: `maxFeePerGas · gas + value`.
    pub cost: U256,
}

impl PooledTransaction {
    /// Decodes one EIP-2718 encoding and recovers its sender.
    ///
    /// # Errors
    /// [`PoolError::Empty`], [`PoolError::Oversized`] past `max_bytes`,
    /// [`PoolError::TypeNotSupported`], [`PoolError::Decode`] and [`PoolError::Signature`].
    pub fn decode(encoded: Bytes, max_bytes: usize) -> Result<Self, PoolError> {
        if encoded.is_empty() {
            return Err(PoolError::Empty);
        }
        if encoded.len() > max_bytes {
            return Err(PoolError::Oversized {
                size: encoded.len(),
                limit: max_bytes,
            });
        }
        let tx = decode_transaction(&encoded).map_err(|reason| refusal(reason, None))?;
        let sender = recover_sender(&tx).map_err(|reason| refusal(reason, Some(&tx)))?;
        let cost = max_cost(&tx);
        Ok(Self {
            tx,
            sender,
            encoded,
            cost,
        })
    }

    /// Keccak-256 of the encoding.
    pub fn hash(&self) -> B256 {
        self.tx.tx_hash()
    }

    /// Nonce of the sender that it uses.
    pub fn nonce(&self) -> u64 {
        self.tx.nonce()
    }

    /// Fee cap in wei per gas.
    pub fn max_fee(&self) -> u128 {
        self.tx.max_fee_per_gas()
    }

    /// Tip cap in wei per gas; the whole price of a legacy transaction.
    pub fn max_tip(&self) -> u128 {
        self.tx
            .max_priority_fee_per_gas()
            .unwrap_or_else(|| self.tx.max_fee_per_gas())
    }

    /// Whether this one may take the place of `old`: both fees raised by `bump` percent.
    ///
    /// The raise is rounded down, as in geth: MetaMask multiplies by 1.1 and drops the fraction.
    pub(super) fn outbids(&self, old: &Self, bump: u32) -> bool {
        let raised = |fee: u128| fee.saturating_add(fee.saturating_mul(u128::from(bump)) / 100);
        self.max_fee() > old.max_fee()
            && self.max_fee() >= raised(old.max_fee())
            && self.max_tip() >= raised(old.max_tip())
    }
}
