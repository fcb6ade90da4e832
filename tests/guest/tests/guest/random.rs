//! A few batches of the long run (`make soak-guest`).

use trestle_guest_tests::random::Batches;

#[test]
fn random_batches_are_proven_as_derived() {
    for seed in 0..3 {
        let mut batches = Batches::new(seed);
        let mut blocks = 0;
        for at in 0..8 {
            blocks = batches.prove(&format!("seed {seed}, batch {at}")).1;
        }
        assert!(blocks > 3, "seed {seed} made {blocks} blocks");
    }
}
