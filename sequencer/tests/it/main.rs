//! Tests of the node's parts against a real L1 client.

#[cfg(test)]
mod l1_sender;
