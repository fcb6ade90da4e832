//! The trusted setup of KZG, loaded once in a process.
//!
//! It can be loaded with tables that make proofs fast, which takes seconds and a hundred megabytes, or without, which
//! is enough to check. Who will make proofs says so first, and then everything uses the one with tables.

use c_kzg::{KzgSettings, ethereum_kzg_settings};
use std::sync::atomic::{AtomicBool, Ordering};

/// Size of the tables by which proofs of cells are made; alloy and revm load the same.
const FOR_PROOFS: u64 = 8;
/// No tables.
const FOR_CHECKS: u64 = 0;

static MAKES_PROOFS: AtomicBool = AtomicBool::new(false);

/// Tells that this process will make proofs.
pub(crate) fn expect_proofs() {
    MAKES_PROOFS.store(true, Ordering::Relaxed);
}

/// The setup for whoever checks.
pub(super) fn for_checks() -> &'static KzgSettings {
    let tables = match MAKES_PROOFS.load(Ordering::Relaxed) {
        true => FOR_PROOFS,
        false => FOR_CHECKS,
    };
    ethereum_kzg_settings(tables)
}

/// The setup for whoever makes proofs.
pub(super) fn for_proofs() -> &'static KzgSettings {
    expect_proofs();
    ethereum_kzg_settings(FOR_PROOFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_that_makes_proofs_checks_by_the_same_setup() {
        expect_proofs();
        let checks = for_checks();
        assert!(std::ptr::eq(checks, for_proofs()));
        let alloy = alloy::eips::eip4844::env_settings::EnvKzgSettings::Default;
        assert!(std::ptr::eq(checks, alloy.get()), "and so does alloy");
    }
}
