//! Where the key of one of the node's L1 accounts is: the same options for each of them, under its own names.
//!
//! A key is in a file or a keystore, in the environment, or with a remote signer; never on the command line, where
//! every process could read it, and never in the file of settings.

use std::{marker::PhantomData, path::PathBuf};

use alloy::{primitives::Address, transports::http::reqwest::Url};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};
use trestle_sequencer::l1::{KeySource, PasswordSource};

/// An account and the names of its options.
pub(crate) trait Account: Send + Sync + Clone + std::fmt::Debug + 'static {
    /// What the account is, in words.
    const WHOSE: &'static str;
    /// Option with the file.
    const KEY_FILE: &'static str;
    /// Option with the file of the keystore's password.
    const PASSWORD_FILE: &'static str;
    /// Option with the address of a remote signer, where the account may have one.
    const SIGNER: Option<&'static str>;
    /// Option with the account's address at the remote signer.
    const ADDRESS: &'static str;
    /// Environment variable with the key.
    const KEY_VARIABLE: &'static str;
    /// Environment variable with the keystore's password.
    const PASSWORD_VARIABLE: &'static str;
    /// What becomes of a node without the key.
    const WITHOUT: &'static str;
}

/// Environment variables that hold secrets.
pub(crate) const VARIABLES: [&str; 8] = [
    Batcher::KEY_VARIABLE,
    Batcher::PASSWORD_VARIABLE,
    Proposer::KEY_VARIABLE,
    Proposer::PASSWORD_VARIABLE,
    Feed::KEY_VARIABLE,
    Feed::PASSWORD_VARIABLE,
    Challenger::KEY_VARIABLE,
    Challenger::PASSWORD_VARIABLE,
];

/// Who appends batches.
#[derive(Debug, Clone)]
pub(crate) struct Batcher;
/// Who proposes output roots.
#[derive(Debug, Clone)]
pub(crate) struct Proposer;
/// Who signs the block feed.
#[derive(Debug, Clone)]
pub(crate) struct Feed;
/// Who plays against false claims.
#[derive(Debug, Clone)]
pub(crate) struct Challenger;

impl Account for Batcher {
    const WHOSE: &'static str = "the batcher";
    const KEY_FILE: &'static str = "batcher-key-file";
    const PASSWORD_FILE: &'static str = "batcher-password-file";
    const SIGNER: Option<&'static str> = Some("batcher-signer");
    const ADDRESS: &'static str = "batcher-address";
    const KEY_VARIABLE: &'static str = "TRESTLE_BATCHER_KEY";
    const PASSWORD_VARIABLE: &'static str = "TRESTLE_BATCHER_PASSWORD";
    const WITHOUT: &'static str = "Without a key nothing is posted";
}

impl Account for Proposer {
    const WHOSE: &'static str = "the proposer";
    const KEY_FILE: &'static str = "proposer-key-file";
    const PASSWORD_FILE: &'static str = "proposer-password-file";
    const SIGNER: Option<&'static str> = Some("proposer-signer");
    const ADDRESS: &'static str = "proposer-address";
    const KEY_VARIABLE: &'static str = "TRESTLE_PROPOSER_KEY";
    const PASSWORD_VARIABLE: &'static str = "TRESTLE_PROPOSER_PASSWORD";
    const WITHOUT: &'static str = "Without a key no output root is proposed";
}

impl Account for Feed {
    const WHOSE: &'static str = "whoever signs the block feed";
    const KEY_FILE: &'static str = "feed-key-file";
    const PASSWORD_FILE: &'static str = "feed-password-file";
    const SIGNER: Option<&'static str> = None;
    const ADDRESS: &'static str = "feed-address";
    const KEY_VARIABLE: &'static str = "TRESTLE_FEED_KEY";
    const PASSWORD_VARIABLE: &'static str = "TRESTLE_FEED_PASSWORD";
    const WITHOUT: &'static str =
        "Without a key the batcher's signs, and there is no feed if that is with a remote signer";
}

impl Account for Challenger {
    const WHOSE: &'static str = "the challenger";
    const KEY_FILE: &'static str = "key-file";
    const PASSWORD_FILE: &'static str = "password-file";
    const SIGNER: Option<&'static str> = Some("signer");
    const ADDRESS: &'static str = "address";
    const KEY_VARIABLE: &'static str = "TRESTLE_CHALLENGER_KEY";
    const PASSWORD_VARIABLE: &'static str = "TRESTLE_CHALLENGER_PASSWORD";
    const WITHOUT: &'static str = "Only --watch and --dry-run need no key";
}

/// Where the key of an account is, as the arguments say.
#[derive(Debug, Clone)]
pub(crate) struct AccountArgs<A> {
    file: Option<PathBuf>,
    password: Option<PathBuf>,
    signer: Option<Url>,
    address: Option<Address>,
    account: PhantomData<A>,
}

impl<A: Account> AccountArgs<A> {
    /// The place of the key: what an option names, else the environment variable if it is set.
    pub(crate) fn source(&self) -> Option<KeySource> {
        if let (Some(url), Some(account)) = (&self.signer, self.address) {
            let url = url.clone();
            return Some(KeySource::Remote { url, account });
        }
        match (&self.file, &self.password) {
            (Some(path), Some(password)) => Some(KeySource::Keystore {
                path: path.clone(),
                password: PasswordSource::File(password.clone()),
            }),
            (Some(path), None) if is_set(A::PASSWORD_VARIABLE) => Some(KeySource::Keystore {
                path: path.clone(),
                password: PasswordSource::Env(A::PASSWORD_VARIABLE.into()),
            }),
            (Some(path), None) => Some(KeySource::File(path.clone())),
            (None, _) if is_set(A::KEY_VARIABLE) => Some(KeySource::Env(A::KEY_VARIABLE.into())),
            (None, _) => None,
        }
    }

    fn file_options() -> [Arg; 2] {
        let (whose, variable, without) = (A::WHOSE, A::KEY_VARIABLE, A::WITHOUT);
        let key = format!(
            "File with the key of {whose} in hexadecimal, or an encrypted keystore of it; else the environment \
             variable {variable}. {without}"
        );
        let password = format!(
            "File whose first line is the password of the keystore; else the environment variable {}",
            A::PASSWORD_VARIABLE
        );
        let password = file_option(A::PASSWORD_FILE, password).requires(A::KEY_FILE);
        let password = match A::SIGNER {
            Some(signer) => password.conflicts_with(signer),
            None => password,
        };
        [file_option(A::KEY_FILE, key), password]
    }

    fn signer_options(signer: &'static str) -> [Arg; 2] {
        let help = format!(
            "Remote signer that holds the key of {}: JSON-RPC with eth_signTransaction, as Web3Signer and Clef \
             have it",
            A::WHOSE
        );
        let address = format!("Account of {} at the remote signer", A::WHOSE);
        [
            Arg::new(signer)
                .long(signer)
                .value_name("URL")
                .value_parser(value_parser!(Url))
                .conflicts_with(A::KEY_FILE)
                .requires(A::ADDRESS)
                .help(help),
            Arg::new(A::ADDRESS)
                .long(A::ADDRESS)
                .value_name("ADDRESS")
                .value_parser(value_parser!(Address))
                .conflicts_with(A::KEY_FILE)
                .requires(signer)
                .help(address),
        ]
    }
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

fn file_option(name: &'static str, help: String) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(help)
}

impl<A: Account> FromArgMatches for AccountArgs<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            file: matches.get_one(A::KEY_FILE).cloned(),
            password: matches.get_one(A::PASSWORD_FILE).cloned(),
            signer: A::SIGNER.and_then(|signer| matches.get_one(signer).cloned()),
            address: A::SIGNER.and_then(|_| matches.get_one(A::ADDRESS).copied()),
            account: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<A: Account> Args for AccountArgs<A> {
    fn augment_args(command: Command) -> Command {
        let command = command.args(Self::file_options());
        match A::SIGNER {
            Some(signer) => command.args(Self::signer_options(signer)),
            None => command,
        }
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
