//! Logs: to standard error, as text or as one JSON object per line.
//!
//! Called once by `main`. Logs carry fields; secrets never reach them.

use std::io::{IsTerminal, stderr};

use clap::{Args, ValueEnum};
use tracing_subscriber::{EnvFilter, fmt};

/// How logs are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// Logging, the same for every subcommand.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Form of the log lines on standard error.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        env = "TRESTLE_LOG_FORMAT"
    )]
    log_format: Format,
    /// What is logged: a level (error, warn, info, debug, trace) or a filter such as
    /// `info,trestle_sequencer=debug`.
    #[arg(long, global = true, default_value = "info", env = "RUST_LOG")]
    log_level: String,
}

impl Options {
    /// Installs the subscriber of the process. A filter that does not parse counts as `info`.
    pub(crate) fn install(&self) {
        let filter = EnvFilter::try_new(&self.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
        // Told of an error, the subscriber would panic where nobody reads standard error any more.
        let builder = fmt()
            .with_env_filter(filter)
            .with_writer(stderr)
            .log_internal_errors(false);
        // A second installation can only fail because one is there, which is what is wanted.
        let _ = match self.log_format {
            Format::Text => builder.with_ansi(stderr().is_terminal()).try_init(),
            Format::Json => builder.json().flatten_event(true).try_init(),
        };
    }
}
