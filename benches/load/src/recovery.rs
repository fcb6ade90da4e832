//! The limit that signatures set: what a machine could take if a transaction cost nothing but its recovery.

use std::time::{Duration, Instant};

use alloy::primitives::{B256, keccak256};
use alloy::signers::{SignerSync, local::PrivateKeySigner};
use eyre::ensure;
use trestle_protocol::recover_address;

/// Signatures that are recovered.
const SIGNATURES: usize = 2_000;

/// Time of one recovery on one core, by the function that the chain's rules name.
///
/// # Errors
/// When a signer is not found again.
pub(crate) fn measure() -> eyre::Result<Duration> {
    let key = PrivateKeySigner::from_bytes(&keccak256("trestle load recovery"))?;
    let signed: Vec<_> = (0..SIGNATURES)
        .map(|number| {
            let hash = B256::left_padding_from(&number.to_be_bytes());
            Ok((hash, key.sign_hash_sync(&hash)?))
        })
        .collect::<eyre::Result<_>>()?;
    let begun = Instant::now();
    for (hash, signature) in &signed {
        ensure!(
            recover_address(*hash, signature)? == key.address(),
            "another signer"
        );
    }
    Ok(begun.elapsed() / u32::try_from(SIGNATURES)?)
}
