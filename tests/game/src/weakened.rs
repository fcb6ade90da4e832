//! Contracts with one rule taken out each, and the attack that the rule stops.
//!
//! Every attack runs twice: against the contracts as they are, where it must fail, and against the variant that
//! `weakenings.mjs` plants under the same name, where it must succeed. An attack that fails against its variant
//! would show that the rule is not tested; a weakening without an attack fails the test too.

mod clock;
mod content;
mod money;
mod proposal;
pub(crate) mod scene;
mod shape;

use std::collections::BTreeSet;

use crate::{artifacts::weakenings, liar::Kind, simulator};
use scene::Scene;

/// True when the attacker got what the rule denies it.
type Attack = fn(&mut Scene) -> bool;

/// Attacks by the name of the weakening that lets them through, with the batches of the Inbox.
const ATTACKS: &[(&str, u64, Attack)] = &[
    ("same-end", 2, shape::copy_of_the_truth_defeats_it),
    ("same-output-at-entry", 1, shape::copy_of_the_run_defeats_it),
    (
        "output-after-failure",
        300,
        shape::outputs_revive_after_a_failure,
    ),
    ("start-is-failure", 3, shape::failed_batch_runs_on),
    ("panic-refutes-nothing", 1, shape::panicking_batch_settles),
    ("running-refutes-nothing", 1, shape::endless_batch_settles),
    (
        "step-needs-no-contradiction",
        1,
        shape::true_leaf_is_stepped,
    ),
    (
        "start-unproven",
        1,
        shape::true_leaf_is_stepped_from_elsewhere,
    ),
    ("end-unproven", 1, shape::true_leaf_is_stepped_to_elsewhere),
    (
        "segment-beyond",
        3,
        shape::segment_beyond_the_last_is_answered,
    ),
    ("identity-by-end", 1, content::true_end_is_occupied),
    ("identity-by-position", 1, content::reorg_retargets_a_move),
    ("repeat-keeps-value", 1, content::copycat_costs_the_bond),
    ("flat-bonds", 1, money::answers_lock_as_much),
    ("rising-bonds", 1, money::answers_lock_as_much),
    ("bond-unpaid", 1, money::claim_is_free),
    ("nothing-burned", 1, money::answering_oneself_is_free),
    ("first-come-payout", 2, money::garbage_is_paid),
    ("any-payee", 2, money::freeloader_is_named_payee),
    ("step-pays-sender", 1, money::copied_step_takes_the_bond),
    ("claimant-is-origin", 1, money::relayer_owns_the_claim),
    ("settled-twice", 1, money::bond_is_paid_twice),
    ("credit-not-cleared", 1, money::credit_is_paid_twice),
    ("undecided-ignored", 1, clock::answered_claim_stands),
    ("early-decision", 1, clock::false_root_stands_at_once),
    ("late-moves", 1, clock::settled_time_is_disputed),
    ("decided-reopens", 1, clock::fallen_leaf_falls_again),
    ("no-extension", 1, clock::late_defender_has_no_time),
    ("clock-of-opponent", 1, clock::waiting_costs_the_other_side),
    ("clock-starts-afresh", 1, clock::waiting_costs_nothing),
    (
        "fall-waits-for-siblings",
        1,
        clock::hostile_sibling_delays_the_fall,
    ),
    ("beyond-inbox", 1, proposal::unknown_batch_is_proposed),
    ("any-accumulator", 1, proposal::other_batches_are_proposed),
    ("any-anchor", 1, proposal::false_anchor_is_proposed),
    ("any-height", 1, proposal::absurd_height_is_proposed),
    (
        "any-preimage",
        1,
        proposal::root_without_preimage_is_proposed,
    ),
    (
        "any-length",
        1 << 22,
        proposal::too_many_batches_are_proposed,
    ),
    ("no-air-gap", 1, proposal::anchor_moves_at_once),
    ("anchor-backward", 2, proposal::anchor_moves_back),
    (
        "stop-on-agreement",
        1,
        proposal::finalisation_is_stopped_without_cause,
    ),
    ("stop-ignored", 1, proposal::contradicted_root_is_final),
    (
        "cleared-games-count",
        1,
        proposal::contradicted_root_is_final_after_the_stop,
    ),
    (
        "countered-counts",
        1,
        proposal::countered_root_is_final_undecided,
    ),
    (
        "no-air-gap-undecided",
        1,
        proposal::undecided_root_is_final_at_its_deadline,
    ),
    (
        "retired-counts",
        1,
        proposal::game_of_a_retired_type_is_final,
    ),
];

/// Weakenings that also the seeded simulator must notice, played by one kind of attacker alone.
const SIMULATED: &[(&str, Kind)] = &[
    ("same-end", Kind::SameEnd),
    ("same-output-at-entry", Kind::SameEnd),
    ("panic-refutes-nothing", Kind::Panicker),
    ("running-refutes-nothing", Kind::NonHalting),
    ("identity-by-end", Kind::WrongInterior),
    ("repeat-keeps-value", Kind::Copycat),
    ("step-needs-no-contradiction", Kind::WrongRoot),
    ("step-needs-no-contradiction", Kind::LastSecond),
];

#[test]
fn attacks_succeed_where_their_rule_is_missing_and_nowhere_else() {
    let mut wrong = Vec::new();
    for (name, batches, attack) in ATTACKS {
        if attack(&mut Scene::new(None, *batches)) {
            wrong.push(format!("{name}: the attack succeeds against the contracts"));
        }
        if !attack(&mut Scene::new(Some(name), *batches)) {
            wrong.push(format!(
                "{name}: the attack fails against the weakened contracts"
            ));
        }
    }
    println!("{} weakenings, each beaten by its attack", ATTACKS.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_weakening_has_its_attack() {
    let planted: BTreeSet<String> = weakenings().into_iter().collect();
    let attacked: BTreeSet<String> = ATTACKS
        .iter()
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    assert_eq!(planted, attacked);
    assert!(planted.len() >= 25);
}

#[test]
fn simulator_notices_a_missing_rule_by_the_kind_of_attacker_it_stops() {
    for (name, kind) in SIMULATED {
        let noticed = (0..60).find_map(|seed| {
            let setup = simulator::Setup {
                seed: 5_000_000 + seed,
                max_attackers: 4,
                kind: Some(*kind),
                weakening: Some(name),
            };
            simulator::simulate(setup).err()
        });
        println!(
            "{name} by {kind:?}: {}",
            noticed.as_deref().unwrap_or("not noticed")
        );
        assert!(
            noticed.is_some(),
            "{name} is not noticed when {kind:?} plays"
        );
    }
}
