//! The sender's key: read from a file, a keystore or the environment, and never shown.
//!
//! Keys do not come from the command line, where every process of the machine could read them.

use super::remote::RemoteSigner;
use alloy::{
    consensus::{SignableTransaction, TxEnvelope, TypedTransaction},
    eips::eip2718::Encodable2718,
    primitives::{Address, B256, Bytes, Signature},
    signers::{SignerSync, local::PrivateKeySigner},
    transports::http::reqwest::Url,
};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// Where a private key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file that holds the key as 32 bytes of hex, with or without `0x`.
    File(PathBuf),
    /// An environment variable of this name, holding the same. Other processes of the same user can
    /// read it: meant for development.
    Env(String),
    /// An encrypted keystore (Web3 Secret Storage, version 3) and where its password is.
    Keystore {
        /// The keystore.
        path: PathBuf,
        /// Its password.
        password: PasswordSource,
    },
    /// A remote signer that is asked with `eth_signTransaction`.
    Remote {
        /// Its JSON-RPC.
        url: Url,
        /// The account there.
        account: Address,
    },
}

/// Where the password of a keystore is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable of this name.
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
    /// The keystore could not be opened with the password given.
    #[error("keystore {path} cannot be opened with this password, or is none")]
    Keystore {
        /// The keystore.
        path: PathBuf,
    },
    /// What was read is a keystore, and no password is named for it.
    #[error("{path} is an encrypted keystore: name the file of its password too")]
    NoPassword {
        /// The keystore.
        path: PathBuf,
    },
    /// The transaction could not be signed.
    #[error("transaction could not be signed")]
    Refused,
    /// The remote signer cannot be asked, or refuses.
    #[error("{reason}")]
    Remote {
        /// What it said.
        reason: String,
    },
    /// The remote signer gave something else than the transaction, signed by the account.
    #[error("remote signer gave another transaction than it was asked to sign")]
    RemoteLied,
}

/// A key that signs L1 transactions; `Debug` shows its address alone.
#[derive(Clone)]
pub struct L1Signer(Holder);

/// Who holds the key.
#[derive(Clone)]
enum Holder {
    Process(PrivateKeySigner),
    Remote(RemoteSigner),
}

impl fmt::Debug for L1Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("L1Signer").field(&self.address()).finish()
    }
}

impl From<PrivateKeySigner> for L1Signer {
    fn from(signer: PrivateKeySigner) -> Self {
        Self(Holder::Process(signer))
    }
}

impl L1Signer {
    /// The account.
    #[must_use]
    pub const fn address(&self) -> Address {
        match &self.0 {
            Holder::Process(signer) => signer.address(),
            Holder::Remote(signer) => signer.account(),
        }
    }

    /// Whether the key is with another program, which signs transactions only.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        matches!(self.0, Holder::Remote(_))
    }

    /// Signs a hash that is bound to its purpose.
    ///
    /// # Errors
    /// [`SignerError::Refused`] when the key cannot sign, or is with a remote signer.
    pub(crate) fn sign_hash(&self, hash: &B256) -> Result<Signature, SignerError> {
        match &self.0 {
            Holder::Process(signer) => signer
                .sign_hash_sync(hash)
                .map_err(|_| SignerError::Refused),
            Holder::Remote(_) => Err(SignerError::Refused),
        }
    }

    /// Signs a transaction.
    pub(super) async fn sign(&self, tx: TypedTransaction) -> Result<TxEnvelope, SignerError> {
        match &self.0 {
            Holder::Process(signer) => {
                let hash = tx.signature_hash();
                let signature = signer
                    .sign_hash_sync(&hash)
                    .map_err(|_| SignerError::Refused)?;
                Ok(tx.into_envelope(signature))
            }
            Holder::Remote(signer) => signer.sign(&tx).await,
        }
    }
}

/// The bytes that L1 takes.
pub(super) fn encode(tx: &TxEnvelope) -> Bytes {
    tx.encoded_2718().into()
}

/// Reads the key at `source`. Opening a keystore takes about a second of work.
///
/// # Errors
/// Every [`SignerError`] but [`SignerError::Refused`].
pub fn load_signer(source: &KeySource) -> Result<L1Signer, SignerError> {
    match source {
        KeySource::File(path) => {
            warn_if_shared(path);
            let text = read_file(path)?;
            if text.trim_start().starts_with('{') {
                return Err(SignerError::NoPassword { path: path.clone() });
            }
            parse_key(&text, &path.display().to_string())
        }
        KeySource::Env(name) => {
            tracing::warn!(variable = name, "key comes from the environment");
            parse_key(&read_variable(name)?, name)
        }
        KeySource::Keystore { path, password } => {
            let text = match password {
                PasswordSource::File(file) => read_file(file)?,
                PasswordSource::Env(name) => read_variable(name)?,
            };
            warn_if_shared(path);
            let password = text.lines().next().unwrap_or_default();
            PrivateKeySigner::decrypt_keystore(path, password)
                .map(L1Signer::from)
                .map_err(|_| SignerError::Keystore { path: path.clone() })
        }
        KeySource::Remote { url, account } => {
            let signer = RemoteSigner::new(url.clone(), *account);
            Ok(L1Signer(Holder::Remote(signer)))
        }
    }
}

fn parse_key(text: &str, from: &str) -> Result<L1Signer, SignerError> {
    let key = text.trim().parse::<PrivateKeySigner>();
    key.map(L1Signer::from)
        .map_err(|_| SignerError::NotAKey { from: from.into() })
}

fn read_file(path: &Path) -> Result<String, SignerError> {
    fs::read_to_string(path).map_err(|error| SignerError::File {
        path: path.into(),
        reason: error.kind().to_string(),
    })
}

fn read_variable(name: &str) -> Result<String, SignerError> {
    std::env::var(name).map_err(|_| SignerError::Env { name: name.into() })
}

/// Says so when others than the owner can read the key.
fn warn_if_shared(path: &Path) {
    #[cfg(unix)]
    if let Ok(meta) = fs::metadata(path) {
        use std::os::unix::fs::PermissionsExt;
        if meta.permissions().mode() & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "key file can be read by others: chmod 600");
        }
    }
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

    /// The example of the Web3 Secret Storage definition.
    #[test]
    fn keystore_opens_with_its_password_alone() {
        const KEYSTORE: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;
        let folder = tempfile::tempdir().unwrap();
        let (path, password) = (
            folder.path().join("key.json"),
            folder.path().join("password"),
        );
        fs::write(&path, KEYSTORE).unwrap();
        fs::write(&password, "testpassword\n").unwrap();
        let source = KeySource::Keystore {
            path: path.clone(),
            password: PasswordSource::File(password.clone()),
        };
        let key = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
        let expected = key.parse::<PrivateKeySigner>().unwrap().address();
        assert_eq!(load_signer(&source).unwrap().address(), expected);
        fs::write(&password, "another").unwrap();
        assert_eq!(
            load_signer(&source).unwrap_err(),
            SignerError::Keystore { path }
        );
    }
}
