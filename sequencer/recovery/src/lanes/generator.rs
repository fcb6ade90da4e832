//! The odd multiples of the generator G and of λG, the same for every lane and every batch.
//!
//! Computed once, at the first use, by the C library's additions: about half a thousand of them.

use super::rows::Row;
use alloy_primitives::{U256, uint};
use secp256k1::PublicKey;
use secp256k1::constants::{FIELD_SIZE, GENERATOR_X, GENERATOR_Y};
use std::sync::OnceLock;

/// Bits of a digit; twice those of a digit of R.
pub(super) const WINDOW: u32 = 10;
/// Odd multiples from 1 to 2^10 - 1.
pub(super) const MULTIPLES: usize = 1 << (WINDOW - 1);

/// The x of λ·(x, y) is β·x: a cube root of one modulo p.
pub(super) const BETA: U256 =
    uint!(0x7AE96A2B657C07106E64479EAC3434E99CF0497512F58995C1396C28719501EE_U256);

/// Affine points, the multiple 2·i + 1 at i.
#[derive(Debug)]
pub(super) struct Generator {
    /// Multiples of G.
    pub(super) plain: Vec<Row>,
    /// Multiples of λG.
    pub(super) turned: Vec<Row>,
}

/// The tables. `None` would mean that the C library cannot add.
pub(super) fn tables() -> Option<&'static Generator> {
    static TABLES: OnceLock<Option<Generator>> = OnceLock::new();
    TABLES.get_or_init(|| compute().ok()).as_ref()
}

/// Both tables, by repeated addition of 2G.
fn compute() -> Result<Generator, secp256k1::Error> {
    let mut bytes = [4u8; 65];
    for (slot, byte) in bytes
        .iter_mut()
        .skip(1)
        .zip(GENERATOR_X.iter().chain(&GENERATOR_Y))
    {
        *slot = *byte;
    }
    let mut point = PublicKey::from_slice(&bytes)?;
    let step = point.combine(&point)?;
    let mut generator = Generator {
        plain: Vec::new(),
        turned: Vec::new(),
    };
    while generator.plain.len() < MULTIPLES {
        let [_, coordinates @ ..] = point.serialize_uncompressed();
        let (x, y) = coordinates.split_at(32);
        let (x, y) = (U256::from_be_slice(x), U256::from_be_slice(y));
        let turned = x.mul_mod(BETA, U256::from_be_bytes(FIELD_SIZE));
        generator.plain.push(row(x, y));
        generator.turned.push(row(turned, y));
        point = point.combine(&step)?;
    }
    Ok(generator)
}

/// A point as a row.
fn row(x: U256, y: U256) -> Row {
    let [x0, x1, x2, x3] = x.into_limbs();
    let [y0, y1, y2, y3] = y.into_limbs();
    Row([x0, x1, x2, x3, y0, y1, y2, y3])
}
