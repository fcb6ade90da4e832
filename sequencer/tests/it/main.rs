//! Tests of the node's parts against a real L1 client.

#[cfg(test)]
mod batcher;
#[cfg(test)]
mod l1_reader;
#[cfg(test)]
mod l1_sender;
#[cfg(test)]
mod model;
