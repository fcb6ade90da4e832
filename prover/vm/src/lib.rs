//! The machine that judges disputes: RV64IM with a Merkle memory and step witnesses.
//!
//! The challenger runs a guest in it, hashes its state at any step and proves any single step to the
//! L1 verifier. Knows nothing of rollups. Spec: `SPEC.md`, chapter "Machine".
//!
//! ```text
//! ELF -> Image -> Machine --run_until--> state hash, Snapshot, witness of the next step
//!                   |                                                     |
//!                 Engine (interpreter; a JIT later)          verify_step (twin of the L1 contract)
//! ```
#![cfg_attr(not(test), no_std)]
#![warn(clippy::arithmetic_side_effects, clippy::float_arithmetic)]

extern crate alloc;

mod alu;
mod calls;
mod checkpoints;
mod decode;
mod elf;
mod engine;
mod exit;
mod image;
mod interpreter;
mod machine;
mod memory;
mod native;
mod preimage;
mod snapshot;
mod state;
mod tree;
mod verify;
mod witness;

pub use calls::{CALL_ECRECOVER, CALL_HALT, CALL_KECCAK, CALL_READ_PAGE, CALL_READ_WORD};
pub use checkpoints::Checkpoints;
pub use decode::{Instruction, Op, decode};
pub use elf::ElfError;
pub use engine::{Engine, Hart, Registers};
pub use exit::{ExitCode, Trap};
pub use image::{CODE_DEPTH, IMAGE_LEN, Image, ImageHeader, MAX_CODE_LEN};
pub use interpreter::Interpreter;
pub use machine::{Machine, RunError, Stop};
pub use memory::{Memory, PAGE_LEN, Page};
pub use native::{ecrecover, keccak};
pub use preimage::{
    BLOB_LEN, BlobProof, KEY_BLOB, KEY_KECCAK, NoPreimages, PreimageKey, PreimageSource, Preimages,
};
pub use snapshot::Snapshot;
pub use state::{
    BOOT_LEN, STATE_LEN, State, StateError, boot_hash, input_hash, output_from_words, words_of,
};
pub use tree::{LEAF_LEN, MEMORY_DEPTH, leaf_hash, node_hash};
pub use verify::{PointEvaluation, WitnessError, brp_root, verify_step};
pub use witness::{LeafProof, PageProof, StepAccess, StepWitness};
