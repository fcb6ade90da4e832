//! The committed vectors against the witness executor and the contract.

use crate::lockstep::contract;
use alloy_primitives::keccak256;
use std::path::Path;
use trestle_machine_tests::{
    BLOB_INDICES, VERSIONED_HASH, blob_bytes, blob_commitment, blob_element, kzg, refusals,
    refusals_json, selector, steps_json, vectors,
};
use trestle_vm::{BOOT_LEN, WitnessError, verify_step};

fn committed(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/vm");
    std::fs::read_to_string(folder.join(name)).expect("the file is committed")
}

#[test]
fn committed_files_are_those_that_the_generator_writes() {
    assert!(
        committed("steps.json") == steps_json(),
        "run the example write_vectors"
    );
    assert!(
        committed("refusals.json") == refusals_json(),
        "run the example write_vectors"
    );
}

#[test]
fn every_vector_leads_to_its_state_in_rust_and_solidity() {
    let contract = contract();
    let mut names = std::collections::BTreeSet::new();
    for vector in vectors() {
        assert!(
            names.insert(vector.name.clone()),
            "{} is there twice",
            vector.name
        );
        assert_eq!(
            verify_step(&vector.pre, &vector.witness, &kzg),
            Ok(vector.post),
            "{}",
            vector.name
        );
        let solidity = contract
            .step(vector.pre, &vector.witness)
            .map(|(post, _)| post);
        assert_eq!(solidity, Ok(vector.post), "{}", vector.name);
    }
}

#[test]
fn every_refusal_has_its_own_error_in_rust_and_solidity() {
    let contract = contract();
    for refusal in refusals() {
        let rust = verify_step(&refusal.pre, &refusal.witness, &kzg).expect_err(&refusal.name);
        assert_eq!(
            signature(&rust),
            refusal.error,
            "{}: {rust:?}",
            refusal.name
        );
        let solidity = contract
            .step(refusal.pre, &refusal.witness)
            .expect_err(&refusal.name);
        assert_eq!(
            solidity.selector(),
            Some(selector(refusal.error)),
            "{}",
            refusal.name
        );
    }
}

/// The Solidity error that stands for a Rust error.
fn signature(error: &WitnessError) -> &'static str {
    use trestle_vm::StateError;
    match error {
        WitnessError::Length { .. } | WitnessError::State(StateError::Length { .. }) => {
            "WitnessLength(uint256,uint256)"
        }
        WitnessError::WrongState { .. } => "WrongState(bytes32,bytes32)",
        WitnessError::State(StateError::NotCanonical) => "NotCanonical()",
        WitnessError::BadImage => "BadImage()",
        WitnessError::CodePath { .. } => "CodePath(bytes32,bytes32)",
        WitnessError::MemoryPath { .. } => "MemoryPath(bytes32,bytes32)",
        WitnessError::WrongPreimage { .. } => "WrongPreimage(bytes32,bytes32)",
        WitnessError::WrongOpening { .. } => "WrongOpening(bytes32,uint256)",
    }
}

/// Every byte of every kind of witness counts: no two witnesses prove the same step.
#[test]
fn any_flipped_byte_of_a_witness_is_refused_or_changes_the_result() {
    let names = [
        "sd_straddle",
        "lw_aligned",
        "add_0",
        "read_page",
        "read_word_last",
        "boot",
    ];
    let all = vectors();
    for vector in all
        .iter()
        .filter(|vector| names.contains(&vector.name.as_str()))
    {
        assert!(vector.witness.len() >= BOOT_LEN);
        for at in 0..vector.witness.len() {
            let mut witness = vector.witness.clone();
            witness[at] ^= 0x10;
            let answer = verify_step(&vector.pre, &witness, &kzg);
            assert!(
                answer.is_err(),
                "{} with byte {at} flipped: {answer:?}",
                vector.name
            );
        }
    }
}

#[test]
fn rule_37_blob_elements_are_opened_where_the_blob_has_them() {
    let mut hash = keccak256([]);
    hash.0 = *sha256(blob_commitment().to_bytes().as_slice());
    hash.0[0] = 1;
    assert_eq!(hash, VERSIONED_HASH);
    for index in BLOB_INDICES {
        assert_eq!(blob_element(index).0, blob_bytes(index), "element {index}");
    }
}

fn sha256(bytes: &[u8]) -> Box<[u8; 32]> {
    let output = revm::precompile::hash::sha256_run(bytes, u64::MAX).expect("hashes");
    Box::new(output.bytes.as_ref().try_into().expect("32 bytes"))
}
