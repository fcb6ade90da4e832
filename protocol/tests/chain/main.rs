//! Blocks, derivation and the transition, over a small chain in memory.

mod derivation;
mod execution;
mod skips;
mod transition;
mod world;
