//! Attacks on the shape of claims: what may answer what.

use trestle_challenger::ClaimStatus;

use super::scene::{Scene, lie};
use crate::{
    liar::{End, Lie, Points},
    toy::Program,
};

/// The truth, copied against itself, could be defeated by nobody.
pub(super) fn copy_of_the_truth_defeats_it(scene: &mut Scene) -> bool {
    let game = scene.open(2, true);
    let root = scene.root(game);
    scene.lie(game, root, lie(0, Points::True)).is_some() && !scene.finish(game)
}

/// The true run of a batch, claimed against its true output.
pub(super) fn copy_of_the_run_defeats_it(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    let root = scene.root(game);
    let copy = Lie {
        segment: 0,
        points: Points::True,
        end: End::True,
        salt: 0,
    };
    scene.lie(game, root, copy).is_some() && !scene.finish(game)
}

/// Batch 3 of 300 panics, in the middle of a segment. The honest answer to the false root says so; the liar answers that with a panic
/// followed by outputs, whose first false segment starts at the panic and can be answered by nobody.
pub(super) fn outputs_revive_after_a_failure(scene: &mut Scene) -> bool {
    fail(scene, 3);
    let game = scene.open(300, false);
    scene.wait(60);
    assert!(scene.honest_moves(game));
    let honest = scene.newest(game, scene.honest).unwrap();
    if scene
        .lie(game, honest, lie(1, Points::Revived(3)))
        .is_none()
    {
        return false;
    }
    scene.wait(60);
    // Whether the honest side finds a move or not, its claim must stand.
    scene.honest_moves(game);
    scene.finish(game)
}

/// Batch 1 of 3 panics; the liar runs batch 3 from no output at all, and it succeeds.
pub(super) fn failed_batch_runs_on(scene: &mut Scene) -> bool {
    fail(scene, 1);
    let game = scene.open(3, false);
    scene.wait(60);
    assert!(scene.honest_moves(game));
    let honest = scene.newest(game, scene.honest).unwrap();
    let run = Lie {
        segment: 2,
        points: Points::True,
        end: End::True,
        salt: 0,
    };
    scene.lie(game, honest, run).is_some() && scene.finish(game)
}

fn fail(scene: &mut Scene, batch: u64) {
    let program = scene.world.toy.program(batch);
    scene.world.set_program(
        batch,
        Program {
            exit_code: 1,
            ..program
        },
    );
}

/// A root beyond a batch that panics.
pub(super) fn panicking_batch_settles(scene: &mut Scene) -> bool {
    fail(scene, 1);
    let game = scene.open(1, false);
    scene.honest_moves(game);
    scene.finish(game)
}

/// A root beyond a batch that never halts.
pub(super) fn endless_batch_settles(scene: &mut Scene) -> bool {
    let program = scene.world.toy.program(1);
    scene.world.set_program(
        1,
        Program {
            halt_at: (1 << 42) + 1,
            ..program
        },
    );
    let game = scene.open(1, false);
    scene.honest_moves(game);
    scene.finish(game)
}

/// A leaf of the honest side is stepped where it is true.
pub(super) fn true_leaf_is_stepped(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    let leaf = scene.play_to_leaf(game);
    assert_eq!(scene.claim(game, leaf).claimant, scene.honest);
    scene.step(game, leaf, 5, (None, None)) && has_fallen(scene, game, leaf)
}

/// The step starts from another true state than the segment does.
pub(super) fn true_leaf_is_stepped_from_elsewhere(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    let leaf = scene.play_to_leaf(game);
    scene.step(game, leaf, 5, (Some(77), None)) && has_fallen(scene, game, leaf)
}

/// The step ends in another state than the segment is said to.
pub(super) fn true_leaf_is_stepped_to_elsewhere(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    let leaf = scene.play_to_leaf(game);
    let elsewhere = alloy_primitives::B256::repeat_byte(9);
    scene.step(game, leaf, 5, (None, Some(elsewhere))) && has_fallen(scene, game, leaf)
}

fn has_fallen(scene: &Scene, game: usize, claim: trestle_challenger::ClaimId) -> bool {
    scene.claim(game, claim).status == ClaimStatus::Falls
}

/// A game over 2 of 3 batches: segment 2 of the honest claim is an empty leaf, which reads as "batch 3 fails",
/// and batch 3 does not.
pub(super) fn segment_beyond_the_last_is_answered(scene: &mut Scene) -> bool {
    let game = scene.open(2, false);
    scene.wait(60);
    assert!(scene.honest_moves(game));
    let honest = scene.newest(game, scene.honest).unwrap();
    let step = scene.craft_beyond(game, honest);
    let liar = scene.liar;
    scene.play(game, liar, &step).is_success && scene.finish(game)
}
