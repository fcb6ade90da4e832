//! Judges of the machine: what tests need to set its executors against each other and against
//! programs that are not ours.
//!
//! ```text
//! generate (random programs, states at the edges) -> lockstep: interpreter = witness executor
//!                                                              = Solidity on revm (evm)
//! table (second decoder)   encode (instruction words)   elf (ELF files by hand)
//! ```

mod encode;
mod evm;
mod generate;
mod lockstep;
mod random;
mod table;

pub use encode::{Format, encode};
pub use evm::{CallError, Outcome, StepVerifier, kzg, step_calldata};
pub use generate::{Case, case};
pub use lockstep::{Difference, Lockstep, Mismatch, Tally};
pub use random::Random;
pub use table::{ROWS, Row, Table};
