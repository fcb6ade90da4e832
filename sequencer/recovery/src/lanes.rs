//! Recovery of eight signatures at once, on AVX-512 with its 52-bit multiplier.
//!
//! Each group of eight lifts its R, multiplies, and waits with its Z; one inversion then serves
//! all groups of a chunk. An invalid signature takes no lane.
#![expect(
    unsafe_code,
    reason = "entering functions of a CPU feature; loading and storing registers"
)]

mod chain;
mod field;
mod generator;
mod multiply;
mod point;
mod rows;
#[cfg(test)]
mod tests;

use crate::Signature;
use crate::library::{self, address};
use crate::scalar::{self, Prepared};
use core::arch::x86_64::__mmask8;
use field::Fe;
use generator::Generator;
use point::Jacobian;
use rows::Row;

/// Signatures that share two inversions, one modulo n and one modulo p: 32 groups.
const CHUNK: usize = 256;

/// Proof that the processor has AVX-512 with IFMA and the operating system saves its registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Available(());

impl Available {
    /// Asks the processor, once for the process.
    pub(crate) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        has.then_some(Self(()))
    }
}

/// What eight lanes say of one signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The address that signed.
    Signer([u8; 20]),
    /// No address did.
    Nobody,
    /// Not known here: an addition met equal or opposite points, or the signature was left alone.
    Unsure,
}

/// A group between its multiplication and its inversion.
struct Group {
    /// Q, its Z replaced by one in the lanes of `unsure`.
    key: Jacobian,
    /// Lanes whose r is no x-coordinate.
    nobody: __mmask8,
    /// Lanes whose Q was not found.
    unsure: __mmask8,
}

/// The signers, by the lanes, and by the C library where they do not know.
pub(crate) fn recover(available: Available, batch: &[Signature]) -> Vec<Option<[u8; 20]>> {
    let answer = |(signature, outcome): (&Signature, Outcome)| match outcome {
        Outcome::Signer(address) => Some(address),
        Outcome::Nobody => None,
        Outcome::Unsure => library::recover(signature),
    };
    batch
        .iter()
        .zip(outcomes(available, batch))
        .map(answer)
        .collect()
}

/// One outcome for each signature.
fn outcomes(_: Available, batch: &[Signature]) -> Vec<Outcome> {
    let Some(generator) = generator::tables() else {
        return vec![Outcome::Unsure; batch.len()];
    };
    let mut outcomes = vec![Outcome::Nobody; batch.len()];
    for (slots, chunk) in outcomes.chunks_mut(CHUNK).zip(batch.chunks(CHUNK)) {
        let prepared = scalar::prepare(chunk);
        // SAFETY: an `Available` exists only where the processor was found to have the features.
        let answers = unsafe { recover_prepared(&prepared, generator) };
        for ((index, _), answer) in prepared.iter().zip(answers) {
            if let Some(slot) = slots.get_mut(*index) {
                *slot = answer;
            }
        }
    }
    outcomes
}

/// One outcome for each signature in range, at the same place. The last group may be short: its
/// empty lanes repeat the first. A last group of one is not worth eight lanes.
#[target_feature(enable = "avx512f,avx512ifma")]
fn recover_prepared(prepared: &[(usize, Prepared)], generator: &Generator) -> Vec<Outcome> {
    let mut groups = Vec::with_capacity(prepared.len().div_ceil(8));
    for chunk in prepared.chunks(8) {
        if let [(_, first), _, ..] = chunk {
            let lane = |lane: usize| chunk.get(lane).map_or(first, |(_, prepared)| prepared);
            let signatures = [
                lane(0),
                lane(1),
                lane(2),
                lane(3),
                lane(4),
                lane(5),
                lane(6),
                lane(7),
            ];
            groups.push(key(signatures, generator));
        }
    }
    let inverses = inverses(&groups);
    let mut outcomes = Vec::with_capacity(8 * groups.len() + 1);
    for (group, inverse) in groups.iter().zip(inverses) {
        outcomes.extend(finish(group, inverse));
    }
    outcomes.resize(prepared.len(), Outcome::Unsure);
    outcomes
}

/// Q = u1·G + u2·R.
#[target_feature(enable = "avx512f,avx512ifma")]
fn key(signatures: [&Prepared; 8], generator: &Generator) -> Group {
    let rows = signatures.map(|signature| {
        let [a, b, c, d] = signature.r;
        Row([a, b, c, d, 0, 0, 0, 0])
    });
    let (x, _) = rows::read(rows.each_ref());
    let mut odd = 0;
    for (lane, signature) in signatures.iter().enumerate() {
        odd |= __mmask8::from(signature.odd) << lane;
    }
    let (y, nobody) = lift(x, odd);
    let mut key = multiply::sum(signatures, &point::multiples(x, y), generator);
    let unsure = key.z.zero_lanes();
    key.z = key.z.replaced_where(unsure, Fe::one());
    Group {
        key,
        nobody,
        unsure,
    }
}

/// The y of the wanted parity with y² = x³ + 7, and the lanes where there is none.
#[target_feature(enable = "avx512f,avx512ifma")]
fn lift(x: Fe, odd: __mmask8) -> (Fe, __mmask8) {
    let square = x
        .sqr()
        .mul(x)
        .sum()
        .plus(Fe::constant([7, 0, 0, 0, 0]))
        .carry();
    let y = chain::root(square).normalized();
    let difference = square.sum().minus::<0>(y.sqr()).carry();
    let wrong = y.odd_lanes() ^ odd;
    (y.negated_where(wrong).folded(), !difference.zero_lanes())
}

/// 1/Z of every group, by one inversion.
#[target_feature(enable = "avx512f,avx512ifma")]
fn inverses(groups: &[Group]) -> Vec<Fe> {
    let mut before = Vec::with_capacity(groups.len());
    let mut product = Fe::one();
    for group in groups {
        before.push(product);
        product = product.mul(group.key.z);
    }
    let mut inverse = chain::inverse(product);
    for (group, slot) in groups.iter().zip(&mut before).rev() {
        *slot = slot.mul(inverse);
        inverse = inverse.mul(group.key.z);
    }
    before
}

/// The addresses of a group.
#[target_feature(enable = "avx512f,avx512ifma")]
fn finish(group: &Group, inverse: Fe) -> [Outcome; 8] {
    let square = inverse.sqr();
    let x = group.key.x.mul(square).normalized();
    let y = group.key.y.mul(square.mul(inverse)).normalized();
    let mut lane = 0;
    rows::write(x, y).map(|row| {
        let bit = 1 << lane;
        lane += 1;
        if group.nobody & bit != 0 {
            Outcome::Nobody
        } else if group.unsure & bit != 0 {
            Outcome::Unsure
        } else {
            Outcome::Signer(address(&bytes(&row)))
        }
    })
}

/// x and y, big endian.
fn bytes(row: &Row) -> [u8; 64] {
    let mut bytes = [0u8; 64];
    let [x0, x1, x2, x3, y0, y1, y2, y3] = row.0;
    let words = [x3, x2, x1, x0, y3, y2, y1, y0];
    for (slot, word) in bytes.chunks_exact_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}
