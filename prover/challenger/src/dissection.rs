//! Geometry of dissections: how intervals are cut, and the tree over a claim's points.
//!
//! Mirrors `Dissection.sol` exactly; the simulator holds the two against each other.

use alloy_primitives::{B256, keccak256};

use crate::claim::Level;

/// Segments of a full dissection, and leaves of its tree.
pub const ARITY: u64 = 128;
/// Steps of every machine interval: 128^6.
pub const MACHINE_STEPS: u64 = 1 << 42;
/// Most batches between the anchor and a proposal: 128^3.
pub const MAX_BATCHES: u64 = 1 << 21;
/// Levels of the tree over the points.
const DEPTH: usize = 7;

/// Segments into which an interval is cut: its length, at most 128.
pub const fn segments(length: u64) -> u64 {
    if length < ARITY { length } else { ARITY }
}

/// Start of segment `index` of `[lo, hi]`, which is the end of the one before: `lo + ⌊n·index/k⌋`.
///
/// Saturates where `hi ≤ lo`; `index` runs from 0 to [`segments`].
pub fn boundary(lo: u64, hi: u64, index: u64) -> u64 {
    let length = u128::from(hi.saturating_sub(lo));
    let count = u128::from(segments(hi.saturating_sub(lo)).max(1));
    let offset = length.saturating_mul(u128::from(index)) / count;
    lo.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX))
}

/// Further moves that are possible below a claim whose interval has this length, 0 to 9.
pub fn moves_below(level: Level, length: u64) -> u32 {
    let digits = ceil_log128(length);
    match level {
        Level::Root => digits.saturating_add(6),
        Level::Batch => digits.saturating_add(5),
        Level::Machine => digits.saturating_sub(1),
    }
}

/// Least m with 128^m ≥ length.
fn ceil_log128(length: u64) -> u32 {
    let (mut m, mut reach) = (0_u32, 1_u64);
    while reach < length {
        reach = reach.saturating_mul(ARITY);
        m = m.saturating_add(1);
    }
    m
}

/// Merkle tree of depth 7 over a claim's points, zero-filled to 128 leaves. The points are the leaves.
#[derive(Debug, Clone)]
pub struct PointTree {
    /// Leaves first, root last.
    layers: Vec<Vec<B256>>,
}

impl PointTree {
    /// Builds the tree; points beyond the 128th are left out.
    pub fn new(points: &[B256]) -> Self {
        let mut layer: Vec<B256> = points.iter().copied().take(128).collect();
        layer.resize(128, B256::ZERO);
        let mut layers = vec![layer];
        for _ in 0..DEPTH {
            let below = layers.last().map_or(&[][..], Vec::as_slice);
            let above = below
                .chunks_exact(2)
                .map(|pair| keccak256(pair.concat()))
                .collect();
            layers.push(above);
        }
        Self { layers }
    }

    /// Root of the tree.
    pub fn root(&self) -> B256 {
        self.layers
            .last()
            .and_then(|layer| layer.first())
            .copied()
            .unwrap_or_default()
    }

    /// Siblings of a leaf from the leaf up; zeros for an index beyond 127.
    pub fn proof(&self, index: usize) -> [B256; DEPTH] {
        let mut proof = [B256::ZERO; DEPTH];
        for (depth, (slot, layer)) in proof.iter_mut().zip(&self.layers).enumerate() {
            *slot = layer.get((index >> depth) ^ 1).copied().unwrap_or_default();
        }
        proof
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_10_boundaries_cover_any_interval_without_padding() {
        for n in [
            1,
            2,
            127,
            128,
            129,
            200,
            16_383,
            16_384,
            16_385,
            MAX_BATCHES - 1,
            MAX_BATCHES,
        ] {
            let k = segments(n);
            assert_eq!(boundary(7, 7 + n, 0), 7);
            assert_eq!(boundary(7, 7 + n, k), 7 + n);
            for j in 0..k {
                assert!(
                    boundary(7, 7 + n, j) < boundary(7, 7 + n, j + 1),
                    "empty segment, n={n} j={j}"
                );
            }
        }
    }

    #[test]
    fn rule_10_every_answer_has_fewer_moves_below() {
        for n in 1..70_000 {
            let root = moves_below(Level::Root, n);
            let first = if n == 1 {
                moves_below(Level::Machine, MACHINE_STEPS)
            } else {
                moves_below(Level::Batch, n)
            };
            assert!(first < root);
            let longest = n.div_ceil(segments(n));
            if n > 1 && longest > 1 {
                assert!(moves_below(Level::Batch, longest) < first, "n={n}");
            }
        }
        assert_eq!(moves_below(Level::Root, MAX_BATCHES), 9);
        assert_eq!(moves_below(Level::Machine, 128), 0);
    }

    #[test]
    fn point_tree_proofs_lead_to_the_root() {
        let points: Vec<B256> = (1..=100).map(B256::with_last_byte).collect();
        let tree = PointTree::new(&points);
        for (i, point) in points.iter().enumerate() {
            let node = tree
                .proof(i)
                .iter()
                .enumerate()
                .fold(*point, |node, (depth, sibling)| {
                    let pair = if (i >> depth) & 1 == 0 {
                        [node, *sibling]
                    } else {
                        [*sibling, node]
                    };
                    keccak256(pair.concat())
                });
            assert_eq!(node, tree.root());
        }
    }
}
