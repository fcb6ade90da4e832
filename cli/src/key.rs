//! A user's key: from a file or the environment, never from the command line, where every process could read it.

use std::{fs, path::PathBuf};

use alloy::signers::local::PrivateKeySigner;
use eyre::{WrapErr, eyre};

/// Environment variable with a user's key.
const KEY_VARIABLE: &str = "TRESTLE_KEY";

/// Where the key is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KeyArgs {
    /// File with the account's key in hexadecimal; else the environment variable TRESTLE_KEY.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeyArgs {
    /// The account.
    ///
    /// # Errors
    /// When there is no key, without quoting what was read.
    pub(crate) fn signer(&self) -> eyre::Result<PrivateKeySigner> {
        let text = match &self.key_file {
            Some(path) => fs::read_to_string(path)
                .wrap_err_with(|| format!("cannot read the key file {}", path.display()))?,
            None => std::env::var(KEY_VARIABLE)
                .map_err(|_| eyre!("no key: give --key-file or set {KEY_VARIABLE}"))?,
        };
        // The error of the parser could quote the key.
        text.trim()
            .parse()
            .map_err(|_| eyre!("the account's key is not 32 bytes of hexadecimal"))
    }
}
