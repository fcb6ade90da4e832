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
    /// Accounts that it would delegate (EIP-7702), as far as their signatures recover.
    pub authorities: Vec<Address>,
}

impl PooledTransaction {
    /// Decodes one EIP-2718 encoding and recovers its sender.
    ///
    /// # Errors
    /// [`PoolError::Empty`], [`PoolError::Oversized`] past `max_bytes`,
    /// [`PoolError::TypeNotSupported`], [`PoolError::Decode`] and [`PoolError::Signature`].
    pub fn decode(encoded: Bytes, max_bytes: usize) -> Result<Self, PoolError> {
        Self::with_sender(decode_only(&encoded, max_bytes)?, encoded, None)
    }

    /// The same for several, each with its own answer; their signatures are recovered side by side.
    pub fn decode_all(encoded: Vec<Bytes>, max_bytes: usize) -> Vec<Result<Self, PoolError>> {
        let decoded: Vec<_> = encoded
            .iter()
            .map(|one| decode_only(one, max_bytes))
            .collect();
        let signatures: Vec<_> = decoded.iter().flatten().filter_map(signature).collect();
        let mut senders = trestle_recovery::recover(&signatures).into_iter();
        let finish = |(encoded, tx): (Bytes, Result<OpTxEnvelope, PoolError>)| {
            let tx = tx?;
            let has_one = signature(&tx).is_some();
            let sender = has_one.then(|| senders.next()).flatten().flatten();
            Self::with_sender(tx, encoded, sender.map(Address::from))
        };
        encoded.into_iter().zip(decoded).map(finish).collect()
    }

    /// `sender` is who signed, where that is known; otherwise the chain's rule says it, or what is wrong.
    fn with_sender(
        tx: OpTxEnvelope,
        encoded: Bytes,
        sender: Option<Address>,
    ) -> Result<Self, PoolError> {
        let recover = || recover_sender(&tx).map_err(|reason| refusal(reason, Some(&tx)));
        let sender = sender.map_or_else(recover, Ok)?;
        let cost = max_cost(&tx);
        let authorities = authorities(&tx);
        Ok(Self {
            tx,
            sender,
            encoded,
            cost,
            authorities,
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

    /// The tip that it pays at this base fee, in wei per gas; `None` if it does not pay the base fee.
    pub(super) fn tip_at(&self, base_fee: u128) -> Option<u128> {
        let room = self.max_fee().checked_sub(base_fee)?;
        Some(room.min(self.max_tip()))
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

fn decode_only(encoded: &Bytes, max_bytes: usize) -> Result<OpTxEnvelope, PoolError> {
    if encoded.is_empty() {
        return Err(PoolError::Empty);
    }
    if encoded.len() > max_bytes {
        return Err(PoolError::Oversized {
            size: encoded.len(),
            limit: max_bytes,
        });
    }
    decode_transaction(encoded).map_err(|reason| refusal(reason, None))
}

/// A signature that can be recovered beside others: of a type that users send, and with a low `s`. The rest is left to
/// the chain's rule, which knows what is wrong with it.
fn signature(tx: &OpTxEnvelope) -> Option<trestle_recovery::Signature> {
    let (hash, signature) = match tx {
        OpTxEnvelope::Legacy(tx) => (tx.signature_hash(), tx.signature()),
        OpTxEnvelope::Eip2930(tx) => (tx.signature_hash(), tx.signature()),
        OpTxEnvelope::Eip1559(tx) => (tx.signature_hash(), tx.signature()),
        OpTxEnvelope::Eip7702(tx) => (tx.signature_hash(), tx.signature()),
        _ => return None,
    };
    let is_low = signature.normalize_s().is_none();
    is_low.then(|| trestle_recovery::Signature {
        hash: hash.0,
        r: signature.r().to_be_bytes(),
        s: signature.s().to_be_bytes(),
        odd: signature.v(),
    })
}

fn authorities(tx: &OpTxEnvelope) -> Vec<Address> {
    let list = tx.authorization_list().unwrap_or_default();
    list.iter()
        .filter_map(|signed| signed.recover_authority().ok())
        .collect()
}
