//! Attacks on identity: a claim is its whole content.

use trestle_challenger::Move;

use super::scene::{Scene, lie};
use crate::{
    bindings as abi,
    liar::{End, Lie, Points},
};

/// The liar takes the place of the true answer with the same end and a false interior, then refutes that.
pub(super) fn true_end_is_occupied(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    let root = scene.root(game);
    let hollow = Lie {
        segment: 0,
        points: Points::RightEnd,
        end: End::True,
        salt: 3,
    };
    scene.lie(game, root, hollow).unwrap();
    scene.wait(60);
    assert!(
        scene.honest_moves(game),
        "the honest side always gets its answer in"
    );
    scene.newest(game, scene.honest).is_none()
}

/// The honest answer to a claim arrives after a reorg has put another claim in its place.
pub(super) fn reorg_retargets_a_move(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    let root = scene.root(game);
    let before = scene.world.clone();
    let seen = scene.craft(game, root, lie(0, Points::LieFrom(9)));
    assert!(scene.world.send_unseen(game, scene.liar, &seen).is_success);
    scene.world.record(game, scene.liar, &seen);
    let answer = scene.honest_plan(game).remove(0);
    scene.world = before;
    // Position-bound ids do not match what the events promise, so the view is not fed here.
    let other = scene.craft(
        game,
        root,
        Lie {
            salt: 2,
            ..lie(0, Points::LieFrom(9))
        },
    );
    scene.world.send_unseen(game, scene.liar, &other);
    scene
        .world
        .send_unseen(game, scene.honest, &answer)
        .is_success
}

/// A copycat sends the honest counter first: the honest side must have its value back.
pub(super) fn copycat_costs_the_bond(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    let (honest, liar) = (scene.honest, scene.liar);
    let held = scene.world.chain.balance(honest);
    let plan = scene.honest_plan(game);
    let [Move::Counter { child, .. }] = plan.as_slice() else {
        panic!("one answer")
    };
    let id = child.id(scene.world.games[game].game);
    scene.play(game, liar, &plan[0]);
    let receipt = scene.play(game, honest, &plan[0]);
    assert!(receipt.is_success, "an identical move does not revert");
    assert_eq!(scene.claim(game, id).claimant, liar);
    if scene.credit(game, honest).is_zero() {
        return scene.world.chain.balance(honest) < held;
    }
    let to = scene.world.games[game].game;
    scene
        .world
        .must(honest, to, &abi::claimCreditCall { account: honest });
    scene.world.chain.balance(honest) < held
}
