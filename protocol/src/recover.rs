//! Signature recovery: the one function for transactions, authorisations and the EVM's precompile.
//!
//! The curve arithmetic is revm's crypto provider, which each binary chooses (a C library in the
//! node, a native call in the guest); the checks around it are here. Source: EIP-2, EIP-2718,
//! EIP-7702; `SPEC.md`, section 5.5.

use crate::SkipReason;
use alloc::vec::Vec;
use alloy_eips::eip7702::{RecoveredAuthority, RecoveredAuthorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Signature, U256, uint};
use op_alloy_consensus::OpTxEnvelope;
use revm::precompile::crypto;

/// Half the order of the curve, rounded down (EIP-2).
const HALF_ORDER: U256 =
    uint!(0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0_U256);

/// Address that signed `hash`, by value of the signature.
///
/// # Errors
/// [`SkipReason::HighS`] above half the order, [`SkipReason::Signature`] where nobody signed.
pub fn recover_address(hash: B256, signature: &Signature) -> Result<Address, SkipReason> {
    if signature.s() > HALF_ORDER {
        return Err(SkipReason::HighS);
    }
    let mut rs = [0u8; 64];
    let (r, s) = rs.split_at_mut(32);
    r.copy_from_slice(&signature.r().to_be_bytes::<32>());
    s.copy_from_slice(&signature.s().to_be_bytes::<32>());
    let word = crypto()
        .secp256k1_ecrecover(&rs, u8::from(signature.v()), &hash.0)
        .map_err(|_| SkipReason::Signature)?;
    Ok(Address::from_word(B256::from(word)))
}

/// Sender of a user transaction.
///
/// # Errors
/// [`SkipReason::Type`] for types that users cannot send; those of [`recover_address`].
pub fn recover_sender(tx: &OpTxEnvelope) -> Result<Address, SkipReason> {
    let (hash, signature) = match tx {
        OpTxEnvelope::Legacy(tx) => (tx.signature_hash(), tx.signature()),
        OpTxEnvelope::Eip2930(tx) => (tx.signature_hash(), tx.signature()),
        OpTxEnvelope::Eip1559(tx) => (tx.signature_hash(), tx.signature()),
        OpTxEnvelope::Eip7702(tx) => (tx.signature_hash(), tx.signature()),
        _ => return Err(SkipReason::Type),
    };
    recover_address(hash, signature)
}

/// Authorisations with their signers; an invalid one stays in the list, without a signer.
pub(crate) fn recover_authorizations(list: &[SignedAuthorization]) -> Vec<RecoveredAuthorization> {
    let recover = |signed: &SignedAuthorization| {
        let authority = signed
            .signature()
            .ok()
            .and_then(|signature| recover_address(signed.signature_hash(), &signature).ok())
            .map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
        RecoveredAuthorization::new_unchecked(signed.inner().clone(), authority)
    };
    list.iter().map(recover).collect()
}
