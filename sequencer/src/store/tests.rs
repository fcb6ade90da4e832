//! Tests of the store as a whole, against a naive model of the chain.

mod basic;
pub(crate) mod chain;
mod crash;
mod crowd;
mod fault;
mod lag;
mod model;
mod open;
mod race;
