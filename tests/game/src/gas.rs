//! Gas of every transaction of a dispute, intrinsic gas and calldata floor included.
//!
//! `tests/vectors/game/gas.json` is the committed snapshot; `GAME_BLESS=1` rewrites it.

use std::{collections::BTreeMap, path::Path};

use alloy_primitives::U256;
use trestle_challenger::{Level, Move};

use crate::{
    bindings as abi,
    liar::Points,
    simulator::payout,
    weakened::scene::{Scene, lie},
};

/// Most gas of a counter.
const MAX_COUNTER: u64 = 300_000;
/// Most gas of the honest side in the longest game.
const MAX_PATH: u64 = 4_000_000;

/// Gas by transaction of the longest game; what all of it cost the honest side, proposals apart.
fn measure(root_is_true: bool, gas: &mut BTreeMap<String, u64>) -> u64 {
    let mut scene = Scene::new(None, 1 << 21);
    let mut honest_path = 0;
    let truth = scene.world.true_proposal(1 << 21);
    let false_root = scene
        .world
        .proposed(1 << 21, alloy_primitives::keccak256("false state"));
    let (game, honest, liar) = (0, scene.honest, scene.liar);
    let (who, root) = if root_is_true {
        (honest, &truth)
    } else {
        (liar, &false_root)
    };
    gas.insert("create".to_owned(), scene.propose(who, root).gas);
    let mut target = scene.root(game);
    loop {
        scene.wait(60);
        let claim = scene.claim(game, target);
        let is_honest = claim.claimant == liar;
        if claim.header.is_leaf() && !is_honest {
            break;
        }
        let segment = if claim.header.level == Level::Root {
            0
        } else {
            101
        };
        let step = if is_honest {
            scene.honest_plan(game).remove(0)
        } else {
            scene.craft(game, target, lie(segment, Points::LieFrom(2)))
        };
        let receipt = scene.play(game, if is_honest { honest } else { liar }, &step);
        assert!(receipt.is_success, "{:?}", receipt.output);
        if is_honest {
            honest_path += receipt.gas;
        }
        let Move::Counter { child, .. } = &step else {
            gas.insert("step, toy machine".to_owned(), receipt.gas);
            break;
        };
        let most = gas.entry(name_of(child.level, child.length())).or_default();
        *most = receipt.gas.max(*most);
        target = child.id(scene.world.games[game].game);
    }
    honest_path + decide_and_settle(&mut scene, game, gas)
}

fn name_of(level: Level, length: u64) -> String {
    match level {
        Level::Machine => format!("counter, machine, 2^{} steps", length.ilog2()),
        _ => format!("counter, batches, {length}"),
    }
}

/// Decides every claim, pays every bond out, and takes the credit. Gives the gas of all of it.
fn decide_and_settle(scene: &mut Scene, game: usize, gas: &mut BTreeMap<String, u64>) -> u64 {
    let (honest, mut spent) = (scene.honest, 0);
    for _ in 0..40 {
        let view = scene.world.games[game].clone();
        let due: Vec<Move> = view
            .claims
            .values()
            .filter(|c| view.is_decidable(c))
            .map(|c| Move::Decide { claim: c.header })
            .chain(view.claims.values().filter_map(|c| payout(&view, c)))
            .collect();
        for step in due {
            let receipt = scene.play(game, honest, &step);
            assert!(receipt.is_success);
            spent += receipt.gas;
            let name = if matches!(step, Move::Decide { .. }) {
                "decide"
            } else {
                "settle"
            };
            let most = gas.entry(name.to_owned()).or_default();
            *most = receipt.gas.max(*most);
        }
        scene.wait(40_000);
    }
    let to = scene.world.games[game].game;
    let receipt = scene
        .world
        .must(honest, to, &abi::claimCreditCall { account: honest });
    gas.insert("claim credit".to_owned(), receipt.gas);
    spent + receipt.gas
}

#[test]
fn gas_of_every_transaction_equals_its_snapshot_and_keeps_its_bound() {
    let mut gas = BTreeMap::new();
    let honest_path = measure(true, &mut gas).max(measure(false, &mut gas));
    for (name, used) in &gas {
        println!("{used:>8}  {name}");
        assert!(
            !name.starts_with("counter") || *used <= MAX_COUNTER,
            "{name} uses {used} gas"
        );
    }
    println!("{honest_path:>8}  all of the honest side in the longest game");
    assert!(
        honest_path <= MAX_PATH,
        "the longest game costs the honest side {honest_path} gas"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/game/gas.json");
    let mut all = gas;
    all.insert("honest side, longest game".to_owned(), honest_path);
    let text = serde_json::to_string_pretty(&all).unwrap() + "\n";
    if std::env::var("GAME_BLESS").is_ok() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        kept, text,
        "gas changed; GAME_BLESS=1 rewrites the snapshot"
    );
}

/// Gas of the counters to a root that all stand, of their decisions, and of the root's decision and payout.
fn crowd(size: u64) -> (Vec<u64>, Vec<u64>, [u64; 2]) {
    let mut scene = Scene::new(None, 1);
    let game = scene.open(1, true);
    let root = scene.root(game);
    let (liar, mut counters, mut decisions) = (scene.liar, Vec::new(), Vec::new());
    for salt in 0..size {
        let step = scene.craft(
            game,
            root,
            crate::liar::Lie {
                salt,
                ..lie(0, Points::LieFrom(5))
            },
        );
        counters.push(scene.play(game, liar, &step).gas);
    }
    scene.wait(400_000);
    let claims: Vec<_> = scene.world.games[game].claims.values().cloned().collect();
    let decide = |scene: &mut Scene, claim| {
        let receipt = scene.play(game, liar, &Move::Decide { claim });
        assert!(receipt.is_success);
        receipt.gas
    };
    for claim in claims.iter().filter(|c| c.header.level != Level::Root) {
        decisions.push(decide(&mut scene, claim.header));
    }
    let header = scene.claim(game, root).header;
    let fall = decide(&mut scene, header);
    let view = &scene.world.games[game];
    let settle = view.claims.values().find_map(|c| payout(view, c)).unwrap();
    let receipt = scene.play(game, liar, &settle);
    assert!(receipt.is_success && scene.credit(game, liar) > U256::ZERO);
    (counters, decisions, [fall, receipt.gas])
}

#[test]
fn rule_14_gas_of_a_move_does_not_grow_with_the_number_of_claims() {
    let (counters, decisions, ends) = crowd(40);
    // The first of its kind writes fresh slots; after that every one costs the same, zero bytes of calldata apart.
    for all in [&counters[1..], &decisions[1..]] {
        let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
        assert!(most - least < 6_000, "{least} to {most}");
    }
    let (_, _, alone) = crowd(2);
    for (many, few) in ends.iter().zip(alone) {
        assert!(many.abs_diff(few) < 6_000, "{many} among 40, {few} among 2");
    }
}
