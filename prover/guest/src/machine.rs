//! What the program needs of a machine without an operating system.
//!
//! The only place with `unsafe` in Trestle: system calls, the heap, the memory functions, seeds, and the
//! symbol by which a library asks for keccak.

pub(crate) mod calls;
pub(crate) mod crypto;
mod heap;
mod memory;
pub(crate) mod seed;
pub(crate) mod source;
