//! Keccak-256 of many byte strings at a time.
//!
//! A block changes thousands of trie nodes, and hashing them is most of what its state root costs.
//! This crate exists because eight permutations side by side on AVX-512 cost little more than one,
//! and because that needs the one kind of unsafe code which the node is otherwise free of: it is
//! kept in here, under a safe function.
//!
//! ```text
//! keccak256_many ─► lanes (eight inputs under way, each its own length) ─► hashes in order
//!    │                └─ last few ─┐
//!    └─► one by one (no AVX-512) ◄─┘
//! ```
//!
//! Both ways give the same answers, those of [`alloy_primitives::keccak256`]. Source: FIPS 202,
//! section 3, with the padding of the original submission (domain byte 1), as Ethereum has it.

#[cfg_attr(not(target_arch = "x86_64"), path = "absent.rs")]
mod lanes;

use alloy_primitives::{B256, keccak256};
use lanes::Available;

/// How to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Eight at a time, where the processor can; one at a time where it cannot.
    Lanes,
    /// One at a time, by [`keccak256`].
    OneByOne,
}

impl Method {
    /// The faster one of those that this processor has.
    #[must_use]
    pub fn fastest() -> Self {
        Available::detect().map_or(Self::OneByOne, |_| Self::Lanes)
    }
}

/// The hash of each input, in order.
///
/// The work is done on the calling thread. Inputs may have any lengths, equal or not. A batch of
/// eight or more is what makes this worth calling.
///
/// ```
/// use alloy_primitives::keccak256;
/// use trestle_keccak::keccak256_many;
///
/// let hashes = keccak256_many(&[b"one", b"another"]);
/// assert_eq!(hashes, [keccak256("one"), keccak256("another")]);
/// ```
#[must_use]
pub fn keccak256_many(inputs: &[&[u8]]) -> Vec<B256> {
    keccak256_many_by(Method::fastest(), inputs)
}

/// [`keccak256_many`] by a method of the caller's choice, for comparison.
#[must_use]
pub fn keccak256_many_by(method: Method, inputs: &[&[u8]]) -> Vec<B256> {
    match Available::detect().filter(|_| method == Method::Lanes) {
        Some(available) => lanes::keccak256_many(available, inputs),
        None => inputs.iter().map(keccak256).collect(),
    }
}
