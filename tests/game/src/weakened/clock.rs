//! Attacks on clocks and decisions.

use trestle_challenger::{ClaimStatus, Move};

use super::scene::{Scene, lie};
use crate::{
    liar::{Lie, Points},
    world::CLOCKS,
};

const W: u64 = CLOCKS.max_clock;
const EXT: u64 = CLOCKS.extension;

/// A false root stands at its deadline, although its answer is undecided.
pub(super) fn answered_claim_stands(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    scene.wait(600);
    assert!(scene.honest_moves(game));
    scene.wait(W - 600);
    let root = scene.root(game);
    scene.decide(game, root) && scene.claim(game, root).status == ClaimStatus::Stands
}

/// A false root stands before anybody could answer it.
pub(super) fn false_root_stands_at_once(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    let root = scene.root(game);
    scene.decide(game, root) && scene.claim(game, root).status == ClaimStatus::Stands
}

/// A true root is answered when its time is over and nobody has decided it yet.
pub(super) fn settled_time_is_disputed(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    scene.wait(W);
    let root = scene.root(game);
    scene.lie(game, root, lie(0, Points::LieFrom(4))).is_some()
}

/// A leaf that has fallen falls again, and pays again, at the expense of the others.
pub(super) fn fallen_leaf_falls_again(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    let leaf = scene.play_to_leaf(game);
    let parent = scene.claim(game, leaf).header.parent;
    let sibling = Lie {
        salt: 99,
        ..lie(0, Points::LieFrom(2))
    };
    scene.lie(game, parent, sibling).unwrap();
    let first = scene
        .honest_plan(game)
        .into_iter()
        .find_map(|step| match step {
            Move::Step { claim, segment, .. } => Some((claim, segment)),
            _ => None,
        });
    let (claim, segment) = first.unwrap();
    let id = claim.id(scene.world.games[game].game);
    assert!(scene.step(game, id, u64::from(segment.index), (None, None)));
    scene.step(game, id, u64::from(segment.index), (None, None))
}

/// The defender comes back an hour before its clock runs out, and then answers every claim within an hour.
pub(super) fn late_defender_has_no_time(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    scene.wait(W - 3_600);
    assert!(scene.honest_moves(game));
    for _ in 0..2 {
        let newest = scene.newest(game, scene.honest).unwrap();
        scene.lie(game, newest, lie(0, Points::LieFrom(3))).unwrap();
        scene.wait(3_500);
        if !scene.honest_moves(game) || scene.newest(game, scene.honest) == Some(newest) {
            return true;
        }
    }
    false
}

/// The attacker answers in the last second; the defender's next answer has its clock cut by that.
pub(super) fn waiting_costs_the_other_side(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    scene.wait(W - 1);
    let root = scene.root(game);
    scene.lie(game, root, lie(0, Points::LieFrom(3))).unwrap();
    scene.wait(60);
    assert!(scene.honest_moves(game));
    let honest = scene.newest(game, scene.honest).unwrap();
    let again = scene.lie(game, honest, lie(0, Points::LieFrom(3))).unwrap();
    let left = scene.deadline_of(game, again) - scene.world.chain.time;
    left < W - 60
}

/// The attacker waits for the last second each time, and has its whole clock again for the next answer.
pub(super) fn waiting_costs_nothing(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    let mut target = scene.root(game);
    for wait in [W - 1, EXT - 1] {
        scene.wait(wait);
        scene.lie(game, target, lie(0, Points::LieFrom(3))).unwrap();
        scene.wait(60);
        assert!(scene.honest_moves(game));
        target = scene.newest(game, scene.honest).unwrap();
    }
    let left = scene.deadline_of(game, target) - scene.world.chain.time;
    left > EXT
}

/// The honest answer to a false root stands, and a hostile sibling made just before keeps the root open.
pub(super) fn hostile_sibling_delays_the_fall(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    let root = scene.root(game);
    scene.wait(600);
    assert!(scene.honest_moves(game));
    let honest = scene.newest(game, scene.honest).unwrap();
    scene.wait(W - 700);
    scene.lie(game, root, lie(0, Points::LieFrom(3))).unwrap();
    scene.wait(700);
    assert!(scene.decide(game, honest));
    !scene.decide(game, root)
}
