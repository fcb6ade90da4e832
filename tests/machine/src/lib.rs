//! Judges of the machine: what tests need to set its executors against each other and against
//! programs that are not ours.
//!
//! ```text
//! generate (random programs, states at the edges) -> lockstep: interpreter = witness executor
//!                                                              = Solidity on revm (evm)
//! table (second decoder)   encode (instruction words)   elf (ELF files by hand)
//! ```

mod blob;
mod elf;
mod encode;
mod evm;
mod files;
mod gas;
mod generate;
mod lockstep;
mod random;
mod refusals;
mod scene;
mod signing;
mod table;
mod vectors;

pub use blob::{
    INDICES as BLOB_INDICES, VERSIONED_HASH, bytes as blob_bytes, commitment as blob_commitment,
    element as blob_element,
};
pub use elf::{ELF_CODE, ELF_DATA, elf};
pub use encode::{Format, encode, word};
pub use evm::{CallError, Outcome, StepVerifier, kzg, step_calldata};
pub use files::{refusals_json, selector, steps_json};
pub use gas::{StepGas, gas_json, step_gas};
pub use generate::{Case, case};
pub use lockstep::{
    Difference, Judges, Lockstep, MakeEngine, Mismatch, SeedError, Tally, Twin, run_seeds,
};
pub use random::Random;
pub use refusals::{Refusal, refusals};
pub use scene::{CODE, Scene, Vector, vector};
pub use signing::{negate, sign, sign_seeded};
pub use table::{ROWS, Row, Table};
pub use vectors::vectors;
