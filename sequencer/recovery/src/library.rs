//! One recovery by libsecp256k1: the judge of the other way, and the way of every other processor.

use crate::Signature;
use alloy_primitives::Address;
use secp256k1::Message;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};

/// The address that signed.
pub(crate) fn recover(signature: &Signature) -> Option<[u8; 20]> {
    let mut compact = [0u8; 64];
    let (r, s) = compact.split_at_mut(32);
    r.copy_from_slice(&signature.r);
    s.copy_from_slice(&signature.s);
    let id = if signature.odd {
        RecoveryId::One
    } else {
        RecoveryId::Zero
    };
    let parsed = RecoverableSignature::from_compact(&compact, id).ok()?;
    let key = parsed.recover(Message::from_digest(signature.hash)).ok()?;
    // The first byte says that the point is uncompressed.
    let [_, point @ ..] = key.serialize_uncompressed();
    Some(address(&point))
}

/// The address of a public key, x and y big endian. Source: Yellow Paper, appendix F.
pub(crate) fn address(point: &[u8; 64]) -> [u8; 20] {
    Address::from_raw_public_key(point).into_array()
}
