//! The RPC over real sockets, on a real store with blocks that the protocol executed.

mod bed;
mod calls;
mod docs;
mod errors;
mod filters;
mod fuzz;
mod limits;
mod reorgs;
mod schema;
mod tools;
mod traces;
mod trestle;
mod wallet;
