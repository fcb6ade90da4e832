//! How the program ends when there is no output.
//!
//! The machine shows the code; none of them proves an output. Spec: `SPEC.md`, section 9.

use core::error::Error;
use trestle_protocol::{ConfigError, InputError, TransitionError};

/// Exit code of a panic: a bug of the program.
pub const EXIT_PANIC: u64 = 1;
/// Exit code when input or configuration is malformed or unusable.
pub const EXIT_INPUT: u64 = 2;
/// Exit code when the transition has no result.
pub const EXIT_TRANSITION: u64 = 3;
/// Exit code when the heap is used up.
pub const EXIT_MEMORY: u64 = 4;

/// Why there is no output root.
#[derive(Debug, thiserror::Error)]
pub enum Failure<E: Error + Send + Sync + 'static> {
    /// The input is not 128 bytes long.
    #[error("the input is no input of a batch")]
    Input,
    /// The input or the configuration could not be had.
    #[error(transparent)]
    Preimage(#[from] InputError<E>),
    /// The configuration is malformed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The transition has no result.
    #[error(transparent)]
    Transition(#[from] TransitionError<E>),
}

impl<E: Error + Send + Sync + 'static> Failure<E> {
    /// Exit code of the program.
    #[must_use]
    pub const fn exit_code(&self) -> u64 {
        match self {
            Self::Input | Self::Preimage(_) | Self::Config(_) => EXIT_INPUT,
            Self::Transition(_) => EXIT_TRANSITION,
        }
    }
}
