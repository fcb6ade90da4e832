//! The `trestle` command: one subcommand per role, each in a file of its own.
//!
//! Parses arguments, sets up logging, TLS and signals, and hands over to the libraries; no rule of
//! the chain is decided here. Standard output carries only what a command was asked to print, logs
//! and progress go to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage.

#[macro_use]
mod output;

mod account;
mod allocator;
mod archive;
mod blobs;
mod challenger;
mod config;
mod deploy;
mod dev;
mod dispute;
mod doctor;
mod exit;
mod health;
mod image;
mod key;
mod liar;
mod logging;
mod node;
mod operator;
mod process;
mod prove;
mod recover;
mod settings;
mod shutdown;
mod snapshot;
mod tools;
mod transfer;
mod upgrade;
mod verify;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use settings::{Parsed, Refusal};

/// An optimistic rollup in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "trestle",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    logging: logging::Options,
    #[command(subcommand)]
    command: Command,
}

/// The roles. Each variant is documented on its arguments.
#[derive(Debug, Subcommand)]
enum Command {
    Archive(Box<archive::Args>),
    Challenger(Box<challenger::Args>),
    Config(config::Args),
    Claim(Box<transfer::claim::Args>),
    Deploy(Box<deploy::Args>),
    Deposit(Box<transfer::deposit::Args>),
    Dispute(dispute::Args),
    Dev(dev::Args),
    Doctor(doctor::Args),
    Exit(Box<exit::Args>),
    Force(Box<transfer::force::Args>),
    Image(image::Args),
    #[command(hide = true)]
    Liar(Box<liar::Args>),
    Operator(Box<operator::Args>),
    Prove(Box<prove::Args>),
    Recover(recover::Args),
    Replica(Box<node::ReplicaArgs>),
    Sequencer(Box<node::SequencerArgs>),
    Snapshot(Box<snapshot::Args>),
    Transfers(Box<transfer::list::Args>),
    Upgrade(Box<upgrade::Args>),
    Verify(verify::Args),
    Vm(vm::Args),
    Withdraw(Box<transfer::withdraw::Args>),
}

impl Command {
    /// Runs the role until it is done or told to stop.
    async fn run(self) -> eyre::Result<()> {
        match self {
            Self::Archive(args) => archive::run(*args).await,
            Self::Challenger(args) => challenger::run(*args).await,
            Self::Config(args) => config::run(&args),
            Self::Recover(args) => recover::run(args).await,
            Self::Upgrade(args) => upgrade::run(*args).await,
            Self::Verify(args) => verify::run(args).await,
            Self::Liar(args) => liar::run(*args).await,
            Self::Dispute(args) => dispute::run(args).await,
            Self::Claim(args) => transfer::claim::run(*args).await,
            Self::Deploy(args) => deploy::run(*args).await,
            Self::Deposit(args) => transfer::deposit::run(*args).await,
            Self::Exit(args) => exit::run(*args).await,
            Self::Force(args) => transfer::force::run(*args).await,
            Self::Transfers(args) => transfer::list::run(*args).await,
            Self::Withdraw(args) => transfer::withdraw::run(*args).await,
            Self::Dev(args) => dev::run(args).await,
            Self::Snapshot(args) => snapshot::run(*args).await,
            Self::Doctor(args) => doctor::run(args).await,
            Self::Image(args) => image::run(&args),
            Self::Operator(args) => operator::run(*args).await,
            Self::Prove(args) => prove::run(*args).await,
            Self::Replica(args) => node::replica(*args).await,
            Self::Sequencer(args) => node::sequencer(*args).await,
            Self::Vm(args) => match vm::run(args)? {
                0 => Ok(()),
                // A program's own exit code, which `ExitCode` of a role has no room for.
                code => std::process::exit(code.into()),
            },
        }
    }
}

fn main() -> ExitCode {
    allocator::keep();
    let cli = match settings::parse::<Cli>(std::env::args_os()) {
        Ok(Parsed::Run(cli)) => cli,
        Ok(Parsed::Show(text)) => {
            print!("{text}");
            return end(Ok(()));
        }
        Err(Refusal::Usage(error)) => error.exit(),
        Err(Refusal::File(error)) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    cli.logging.install();
    // Two providers of TLS get in by way of dependencies; one has to be named before the first use.
    // An error says that one is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    end(run(cli.command))
}

/// The last word, and the exit code.
fn end(result: eyre::Result<()>) -> ExitCode {
    let unsaid = output::failure().map(|error| format!("cannot write to standard output: {error}"));
    let failed = result.err().map(|error| format!("{error:#}"));
    let errors: Vec<_> = failed.into_iter().chain(unsaid).collect();
    for error in &errors {
        eprintln!("error: {error}");
    }
    match errors.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn run(command: Command) -> eyre::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(command.run());
    // A blocking task that does not end must not hold the exit: what has to be on disk is flushed
    // by the role itself before it returns.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    result
}
