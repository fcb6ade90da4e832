//! What a recovery needs modulo the order n: u1 = -z/r, u2 = s/r, and both cut in halves.
//!
//! One inversion serves a whole batch. The halves come as digits that are all odd, so that no lane
//! ever adds nothing. Sources: SEC 1, section 4.1.6; Montgomery, "Speeding the Pollard and elliptic
//! curve methods of factorization" (1987), 10.3.1, for the shared inversion; Guide to Elliptic Curve
//! Cryptography, algorithm 3.74, and libsecp256k1's `scalar_impl.h`, for the halves.

use crate::Signature;
use alloy_primitives::{U256, Uint, uint};

/// Numbers that a half or one of its products with the lattice needs, modulo 2^192.
type Half = Uint<192, 3>;

/// The order of the curve.
const ORDER: U256 = uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256);
/// -1/n modulo 2^64, for Montgomery's multiplication.
const ORDER_INVERSE: u64 = 0x4B0D_FF66_5588_B13F;
/// 2^512 modulo n: what brings a number into Montgomery's form.
const SQUARE: U256 = uint!(0x9D671CD581C69BC5E697F5E45BCD07C6741496C20E7CF878896CF21467D7D140_U256);

/// The lattice of (a, b) with a + b·λ = 0 modulo n has the basis (A1, -B1), (A2, A1).
const A1: Half = uint!(0x3086D221A7D46BCDE86C90E49284EB15_U192);
/// Minus the second coordinate of the first basis vector.
const B1: Half = uint!(0xE4437ED6010E88286F547FA90ABFE4C3_U192);
/// The first coordinate of the second basis vector.
const A2: Half = uint!(0x114CA50F7A8E2F3F657C1108D9D44CFD8_U192);
/// 2^384·A1/n, rounded.
const G1: U256 = uint!(0x3086D221A7D46BCDE86C90E49284EB153DAA8A1471E8CA7FE893209A45DBB031_U256);
/// 2^384·B1/n, rounded.
const G2: U256 = uint!(0xE4437ED6010E88286F547FA90ABFE4C4221208AC9DF506C61571B4AE8AC47F71_U256);

/// Bits of a half's digits together: every half is below 2^130 in magnitude.
pub(crate) const BITS: u32 = 130;

/// An odd number k with |k| < 2^130, as the 130 bits of E = (k + 2^130 - 1) / 2.
///
/// Cut in windows of w bits, w a divisor of 130, E gives the digits 2·e - (2^w - 1) of k in base
/// 2^w, all of them odd and below 2^w in magnitude.
pub(crate) type Digits = [u64; 3];

/// A signature in range, ready for the curve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prepared {
    /// The x-coordinate of R, least significant word first.
    pub(crate) r: [u64; 4],
    /// Whether R's y is odd.
    pub(crate) odd: bool,
    /// Halves of u2 and of u1: the factors of R, λR, G and λG.
    pub(crate) digits: [Digits; 4],
}

/// A signature's numbers: r and s in `1..n`, z below n.
struct Numbers {
    r: U256,
    s: U256,
    z: U256,
    odd: bool,
}

/// `a·b/2^256` modulo n.
fn mul(a: U256, b: U256) -> U256 {
    a.mul_redc(b, ORDER, ORDER_INVERSE)
}

/// The numbers of a signature; `None` out of range.
fn parse(signature: &Signature) -> Option<Numbers> {
    let scalar = |bytes| Some(U256::from_be_bytes(bytes)).filter(|n| !n.is_zero() && *n < ORDER);
    let hash = U256::from_be_bytes(signature.hash);
    let z = if hash < ORDER {
        hash
    } else {
        hash.wrapping_sub(ORDER)
    };
    Some(Numbers {
        r: scalar(signature.r)?,
        s: scalar(signature.s)?,
        z,
        odd: signature.odd,
    })
}

/// Every signature in range with its place in the batch. The rest was signed by nobody.
pub(crate) fn prepare(batch: &[Signature]) -> Vec<(usize, Prepared)> {
    let mut product = mul(U256::ONE, SQUARE);
    let mut pending = Vec::with_capacity(batch.len());
    for (index, numbers) in batch.iter().map(parse).enumerate() {
        if let Some(numbers) = numbers {
            let r = mul(numbers.r, SQUARE);
            pending.push((index, numbers, r, product));
            product = mul(product, r);
        }
    }
    // In Montgomery's form the product is 2^256·p, which inverts to 1/(2^256·p): two steps from
    // the form of 1/p. It is not zero, as the order is prime.
    let inverse = product.inv_mod(ORDER).unwrap_or_default();
    let mut inverse = mul(mul(inverse, SQUARE), SQUARE);
    let mut prepared = Vec::with_capacity(pending.len());
    for (index, numbers, r, before) in pending.into_iter().rev() {
        prepared.push((index, finish(&numbers, mul(inverse, before))));
        inverse = mul(inverse, r);
    }
    prepared.reverse();
    prepared
}

/// The halves, from the numbers and 1/r in Montgomery's form.
fn finish(numbers: &Numbers, inverse: U256) -> Prepared {
    let quotient = mul(numbers.z, inverse);
    let u1 = if quotient.is_zero() {
        quotient
    } else {
        ORDER.wrapping_sub(quotient)
    };
    let u2 = mul(numbers.s, inverse);
    let ([r1, r2], [g1, g2]) = (halves(u2), halves(u1));
    Prepared {
        r: numbers.r.into_limbs(),
        odd: numbers.odd,
        digits: [r1, r2, g1, g2],
    }
}

/// Odd (k1, k2) with k1 + k2·λ = k modulo n.
///
/// Any multiples c1, c2 of the basis vectors give a pair; those nearest to k·A1/n and k·B1/n give
/// the shortest. Here they are at most 2 off, so that their last bits can be chosen to make both
/// numbers odd (A1 and B1 are odd, A2 is even), and the magnitudes stay below 2·(A1 + A2) < 2^130.
fn halves(k: U256) -> [Digits; 2] {
    let even = !k.bit(0);
    let c1 = nearest(k, G1, even);
    let c2 = nearest(k, G2, !even);
    let [w0, w1, w2, _] = k.into_limbs();
    let k1 = Half::from_limbs([w0, w1, w2])
        .wrapping_sub(c1.wrapping_mul(A1))
        .wrapping_sub(c2.wrapping_mul(A2));
    let k2 = c1.wrapping_mul(B1).wrapping_sub(c2.wrapping_mul(A1));
    [digits(k1), digits(k2)]
}

/// `k·g / 2^384` rounded down, its last bit replaced.
fn nearest(k: U256, g: U256, last: bool) -> Half {
    let product: Uint<512, 8> = k.widening_mul(g);
    let [.., w6, w7] = product.into_limbs();
    Half::from_limbs([(w6 & !1) | u64::from(last), w7, 0])
}

/// The digits of an odd number, given modulo 2^192.
fn digits(k: Half) -> Digits {
    let offset = (Half::ONE << (BITS as usize)).wrapping_sub(Half::ONE);
    (k.wrapping_add(offset) >> 1usize).into_limbs()
}

#[cfg(test)]
mod tests;
