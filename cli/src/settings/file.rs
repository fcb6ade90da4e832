//! The file with settings: which keys it may have, and what their values may be.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, Command, builder::ValueParser, error::ErrorKind};
use eyre::{WrapErr, bail, eyre};
use toml::{Table, Value};

use super::{ARGUMENTS_ONLY, GLOBAL, lenient};

/// Words in the names of things that belong into no file of settings.
const SECRET: [&str; 6] = [
    "key",
    "password",
    "passphrase",
    "mnemonic",
    "private",
    "secret",
];
/// Hexadecimal digits of a private key.
const KEY_DIGITS: usize = 64;

/// A file that was read and found in order.
#[derive(Debug)]
pub(crate) struct SettingsFile {
    path: PathBuf,
    /// What it sets and nothing stronger does.
    values: BTreeMap<String, Vec<String>>,
    /// What it sets and cannot be beside an option that is stronger, and that option.
    given_way: BTreeMap<String, String>,
}

impl SettingsFile {
    /// Reads the file at `path` for a role.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, holds a secret, or has a key or a value that the role does not know;
    /// the error names the file, the key and what is allowed.
    pub(super) fn read(path: &Path, role: &Command) -> eyre::Result<Self> {
        let shown = path.display();
        let text =
            fs::read_to_string(path).wrap_err_with(|| format!("cannot read the file {shown}"))?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            // The parser's own words quote the line, which may hold a secret.
            let line = error.span().map(|span| line_of(&text, span.start));
            let place = line.map_or_else(String::new, |line| format!(", line {line}"));
            eyre!("{shown}{place}: not TOML: {}", error.message())
        })?;
        let mut values = BTreeMap::new();
        for (key, value) in table {
            let read = read_key(role, &key, &value)
                .map_err(|error| eyre!("{shown}: key `{key}`: {error}"))?;
            values.insert(key, read);
        }
        Ok(Self {
            path: path.into(),
            values,
            given_way: BTreeMap::new(),
        })
    }

    /// Forgets what one of the options `given`, long names of flags and variables that are set, says better or excludes.
    pub(super) fn give_way(&mut self, role: &Command, given: &[String]) {
        self.values.retain(|key, _| !given.contains(key));
        for stronger in given {
            let excluded = |key: &String, _: &mut Vec<String>| excludes(role, stronger, key);
            for (key, _) in self.values.extract_if(.., excluded) {
                self.given_way.insert(key, stronger.clone());
            }
        }
    }

    /// What is left of the file, as arguments.
    pub(super) fn arguments(&self, role: &Command) -> impl Iterator<Item = OsString> {
        let switches: Vec<&str> = options(role)
            .filter(|arg| matches!(takes(arg), Takes::Boolean))
            .filter_map(Arg::get_long)
            .collect();
        self.values.iter().flat_map(move |(key, values)| {
            let is_switch = switches.contains(&key.as_str());
            let arguments = values.iter().filter_map(move |value| match is_switch {
                true => (value == "true").then(|| format!("--{key}")),
                false => Some(format!("--{key}={value}")),
            });
            arguments.map(OsString::from)
        })
    }

    /// The option for which the file's `key` does not count.
    pub(super) fn gives_way(&self, key: &str) -> Option<&str> {
        self.given_way.get(key).map(String::as_str)
    }

    /// What the file says about an option.
    pub(super) fn values(&self, key: &str) -> Option<&[String]> {
        self.values.get(key).map(Vec::as_slice)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Line of the byte at `at`, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The value of a key, as an argument would have it.
fn read_key(role: &Command, key: &str, value: &Value) -> eyre::Result<Vec<String>> {
    refuse_secret(key, value)?;
    if GLOBAL.contains(&key) {
        return match value {
            Value::String(text) => Ok(vec![text.clone()]),
            other => Err(eyre!("must be a string, is {}", kind_of(other))),
        };
    }
    let arg = options(role)
        .find(|arg| arg.get_long() == Some(key))
        .ok_or_else(|| unknown(role, key))?;
    let values = match (value, arg.get_action()) {
        (Value::Array(list), ArgAction::Append) => list
            .iter()
            .map(|item| read_value(arg, item))
            .collect::<eyre::Result<Vec<_>>>()?,
        (value, _) => vec![read_value(arg, value)?],
    };
    for value in &values {
        check(role, arg, value)?;
    }
    Ok(values)
}

/// Whether the options of these long names cannot be set together.
fn excludes(role: &Command, one: &str, other: &str) -> bool {
    let of = |long: &str| options(role).find(|arg| arg.get_long() == Some(long));
    let (Some(one), Some(other)) = (of(one), of(other)) else {
        return false;
    };
    role.get_arg_conflicts_with(one).contains(&other)
        || role.get_arg_conflicts_with(other).contains(&one)
}

/// Options that the file may set.
fn options(role: &Command) -> impl Iterator<Item = &Arg> {
    let may = |arg: &&Arg| {
        arg.get_long()
            .is_some_and(|long| !ARGUMENTS_ONLY.contains(&long))
    };
    role.get_arguments().filter(may)
}

fn refuse_secret(key: &str, value: &Value) -> eyre::Result<()> {
    // Words for a place of a secret end in what kind of place it is.
    let names_a_place = ["-file", "-url", "-keystore", "-signer"]
        .iter()
        .any(|end| key.ends_with(end));
    let lower = key.to_lowercase();
    if !names_a_place && lower.split(['-', '_']).any(|word| SECRET.contains(&word)) {
        bail!(
            "secrets do not belong into this file: name the file that holds it (`batcher-key-file`, `key-file`), or set the environment variable (TRESTLE_BATCHER_KEY)"
        );
    }
    let holds_key = |text: &str| {
        let digits = text.trim().trim_start_matches("0x");
        digits.len() == KEY_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_secret = match value {
        Value::String(text) => holds_key(text),
        Value::Array(list) => list.iter().any(|item| item.as_str().is_some_and(holds_key)),
        _ => false,
    };
    if is_secret {
        bail!("the value looks like a private key: name a file that holds it instead");
    }
    Ok(())
}

fn unknown(role: &Command, key: &str) -> eyre::Report {
    let mut allowed: Vec<&str> = options(role)
        .filter_map(Arg::get_long)
        .chain(GLOBAL)
        .collect();
    allowed.sort_unstable();
    let mut words = format!("{} has no such setting", role.get_name());
    if let Some(near) = allowed.iter().find(|name| name.replace('-', "_") == key) {
        let _ = write!(words, "; it is spelled `{near}`");
    }
    eyre!("{words}; allowed: {}", allowed.join(", "))
}

/// What an option takes.
enum Takes {
    Boolean,
    Number,
    Text,
}

fn takes(arg: &Arg) -> Takes {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return Takes::Boolean;
    }
    if is_number(arg.get_value_parser()) {
        Takes::Number
    } else {
        Takes::Text
    }
}

fn is_number(parser: &ValueParser) -> bool {
    use std::any::TypeId;
    let of = parser.type_id();
    [
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
        TypeId::of::<f64>(),
    ]
    .iter()
    .any(|number| of == *number)
}

fn read_value(arg: &Arg, value: &Value) -> eyre::Result<String> {
    match (takes(arg), value) {
        (Takes::Boolean, Value::Boolean(is_set)) => Ok(is_set.to_string()),
        (Takes::Number, Value::Integer(number)) => Ok(number.to_string()),
        (Takes::Number, Value::Float(number)) => Ok(number.to_string()),
        (Takes::Text, Value::String(text)) => Ok(text.clone()),
        (Takes::Boolean, other) => bail!("must be true or false, is {}", kind_of(other)),
        (Takes::Number, other) => bail!("must be a number, is {}", kind_of(other)),
        (Takes::Text, other) if matches!(arg.get_action(), ArgAction::Append) => {
            bail!(
                "must be a string or a list of strings, is {}",
                kind_of(other)
            )
        }
        (Takes::Text, other) => bail!("must be a string, is {}", kind_of(other)),
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// Lets the parser of the option judge the value.
fn check(role: &Command, arg: &Arg, value: &str) -> eyre::Result<()> {
    let Some(long) = arg.get_long() else {
        return Ok(());
    };
    let argument = match takes(arg) {
        Takes::Boolean => return Ok(()),
        Takes::Number | Takes::Text => format!("--{long}={value}"),
    };
    let role = lenient(role.clone())
        .mut_args(|arg| arg.env(clap::builder::Resettable::Reset))
        .no_binary_name(true);
    match role.try_get_matches_from([argument]) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidValue | ErrorKind::ValueValidation
            ) =>
        {
            let words = error.to_string();
            let first = words.lines().next().unwrap_or_default();
            bail!("{}", first.trim_start_matches("error: "))
        }
        _ => Ok(()),
    }
}
