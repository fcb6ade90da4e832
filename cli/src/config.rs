//! `trestle config show`: what a role would run with, and where each setting comes from.
//!
//! `main` answers it before the arguments become values, while their sources are still known; see `settings.rs`.

use clap::Subcommand;
use eyre::bail;

use crate::settings::RoleArgs;

/// Show the settings that a role would run with, each with its source.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print them as a file of settings (TOML); keys are never printed.
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    #[command(subcommand)]
    role: RoleArgs,
}

/// Never reached: the answer is given while the arguments are read.
///
/// # Errors
/// Always.
pub(crate) fn run(args: &Args) -> eyre::Result<()> {
    let Command::Show(show) = &args.command;
    bail!("internal: settings were not shown: {:?}", show.role)
}
