//! Tests of the store as a whole, over a toy trie and a naive model of the chain.

mod basic;
mod chain;
