//! Tests of the SDK against a real L1 client (anvil).

mod anvil;
mod deploy;
mod withdrawals;
