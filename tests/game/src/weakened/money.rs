//! Attacks on bonds and payouts.

use alloy_primitives::U256;
use trestle_challenger::{ClaimId, Move};

use super::scene::{Scene, lie};
use crate::{
    artifacts::creation_code,
    bindings as abi,
    liar::{End, Lie, Points},
    world::{World, ether, stake},
};

/// An answer locks more than four fifths of what it answers.
pub(super) fn answers_lock_as_much(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    let root = scene.claim(game, scene.root(game)).header;
    let [Move::Counter { child, .. }] = &scene.honest_plan(game)[..] else {
        panic!("one answer")
    };
    let to = scene.world.games[game].game;
    let mut bond = |header: &trestle_challenger::Header| {
        scene.world.chain.read(
            to,
            &abi::bondOfCall {
                header: header.into(),
            },
        )
    };
    bond(child) * U256::from(5) > bond(&root) * U256::from(4)
}

/// A claim without a bond, which the payouts of others would have to pay.
pub(super) fn claim_is_free(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    let step = scene.craft(game, scene.root(game), lie(0, Points::LieFrom(5)));
    let (data, _) = World::encode(&step, U256::ZERO);
    let (to, liar) = (scene.world.games[game].game, scene.liar);
    scene.world.send(liar, to, U256::ZERO, data).is_success
}

/// The liar answers its own garbage by the truth, and has lost nothing for the delay.
pub(super) fn answering_oneself_is_free(scene: &mut Scene) -> bool {
    let game = scene.open(1, true);
    let root = scene.root(game);
    let garbage = scene.lie(game, root, lie(0, Points::LieFrom(5))).unwrap();
    let liar = scene.liar;
    let answer = scene.honest_plan(game).remove(0);
    assert!(scene.play(game, liar, &answer).is_success);
    let own = scene.newest(game, liar).unwrap();
    assert!(scene.finish(game));
    scene.settle(game, garbage, own);
    let to = scene.world.games[game].game;
    scene
        .world
        .must(liar, to, &abi::claimCreditCall { account: liar });
    scene.world.chain.balance(liar) == stake()
}

/// A false claim over two batches with an honest answer on its first segment and a freeloader on its second,
/// whose start is false; both stand. Gives the game, the claim, the honest answer and the freeloader.
fn freeloaded(scene: &mut Scene) -> (usize, ClaimId, ClaimId, ClaimId) {
    let game = scene.open(2, true);
    let root = scene.root(game);
    let claim = scene.lie(game, root, lie(0, Points::Garbage)).unwrap();
    let free = Lie {
        segment: 1,
        points: Points::Garbage,
        end: End::Output,
        salt: 8,
    };
    let freeloader = scene.lie(game, claim, free).unwrap();
    assert!(scene.honest_moves(game));
    let honest = scene.newest(game, scene.honest).unwrap();
    scene.wait(400_000);
    assert!(scene.decide(game, freeloader));
    assert!(scene.decide(game, honest));
    assert!(scene.decide(game, claim));
    (game, claim, honest, freeloader)
}

/// The freeloader, decided first, takes the bond.
pub(super) fn garbage_is_paid(scene: &mut Scene) -> bool {
    let (game, claim, honest, freeloader) = freeloaded(scene);
    !scene.settle(game, claim, honest) && scene.settle(game, claim, freeloader)
}

/// The freeloader is named as payee, though the honest answer is further left.
pub(super) fn freeloader_is_named_payee(scene: &mut Scene) -> bool {
    let (game, claim, _, freeloader) = freeloaded(scene);
    scene.settle(game, claim, freeloader)
}

/// A stranger copies the honest step and gets the bond instead of a refund.
pub(super) fn copied_step_takes_the_bond(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    scene.play_to_leaf(game);
    let step = scene.honest_plan(game).remove(0);
    assert!(matches!(step, Move::Step { .. }));
    let stranger = scene.stranger;
    assert!(scene.play(game, stranger, &step).is_success);
    let (taken, earned) = (
        scene.credit(game, stranger),
        scene.credit(game, scene.honest),
    );
    taken > earned
}

/// A wallet's claim belongs to whoever sends the wallet's transaction.
pub(super) fn relayer_owns_the_claim(scene: &mut Scene) -> bool {
    let game = scene.open(1, false);
    let (owner, liar) = (scene.world.owner, scene.liar);
    let wallet = scene
        .world
        .chain
        .deploy(owner, creation_code("Wallet", None));
    scene.world.chain.send(
        scene.honest,
        wallet,
        ether(1),
        alloy_primitives::Bytes::new(),
    );
    let (data, value) = World::encode(&scene.honest_plan(game)[0], U256::ZERO);
    let target = scene.world.games[game].game;
    let call = abi::executeCall {
        target,
        value,
        data,
    };
    assert!(scene.world.call(liar, wallet, U256::ZERO, &call).is_success);
    scene.newest(game, wallet).is_some_and(|id| {
        scene
            .world
            .chain
            .read(target, &abi::claimsCall { claim: id })
            .claimant
            == liar
    })
}

/// A false root that the honest side has refuted. Gives the game and the honest claim.
fn refuted(scene: &mut Scene) -> (usize, ClaimId) {
    let game = scene.open(1, false);
    assert!(scene.honest_moves(game));
    let honest = scene.newest(game, scene.honest).unwrap();
    assert!(!scene.finish(game));
    (game, honest)
}

/// The same fallen bond is paid out twice.
pub(super) fn bond_is_paid_twice(scene: &mut Scene) -> bool {
    let (game, honest) = refuted(scene);
    let root = scene.root(game);
    assert!(scene.settle(game, root, honest));
    let (to, bond) = (scene.world.games[game].game, scene.world.root_bond(1));
    // Somebody else's ether must be there to be taken.
    scene.world.chain.force(to, bond);
    scene.settle(game, root, honest)
}

/// The same credit is paid out twice.
pub(super) fn credit_is_paid_twice(scene: &mut Scene) -> bool {
    let (game, honest_claim) = refuted(scene);
    let root = scene.root(game);
    assert!(scene.settle(game, root, honest_claim));
    let (to, account, bond) = (
        scene.world.games[game].game,
        scene.honest,
        scene.world.root_bond(1),
    );
    scene
        .world
        .must(account, to, &abi::claimCreditCall { account });
    scene.world.chain.force(to, bond * U256::from(3));
    scene
        .world
        .call(account, to, U256::ZERO, &abi::claimCreditCall { account })
        .is_success
}
