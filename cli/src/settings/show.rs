//! What `trestle config show` prints: a file of settings that would have the same effect, with the source of each
//! value behind it. No key is read, and what an endpoint's address may hold besides the host is left out.

use std::fmt::Write;

use alloy::transports::http::reqwest::Url;
use clap::{Arg, ArgAction, ArgMatches, parser::ValueSource};

use super::{ARGUMENTS_ONLY, SettingsFile};
use crate::account;

/// The settings of a role, one a line.
pub(super) fn settings<'a>(
    role: &str,
    options: impl Iterator<Item = &'a Arg>,
    matches: &ArgMatches,
    file: Option<&SettingsFile>,
) -> String {
    let mut text = format!("# {role}: flag > environment > file > default\n");
    if let Some(file) = file {
        let _ = writeln!(text, "# file: {}", file.path().display());
    }
    for arg in options {
        if let Some(long) = arg.get_long().filter(|long| !ARGUMENTS_ONLY.contains(long)) {
            text.push_str(&line(arg, long, matches, file));
        }
    }
    for variable in account::VARIABLES {
        if std::env::var_os(variable).is_some() {
            let _ = writeln!(text, "# {variable} is set in the environment; not shown");
        }
    }
    text
}

fn line(arg: &Arg, long: &str, matches: &ArgMatches, file: Option<&SettingsFile>) -> String {
    let id = arg.get_id().as_str();
    let values: Vec<String> = matches
        .get_raw(id)
        .into_iter()
        .flatten()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    if let Some(stronger) = file.and_then(|file| file.gives_way(long)) {
        return format!("# {long} of the file gives way to --{stronger}\n");
    }
    if values.is_empty() {
        return format!("# {long} is not set\n");
    }
    let is_of_file = file.is_some_and(|file| file.values(long).is_some());
    let source = match matches.value_source(id) {
        // What is left of the file is behind the arguments.
        Some(ValueSource::CommandLine) if is_of_file => "file".to_owned(),
        Some(ValueSource::CommandLine) => format!("flag --{long}"),
        Some(ValueSource::EnvVariable) => {
            let name = arg.get_env().unwrap_or_default().to_string_lossy();
            format!("environment {name}")
        }
        _ => "default".to_owned(),
    };
    format!("{long} = {}  # {source}\n", shown(arg, &values))
}

/// The values as TOML.
fn shown(arg: &Arg, values: &[String]) -> String {
    let one = |value: &String| {
        let is_bare =
            value.parse::<f64>().is_ok_and(f64::is_finite) || value == "true" || value == "false";
        match is_bare {
            true => value.clone(),
            false => toml::Value::String(without_secrets(value)).to_string(),
        }
    };
    let all: Vec<String> = values.iter().map(one).collect();
    match (arg.get_action(), all.as_slice()) {
        (ArgAction::Append, _) => format!("[{}]", all.join(", ")),
        (_, [only]) => only.clone(),
        _ => all.join(", "),
    }
}

/// An endpoint without user, path and query, where providers put keys; anything else as it is.
fn without_secrets(value: &str) -> String {
    let Ok(url) = Url::parse(value) else {
        return value.to_owned();
    };
    let Some(host) = url.host_str().filter(|_| value.contains("://")) else {
        return value.to_owned();
    };
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let has_more = !matches!(url.path(), "" | "/" | "/feed")
        || url.query().is_some()
        || !url.username().is_empty();
    let rest = match has_more {
        true => "/...",
        false => url.path().trim_end_matches('/'),
    };
    format!("{}://{host}{port}{rest}", url.scheme())
}
