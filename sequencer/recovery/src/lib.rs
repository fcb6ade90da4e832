//! Who signed: Ethereum addresses from secp256k1 signatures, many at a time.
//!
//! Recovery is most of what a transaction costs a sequencer, more than decoding, executing and
//! storing it together. This crate exists because eight recoveries side by side on AVX-512 IFMA
//! cost a fraction of eight calls of the C library, and because that needs the one kind of
//! unsafe code which the node is otherwise free of: it is kept in here, under a safe function.
//!
//! ```text
//! recover ─► scalar (range checks, 1/r, u1, u2, halves) ─► lanes (lift R, u1·G + u2·R, eight wide)
//!    │                                                        │ an exceptional addition
//!    └─► library (no AVX-512 IFMA, or a single signature) ◄───┘
//! ```
//!
//! Both ways give the same answers, those of libsecp256k1's `secp256k1_ecdsa_recover`; nothing here
//! runs in constant time, as signatures are public. Source: SEC 1, section 4.1.6.

#[cfg_attr(not(target_arch = "x86_64"), path = "absent.rs")]
mod lanes;
mod library;
#[cfg(target_arch = "x86_64")]
mod scalar;

use lanes::Available;

/// A signature over a hash, as a transaction carries it. Any bytes are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// What was signed: 32 bytes, big endian, taken modulo the order of the curve.
    pub hash: [u8; 32],
    /// The x-coordinate of the nonce's point, big endian.
    pub r: [u8; 32],
    /// The proof, big endian. High values are accepted: EIP-2 is the caller's to check.
    pub s: [u8; 32],
    /// Whether the nonce's point has an odd y, before `s` was negated if it was.
    pub odd: bool,
}

/// How to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Eight at a time, where the processor can; the C library where it cannot.
    Lanes,
    /// One at a time, by the C library.
    Library,
}

impl Method {
    /// The faster one of those that this processor has.
    #[must_use]
    pub fn fastest() -> Self {
        Available::detect().map_or(Self::Library, |_| Self::Lanes)
    }
}

/// The address that signed, for each signature in order; `None` where nobody did.
///
/// Nobody signed where `r` or `s` is zero or not below the curve's order, where no point has `r`
/// for its x-coordinate, and where the public key would be the point at infinity.
///
/// The work is done on the calling thread. Eight signatures cost what two do: a batch of eight
/// or more is what makes this worth calling.
///
/// ```
/// use trestle_recovery::{Signature, recover};
///
/// let nothing = Signature { hash: [1; 32], r: [0; 32], s: [2; 32], odd: false };
/// assert_eq!(recover(&[nothing]), [None]);
/// ```
#[must_use]
pub fn recover(batch: &[Signature]) -> Vec<Option<[u8; 20]>> {
    recover_by(Method::fastest(), batch)
}

/// [`recover`] by a method of the caller's choice, for comparison.
#[must_use]
pub fn recover_by(method: Method, batch: &[Signature]) -> Vec<Option<[u8; 20]>> {
    // What a batch shares is not worth computing for one.
    let wanted = method == Method::Lanes && batch.len() > 1;
    match Available::detect().filter(|_| wanted) {
        Some(available) => lanes::recover(available, batch),
        None => batch.iter().map(library::recover).collect(),
    }
}
