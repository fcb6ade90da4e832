//! The sender's key: read from a file, a keystore or the environment, and never shown.
//!
//! Keys do not come from the command line, where every process of the machine could read them.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Address, Bytes},
    signers::local::PrivateKeySigner,
};
use std::{fmt, fs, path::PathBuf};

/// Where a private key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file that holds the key as 32 bytes of hex, with or without `0x`.
    File(PathBuf),
    /// An environment variable of this name, holding the same.
    Env(String),
}

/// Why there is no usable key. Never quotes what was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// The key's file could not be read.
    #[error("key file {path} cannot be read: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Kind of the I/O error.
        reason: String,
    },
    /// The environment variable is not set.
    #[error("environment variable {name} with the key is not set")]
    Env {
        /// Its name.
        name: String,
    },
    /// What was read is no private key.
    #[error("{from} holds no private key of 32 bytes in hex")]
    NotAKey {
        /// The file or variable.
        from: String,
    },
    /// The transaction could not be signed.
    #[error("transaction could not be signed")]
    Refused,
}

/// A key that signs L1 transactions; `Debug` shows its address alone.
#[derive(Clone)]
pub struct L1Signer(PrivateKeySigner);

impl fmt::Debug for L1Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("L1Signer").field(&self.0.address()).finish()
    }
}

impl From<PrivateKeySigner> for L1Signer {
    fn from(signer: PrivateKeySigner) -> Self {
        Self(signer)
    }
}

impl L1Signer {
    /// The account.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.0.address()
    }

    pub(super) fn sign(&self, mut tx: TxEip1559) -> Result<TxEnvelope, SignerError> {
        let signature = self
            .0
            .sign_transaction_sync(&mut tx)
            .map_err(|_| SignerError::Refused)?;
        Ok(tx.into_signed(signature).into())
    }
}

/// The bytes that L1 takes.
pub(super) fn encode(tx: &TxEnvelope) -> Bytes {
    tx.encoded_2718().into()
}

/// Reads the key at `source`.
///
/// # Errors
/// [`SignerError::File`], [`SignerError::Env`], [`SignerError::NotAKey`].
pub fn load_signer(source: &KeySource) -> Result<L1Signer, SignerError> {
    let (text, from) = match source {
        KeySource::File(path) => {
            let read = fs::read_to_string(path).map_err(|error| SignerError::File {
                path: path.clone(),
                reason: error.kind().to_string(),
            })?;
            (read, path.display().to_string())
        }
        KeySource::Env(name) => {
            let value = std::env::var(name).map_err(|_| SignerError::Env { name: name.clone() })?;
            (value, name.clone())
        }
    };
    text.trim()
        .parse()
        .map(L1Signer)
        .map_err(|_| SignerError::NotAKey { from })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

    #[test]
    fn key_from_file_signs_and_is_never_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), format!("0x{CANARY}\n")).unwrap();
        let signer = load_signer(&KeySource::File(file.path().into())).unwrap();
        let expected: Address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
            .parse()
            .unwrap();
        assert_eq!(signer.address(), expected);
        assert!(!format!("{signer:?} {signer:#?}").contains(&CANARY[..16]));
    }

    #[test]
    fn file_without_key_is_refused_without_quoting_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), format!("{CANARY}00")).unwrap();
        let error = load_signer(&KeySource::File(file.path().into())).unwrap_err();
        assert!(matches!(error, SignerError::NotAKey { .. }));
        assert!(!format!("{error:?} {error}").contains(&CANARY[..16]));
    }
}
