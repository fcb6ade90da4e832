//! Points of y² = x³ + 7 in Jacobian coordinates, eight side by side: doubling, mixed addition, and
//! the odd multiples of a point.
//!
//! The formulas are not complete: adding equal or opposite points gives Z = 0, and so does every
//! later operation, because each multiplies Z by something. One look at the last Z therefore finds
//! each lane that ever met such a pair; its signature goes to the C library.

use super::field::{Fe, Sum};
use super::rows::{self, Row};

/// Entries of a table of odd multiples, 1 to 31: digits of five bits and a sign.
pub(super) const MULTIPLES: usize = 16;

/// (X / Z², Y / Z³).
#[derive(Clone, Copy, Debug)]
pub(super) struct Jacobian {
    /// X, of magnitude 1.
    pub(super) x: Fe,
    /// Y, of magnitude 1.
    pub(super) y: Fe,
    /// Z, of magnitude 1; zero once an exceptional case was met.
    pub(super) z: Fe,
}

impl Jacobian {
    /// Twice the point: 3 multiplications, 4 squarings.
    ///
    /// Source: EFD, short Weierstrass with a = 0, `dbl-2009-l`, its D = 4·X·Y² multiplied out.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn double(self) -> Self {
        let a = self.x.sqr();
        let b = self.y.sqr();
        let z = self.y.shifted::<1>().carry().wide_mul(self.z).reduce();
        let xb = self.x.wide_mul(b).reduce();
        let slope = a.shifted::<1>().plus(a).carry();
        let x = slope.wide_sqr().plus(Sum::zero().minus::<3>(xb)).reduce();
        let bb = b.wide_sqr().reduce();
        let rest = xb.shifted::<2>().minus::<0>(x).carry();
        let y = slope
            .wide_mul(rest)
            .plus(Sum::zero().minus::<3>(bb))
            .reduce();
        Self { x, y, z }
    }

    /// The sum with (x / w², y / w³), where `scaled` is Z / w: with the affine point (x, y), Z
    /// itself. `x` and `y` of any magnitude. 8 multiplications, 3 squarings.
    ///
    /// Source: EFD, `madd-2004-hmv`; the idea of a Z that differs is libsecp256k1's
    /// `secp256k1_gej_add_zinv_var`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add(self, x: Fe, y: Fe, scaled: Fe) -> Self {
        let zz = scaled.wide_sqr().reduce();
        let h = x.wide_mul(zz).plus(Sum::zero().minus::<0>(self.x)).reduce();
        let zzz = zz.wide_mul(scaled).reduce();
        let r = y
            .wide_mul(zzz)
            .plus(Sum::zero().minus::<0>(self.y))
            .reduce();
        let z = self.z.wide_mul(h).reduce();
        let hh = h.wide_sqr().reduce();
        let v = self.x.wide_mul(hh).reduce();
        let hhh = hh.wide_mul(h).reduce();
        let negative = Sum::zero().minus::<0>(hhh);
        let x = r.wide_sqr().plus(negative.minus::<1>(v)).reduce();
        let rest = v.sum().minus::<0>(x).carry();
        let y = r.wide_mul(rest).plus_mul(self.y, negative.carry()).reduce();
        Self { x, y, z }
    }
}

/// The odd multiples 1, 3, …, 31 of eight points.
pub(super) struct Multiples {
    /// For each multiple, one row for each lane: (x·w², y·w³) of its affine (x, y).
    pub(super) rows: [[Row; 8]; MULTIPLES],
    /// The w that all rows share. Zero where a point is none of the curve's.
    pub(super) scale: Fe,
}

/// One step of the chain: two points of the same Z.
struct Pair {
    /// The double of the first point.
    step: (Fe, Fe),
    /// The last odd multiple.
    last: (Fe, Fe),
}

impl Pair {
    /// (2P, P) for an affine P; their Z is 2y. Source: EFD, `mdbl-2007-bl`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn new(x: Fe, y: Fe) -> Self {
        let xx = x.sqr();
        let yy = y.sqr();
        let slope = xx.shifted::<1>().plus(xx).carry();
        let four = yy.shifted::<2>().carry();
        let s = x.mul(four);
        let eight = four.mul(yy.shifted::<1>().carry());
        let x = slope.wide_sqr().plus(Sum::zero().minus::<1>(s)).reduce();
        let rest = s.sum().minus::<0>(x).carry();
        let y = slope
            .wide_mul(rest)
            .plus(Sum::zero().minus::<0>(eight))
            .reduce();
        Self {
            step: (x, y),
            last: (s, eight),
        }
    }

    /// Adds the step to the last, and says by what Z grew: 5 multiplications, 2 squarings.
    ///
    /// Source: Meloni, "New point addition formulae for ECC applications" (WAIFI 2007), `ZADDU`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn advance(&mut self) -> Fe {
        let (x1, y1) = self.step;
        let (x2, y2) = self.last;
        let grown = x1.sum().minus::<0>(x2).carry();
        let c = grown.sqr();
        let w1 = x1.mul(c);
        let w2 = x2.mul(c);
        let slope = y1.sum().minus::<0>(y2).carry();
        let a = y1.mul(w1.sum().minus::<0>(w2).carry());
        let x = slope
            .wide_sqr()
            .plus(Sum::zero().minus::<0>(w1).minus::<0>(w2))
            .reduce();
        let rest = w1.sum().minus::<0>(x).carry();
        let y = slope
            .wide_mul(rest)
            .plus(Sum::zero().minus::<0>(a))
            .reduce();
        *self = Self {
            step: (w1, a),
            last: (x, y),
        };
        grown
    }
}

/// The table of eight affine points, of magnitude 1, without a division: the chain of additions
/// keeps how Z grew, and the way back brings every multiple to the last Z.
///
/// On the curve that (x, y) → (x·w², y·w³) maps to, the rows are affine; the additions and doublings
/// above do not use the curve's constant, so they work there unchanged.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn multiples(x: Fe, y: Fe) -> Multiples {
    let mut pair = Pair::new(x, y);
    let mut chain = [(pair.last, Fe::one()); MULTIPLES];
    for entry in chain.iter_mut().skip(1) {
        let grown = pair.advance();
        *entry = (pair.last, grown);
    }
    let mut table = [[Row::default(); 8]; MULTIPLES];
    let mut scale = Fe::one();
    for (row, ((x, y), grown)) in table.iter_mut().zip(&chain).rev() {
        let square = scale.sqr();
        let cube = square.mul(scale);
        *row = rows::write(x.mul(square).folded(), y.mul(cube).folded());
        scale = scale.mul(*grown);
    }
    let double = y.shifted::<1>().carry();
    Multiples {
        rows: table,
        scale: scale.mul(double),
    }
}

#[cfg(test)]
mod tests;
