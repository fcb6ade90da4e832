//! The choice of moves over a trace whose every value is a hash of its position.

use core::convert::Infallible;

use alloy_primitives::keccak256;

use super::*;
use crate::{
    delay::Clocks,
    view::{GameParams, Moved},
};

/// Output after batch `b` is `hash(b)`; no batch fails.
struct Positions;

fn value(what: &str, batch: u64, position: u64) -> B256 {
    keccak256(
        [
            what.as_bytes(),
            &batch.to_be_bytes(),
            &position.to_be_bytes(),
        ]
        .concat(),
    )
}

impl Truth for Positions {
    type Error = Infallible;

    fn output(&self, batch: u64) -> Result<Option<B256>, Infallible> {
        Ok(Some(value("output", batch, 0)))
    }

    fn states(&self, batch: u64, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        Ok(steps
            .iter()
            .map(|step| value("state", batch, *step))
            .collect())
    }

    fn end_state(&self, batch: u64) -> Result<Bytes, Infallible> {
        Ok(value("end", batch, 0).to_vec().into())
    }

    fn witness(&self, batch: u64, step: u64) -> Result<Bytes, Infallible> {
        Ok(value("witness", batch, step).to_vec().into())
    }
}

const ME: Address = Address::repeat_byte(1);
const OTHER: Address = Address::repeat_byte(2);

fn view(batches: u64, output: B256) -> GameView {
    let root = Header {
        parent: B256::ZERO,
        level: Level::Root,
        segment: 0,
        lo: 0,
        hi: batches,
        start: value("output", 0, 0),
        points: output,
    };
    let clocks = Clocks {
        max_clock: 1_000,
        extension: 100,
    };
    let params = GameParams {
        clocks,
        bond_min: U256::from(262_144),
    };
    GameView::new(Address::repeat_byte(9), params, root, OTHER, 5_000)
}

fn purse(balance: u64) -> Purse {
    Purse {
        account: ME,
        balance: U256::from(balance),
        credit: U256::ZERO,
        takes_profit: false,
    }
}

fn counter_of(plan: &Plan) -> (Header, Header, Vec<B256>) {
    match plan.moves.first() {
        Some(Move::Counter {
            parent,
            child,
            points,
            ..
        }) => (*parent, *child, points.clone()),
        other => panic!("not a counter: {other:?}"),
    }
}

/// Puts the first counter of a plan into the view, as made by somebody.
fn make(view: &mut GameView, plan: &Plan, claimant: Address) -> ClaimId {
    let (_, header, points) = counter_of(plan);
    view.record_move(Moved {
        header,
        points,
        claimant,
        time: view.now,
    })
    .unwrap();
    header.id(view.game)
}

#[test]
fn true_root_needs_no_move() {
    let view = view(5, value("output", 5, 0));
    assert_eq!(
        choose_moves(&view, &Positions, &purse(u64::MAX)).unwrap(),
        Plan::default()
    );
}

#[test]
fn false_root_is_answered_by_the_true_dissection() {
    let view = view(5, B256::repeat_byte(7));
    let (parent, child, points) =
        counter_of(&choose_moves(&view, &Positions, &purse(u64::MAX)).unwrap());
    assert_eq!(parent.level, Level::Root);
    assert_eq!((child.level, child.lo, child.hi), (Level::Batch, 0, 5));
    assert_eq!(
        points,
        (1..=5)
            .map(|batch| value("output", batch, 0))
            .collect::<Vec<_>>()
    );
}

#[test]
fn answer_that_is_there_already_is_not_repeated_whoever_made_it() {
    let mut view = view(5, B256::repeat_byte(7));
    let plan = choose_moves(&view, &Positions, &purse(u64::MAX)).unwrap();
    make(&mut view, &plan, OTHER);
    assert_eq!(
        choose_moves(&view, &Positions, &purse(u64::MAX)).unwrap(),
        Plan::default()
    );
}

#[test]
fn counter_to_the_truth_is_refuted_at_its_first_false_segment() {
    let mut view = view(300, B256::repeat_byte(7));
    let plan = choose_moves(&view, &Positions, &purse(u64::MAX)).unwrap();
    let truth = make(&mut view, &plan, OTHER);
    let parent = view.claims[&truth].clone();
    // Segment 2 of 300 batches is [4, 7]; the lie begins at batch 6.
    let points = vec![
        value("output", 5, 0),
        B256::repeat_byte(1),
        B256::repeat_byte(2),
    ];
    let header = Header {
        parent: truth,
        level: Level::Batch,
        segment: 2,
        lo: 4,
        hi: 7,
        start: parent.points[1],
        points: PointTree::new(&points).root(),
    };
    view.record_move(Moved {
        header,
        points,
        claimant: OTHER,
        time: view.now,
    })
    .unwrap();
    let (answered, child, states) =
        counter_of(&choose_moves(&view, &Positions, &purse(u64::MAX)).unwrap());
    assert_eq!(answered, header);
    assert_eq!(
        (child.level, child.segment, child.hi),
        (Level::Machine, 1, MACHINE_STEPS)
    );
    assert_eq!(child.start, value("state", 6, 0), "batch 6 is run");
    assert_eq!(states.last(), Some(&value("state", 6, MACHINE_STEPS)));
}

#[test]
fn claim_with_a_false_start_is_left_alone() {
    let mut view = view(300, B256::repeat_byte(7));
    let lie: Vec<B256> = (0..128).map(|i| value("lie", 0, i)).collect();
    let (id, root) = view.root().map(|(id, claim)| (id, claim.header)).unwrap();
    let header = Header {
        parent: id,
        level: Level::Batch,
        points: PointTree::new(&lie).root(),
        ..root
    };
    view.record_move(Moved {
        header,
        points: lie.clone(),
        claimant: OTHER,
        time: view.now,
    })
    .unwrap();
    let garbage = vec![B256::repeat_byte(3), B256::repeat_byte(4)];
    let below = Header {
        parent: header.id(view.game),
        level: Level::Batch,
        segment: 1,
        lo: 2,
        hi: 4,
        start: lie[0],
        points: PointTree::new(&garbage).root(),
    };
    view.record_move(Moved {
        header: below,
        points: garbage,
        claimant: OTHER,
        time: view.now,
    })
    .unwrap();
    let plan = choose_moves(&view, &Positions, &purse(u64::MAX)).unwrap();
    assert_eq!(plan.moves.len(), 1, "only the root is answered: {plan:?}");
    let greedy = Purse {
        takes_profit: true,
        ..purse(u64::MAX)
    };
    make(&mut view, &plan, ME);
    let plan = choose_moves(&view, &Positions, &greedy).unwrap();
    let (answered, ..) = counter_of(&plan);
    assert_eq!(
        (plan.moves.len(), answered),
        (1, header),
        "profit is in the true start alone"
    );
}

#[test]
fn poor_purse_reports_what_it_lacks() {
    let view = view(5, B256::repeat_byte(7));
    let plan = choose_moves(&view, &Positions, &purse(1)).unwrap();
    assert!(plan.moves.is_empty());
    // Six moves stay possible below the first answer over 5 batches.
    assert_eq!(plan.unaffordable, U256::from(1_000_000));
}

#[test]
fn nothing_is_answered_after_its_deadline() {
    let mut view = view(5, B256::repeat_byte(7));
    view.now += 1_000;
    let plan = choose_moves(&view, &Positions, &purse(u64::MAX)).unwrap();
    assert!(matches!(plan.moves[..], [Move::Decide { .. }]), "{plan:?}");
}
