//! What a step costs on L1, and what happens when it is given less.

use crate::lockstep::contract;
use std::path::Path;
use trestle_machine_tests::{CallError, gas_json, selector, step_calldata, step_gas, vectors};

/// L1's cap on one transaction (EIP-7825), in gas.
const GAS_CAP: u64 = 16_777_216;

#[test]
fn gas_of_every_kind_of_step_is_as_committed() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/snapshots/step-gas.json");
    let committed = std::fs::read_to_string(file).expect("the snapshot is committed");
    assert_eq!(
        gas_json(&contract()),
        committed,
        "run `make vectors-machine` and look at the change"
    );
}

#[test]
fn rule_38_steps_stay_below_the_caps_with_prices_ten_times_as_high() {
    for kind in step_gas(&contract()) {
        assert!(kind.calldata < 131_072, "{kind:?}");
        // Even if execution cost ten times what it does, beside 64 gas a byte of calldata.
        let repriced = 21_000 + 10 * kind.execution + 64 * kind.calldata as u64;
        assert!(kind.transaction < GAS_CAP && repriced < GAS_CAP, "{kind:?}");
        let is_ordinary = !kind.name.starts_with("read") && !kind.name.starts_with("keccak");
        assert!(!is_ordinary || kind.transaction <= 250_000, "{kind:?}");
    }
    assert!(contract().code().len() <= 24_576);
}

/// A caller who gives too little gas gets a revert or a halt, never another answer.
#[test]
fn rule_34_starved_native_calls_revert_and_prove_nothing() {
    let contract = contract();
    let names = [
        "ecrecover_valid",
        "ecrecover_v_26",
        "keccak_full",
        "read_blob_1",
        "sd_straddle",
    ];
    let all = vectors();
    for vector in all
        .iter()
        .filter(|vector| names.contains(&vector.name.as_str()))
    {
        let data = step_calldata(vector.pre, &vector.witness);
        let floor = 21_000
            + data
                .iter()
                .map(|byte| if *byte == 0 { 10_u64 } else { 40 })
                .sum::<u64>();
        let (mut refused, mut answered) = (0, 0);
        // Above the floor of the transaction, in steps that miss no precompile.
        for gas in (floor..floor + 700_000).step_by(487) {
            match contract.call(data.clone(), gas) {
                Ok(outcome) => {
                    assert_eq!(outcome.output.as_ref(), vector.post.as_slice(), "{gas} gas");
                    answered += 1;
                }
                Err(CallError::Halt(_) | CallError::Revert(_)) => refused += 1,
                Err(error) => panic!("{}: {error}", vector.name),
            }
        }
        assert!(answered > 0, "{} never had enough gas", vector.name);
        println!("{}: {refused} refused, {answered} answered", vector.name);
    }
}

/// The floor of calldata leaves enough gas for most steps; below it only the call itself is starved.
#[test]
fn rule_34_the_call_itself_is_starved_at_every_gas() {
    let contract = contract();
    for name in ["ecrecover_valid", "read_blob_1"] {
        let vector = vectors()
            .into_iter()
            .find(|vector| vector.name == name)
            .expect("is there");
        let data = step_calldata(vector.pre, &vector.witness);
        let mut reasons = std::collections::BTreeSet::new();
        for gas in (0..700_000).step_by(97) {
            match contract.call_without_intrinsic(data.clone(), gas) {
                Ok(outcome) => {
                    assert_eq!(outcome.output.as_ref(), vector.post.as_slice(), "{gas} gas");
                    reasons.insert("answered".to_string());
                }
                Err(CallError::Revert(output)) => {
                    let too_low = selector("GasTooLow(uint256,uint256)");
                    assert_eq!(output.get(..4), Some(too_low.as_slice()), "{gas} gas");
                    reasons.insert("GasTooLow".to_string());
                }
                Err(CallError::Halt(reason)) => drop(reasons.insert(reason)),
                Err(error) => panic!("{error}"),
            }
        }
        assert!(
            reasons.contains("answered") && reasons.contains("GasTooLow"),
            "{reasons:?}"
        );
    }
}
