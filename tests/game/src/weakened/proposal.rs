//! Attacks on proposals and on what counts as settled.

use alloy_primitives::{Address, B256, U256, keccak256};

use super::scene::Scene;
use crate::{
    bindings as abi,
    toy::batch_acc,
    world::{AIR_GAP, CLOCKS, GAME_TYPE},
};

/// A batch that the Inbox does not hold yet.
pub(super) fn unknown_batch_is_proposed(scene: &mut Scene) -> bool {
    let mut proposed = scene.world.proposed(2, keccak256("future"));
    proposed.proposal.batchAcc = B256::ZERO;
    let liar = scene.liar;
    scene.propose(liar, &proposed).is_success
}

/// Batches other than those in the Inbox, as after a reorg.
pub(super) fn other_batches_are_proposed(scene: &mut Scene) -> bool {
    let mut proposed = scene.world.true_proposal(1);
    proposed.proposal.batchAcc = batch_acc(7);
    let liar = scene.liar;
    scene.propose(liar, &proposed).is_success
}

/// A start of the proposer's own making, on which all of its game would rest.
pub(super) fn false_anchor_is_proposed(scene: &mut Scene) -> bool {
    let mut proposed = scene.world.true_proposal(1);
    proposed.proposal.anchorRoot = B256::repeat_byte(6);
    let liar = scene.liar;
    scene.propose(liar, &proposed).is_success
}

/// A true root under a height that no block has: clients that ask for the proof there find none.
pub(super) fn absurd_height_is_proposed(scene: &mut Scene) -> bool {
    let mut proposed = scene.world.true_proposal(1);
    proposed.proposal.l2BlockNumber = u64::MAX;
    let liar = scene.liar;
    scene.propose(liar, &proposed).is_success
}

/// A root that no preimage is known of, under the header of another.
pub(super) fn root_without_preimage_is_proposed(scene: &mut Scene) -> bool {
    let mut proposed = scene.world.true_proposal(1);
    proposed.proposal.outputRoot = B256::repeat_byte(5);
    let liar = scene.liar;
    scene.propose(liar, &proposed).is_success
}

/// More batches than the longest game has moves for.
pub(super) fn too_many_batches_are_proposed(scene: &mut Scene) -> bool {
    let proposed = scene.world.true_proposal((1 << 21) + 1);
    let liar = scene.liar;
    scene.propose(liar, &proposed).is_success
}

fn settled(scene: &mut Scene, batch: u64) -> Address {
    let game = scene.open(batch, true);
    scene.wait(CLOCKS.max_clock);
    assert!(scene.finish(game));
    scene.world.games[game].game
}

fn update_anchor(scene: &mut Scene, game: Address) -> bool {
    let (liar, registry) = (scene.liar, scene.world.registry);
    scene
        .world
        .call(liar, registry, U256::ZERO, &abi::updateAnchorCall { game })
        .is_success
}

/// The anchor moves to a root whose faults nobody has had the time to show.
pub(super) fn anchor_moves_at_once(scene: &mut Scene) -> bool {
    let game = settled(scene, 1);
    update_anchor(scene, game)
}

/// The anchor moves back to an older root, and every proposal made on the newer one is stranded.
pub(super) fn anchor_moves_back(scene: &mut Scene) -> bool {
    let (older, newer) = (settled(scene, 1), settled(scene, 2));
    scene.wait(AIR_GAP);
    assert!(update_anchor(scene, newer));
    update_anchor(scene, older)
}

/// Anyone stops all withdrawals, with one true game as the evidence.
pub(super) fn finalisation_is_stopped_without_cause(scene: &mut Scene) -> bool {
    let game = settled(scene, 1);
    contradict(scene, game, game)
}

fn contradict(scene: &mut Scene, first: Address, second: Address) -> bool {
    let (liar, registry) = (scene.liar, scene.world.registry);
    let call = abi::contradictionCall { first, second };
    scene
        .world
        .call(liar, registry, U256::ZERO, &call)
        .is_success
}

/// A true and a false root of one batch both stand, and the stop does not hold withdrawals back.
pub(super) fn contradicted_root_is_final(scene: &mut Scene) -> bool {
    let (_, wrong) = contradicted(scene);
    is_final(scene, wrong)
}

/// The timelock lifts the stop, and the false root that caused it settles after all.
pub(super) fn contradicted_root_is_final_after_the_stop(scene: &mut Scene) -> bool {
    let (_, wrong) = contradicted(scene);
    let (owner, registry) = (scene.world.owner, scene.world.registry);
    scene
        .world
        .must(owner, registry, &abi::clearContradictionCall {});
    is_final(scene, wrong)
}

/// A true and a false root of one batch that both stand, past their air gap, with the stop on.
fn contradicted(scene: &mut Scene) -> (Address, Address) {
    let (right, wrong) = (scene.open(1, true), scene.open(1, false));
    scene.wait(CLOCKS.max_clock);
    let [right, wrong] = [right, wrong].map(|game| {
        let root = scene.root(game);
        assert!(scene.decide(game, root), "nobody challenged");
        scene.world.games[game].game
    });
    assert!(contradict(scene, right, wrong));
    scene.wait(AIR_GAP);
    (right, wrong)
}

/// A false root is refuted, but nobody decides the counter, and withdrawals take the root for one that stands.
pub(super) fn countered_root_is_final_undecided(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    assert!(scene.honest_moves(game));
    scene.wait(CLOCKS.max_clock + AIR_GAP);
    let game = scene.world.games[game].game;
    is_final(scene, game)
}

/// A root that nobody countered is relied on while its faults can still be shown.
pub(super) fn undecided_root_is_final_at_its_deadline(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    scene.wait(CLOCKS.max_clock + AIR_GAP - 1);
    let game = scene.world.games[game].game;
    is_final(scene, game)
}

/// A type was retired because its proof system is broken, and a game made since settles.
pub(super) fn game_of_a_retired_type_is_final(scene: &mut Scene) -> bool {
    let (owner, registry) = (scene.world.owner, scene.world.registry);
    let retire = abi::retireGameTypeCall {
        gameType: GAME_TYPE,
    };
    scene.world.must(owner, registry, &retire);
    let game = scene.open(1, false);
    scene.wait(CLOCKS.max_clock + AIR_GAP);
    let game = scene.world.games[game].game;
    is_final(scene, game)
}

fn is_final(scene: &mut Scene, game: Address) -> bool {
    let registry = scene.world.registry;
    scene
        .world
        .chain
        .read(registry, &abi::isGameFinalCall { game })
}
