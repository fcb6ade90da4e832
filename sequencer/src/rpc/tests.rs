//! The RPC over real sockets, on a real store with blocks that the protocol executed.

pub(crate) mod bed;
mod calls;
mod cors;
mod cycles;
mod docs;
mod errors;
mod feed;
mod filters;
mod fuzz;
mod hostile;
mod limits;
mod preimages;
mod programs;
mod ranges;
mod reorgs;
mod socket;
mod tools;
mod traces;
mod trestle;
mod waits;
mod wallet;
