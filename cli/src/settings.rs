//! Where a role's settings come from: flag, environment, file, default, in this order.
//!
//! Every option of `sequencer`, `replica` and `challenger` is also an environment variable and a key of the TOML
//! file that `--config` names. What is in the file and neither in a flag nor in the environment is put behind the
//! arguments, so that one parser reads and checks all sources and how they go together; `trestle config show` tells for
//! each value which source it came from. Secrets are in none of them: only where a secret is.

mod file;
mod show;

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Arg, ArgMatches, Command, CommandFactory, FromArgMatches, builder::OsStr, parser::ValueSource,
};
use eyre::eyre;

use file::SettingsFile;

use crate::{challenger, node};

/// Subcommands whose settings may come from a file.
const ROLES: [&str; 3] = ["challenger", "replica", "sequencer"];
/// Options that no file and no variable sets.
const ARGUMENTS_ONLY: [&str; 3] = ["config", "help", "version"];
/// Options of every command that the file may set too.
const GLOBAL: [&str; 2] = ["log-format", "log-level"];

/// The file with a role's settings.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigArgs {
    /// File with settings (TOML): a key for each option, as in `rpc-port = 9545`. Options and environment variables
    /// override it.
    #[arg(long, value_name = "FILE", env = "TRESTLE_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

/// A role with the options it would run with; each variant is documented on its arguments.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RoleArgs {
    Challenger(Box<challenger::Args>),
    Replica(Box<node::ReplicaArgs>),
    Sequencer(Box<node::SequencerArgs>),
}

/// What the arguments ask for.
pub(crate) enum Parsed<T> {
    /// To run.
    Run(T),
    /// To show this text, what `trestle config show` prints.
    Show(String),
}

/// Why arguments are not accepted.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The parser says so, or shows help.
    Usage(clap::Error),
    /// The file does not serve.
    File(eyre::Report),
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<eyre::Report> for Refusal {
    fn from(error: eyre::Report) -> Self {
        Self::File(error)
    }
}

/// Reads arguments, environment and file.
///
/// # Errors
/// [`Refusal`].
pub(crate) fn parse<T: CommandFactory + FromArgMatches>(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<T>, Refusal> {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    let mut command = with_variables(T::command());
    let mut file = None;
    if let Some(asked) = asked(&command, &arguments) {
        let role = role_of(&command, asked.role)?;
        let mut read = SettingsFile::read(&asked.file, &role)?;
        read.give_way(&role, &asked.given);
        arguments.extend(read.arguments(&role));
        file = Some(read);
    }
    // Showing is possible before everything is set.
    command = command.mut_subcommand("config", |config| each_role(config, lenient));
    let matches = command.clone().try_get_matches_from(&arguments)?;
    match shown(&matches) {
        Some((role, settings)) => {
            let of_role = role_of(&command, role)?;
            let options = of_role.get_arguments().chain(global(&command));
            Ok(Parsed::Show(show::settings(
                role,
                options,
                settings,
                file.as_ref(),
            )))
        }
        None => Ok(Parsed::Run(T::from_arg_matches(&matches)?)),
    }
}

/// Those among `command`'s own options.
fn global(command: &Command) -> impl Iterator<Item = &Arg> {
    let is_global = |arg: &&Arg| arg.get_long().is_some_and(|long| GLOBAL.contains(&long));
    command.get_arguments().filter(is_global)
}

/// `command` with its own subcommands of the roles, and those of `config show` and `doctor`, changed.
fn each_role(command: Command, change: impl Fn(Command) -> Command + Copy) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|inner| inner.get_name().to_owned())
        .collect();
    names.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |inner| match name.as_str() {
            role if ROLES.contains(&role) => change(inner),
            "config" | "doctor" | "show" => each_role(inner, change),
            _ => inner,
        })
    })
}

/// Gives every option of the roles an environment variable.
fn with_variables(command: Command) -> Command {
    each_role(command, |role| {
        role.mut_args(|arg| match (arg.get_long(), arg.get_env()) {
            (Some(long), None) if !ARGUMENTS_ONLY.contains(&long) => {
                let name = format!("TRESTLE_{}", long.replace('-', "_").to_uppercase());
                arg.env(OsStr::from(name)).hide_env_values(true)
            }
            _ => arg,
        })
    })
}

/// A role that misses nothing.
fn lenient(role: Command) -> Command {
    role.mut_args(|arg| arg.required(false))
}

/// What the arguments and the environment say before the file is read.
struct Asked {
    role: &'static str,
    file: PathBuf,
    /// Options that one of the two sets.
    given: Vec<String>,
}

/// What is asked for, if a file is named.
fn asked(command: &Command, arguments: &[OsString]) -> Option<Asked> {
    let lenient = each_role(command.clone(), lenient).ignore_errors(true);
    let matches = lenient.try_get_matches_from(arguments).ok()?;
    let (role, settings) = role_in(&matches)?;
    let file = settings.try_get_one::<PathBuf>("config").ok()??.clone();
    let is_given = |arg: &&Arg| {
        let source = settings.value_source(arg.get_id().as_str());
        matches!(
            source,
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        )
    };
    let of_role = role_of(command, role).ok()?;
    let options = of_role.get_arguments().chain(global(command));
    let given = options.filter(is_given);
    let given = given.filter_map(Arg::get_long).map(str::to_owned).collect();
    Some(Asked { role, file, given })
}

/// The role among the subcommands, directly or behind `config show` or `doctor`.
fn role_in(matches: &ArgMatches) -> Option<(&'static str, &ArgMatches)> {
    let (name, inner) = matches.subcommand()?;
    match ROLES.iter().find(|role| **role == name) {
        Some(role) => Some((role, inner)),
        None if ["config", "doctor", "show"].contains(&name) => role_in(inner),
        None => None,
    }
}

/// The role that is to be shown.
fn shown(matches: &ArgMatches) -> Option<(&'static str, &ArgMatches)> {
    matches
        .subcommand_matches("config")
        .and_then(|config| role_in(config))
}

fn role_of(command: &Command, role: &str) -> eyre::Result<Command> {
    let found = command.find_subcommand(role);
    found
        .cloned()
        .ok_or_else(|| eyre!("no settings for {role}"))
}

#[cfg(test)]
mod services;
#[cfg(test)]
mod tests;
