//! Layouts of withdrawals, messages and representations against `tests/vectors/withdrawals`, which libraries of
//! others wrote (`tests/clients/withdrawal-vectors.mjs`).

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::{SolCall, SolValue},
};
use serde::Deserialize;
use trestle_contracts::bindings::{L1CrossDomainMessenger, portal::IPortal::WithdrawalTransaction};
use trestle_protocol::trie::verify_storage_proof;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    nonce: U256,
    sender: Address,
    target: Address,
    value: U256,
    gas_limit: U256,
    data: Bytes,
    hash: B256,
    slot: B256,
    proof: Vec<Bytes>,
    message_hash: B256,
}

#[derive(Deserialize)]
struct Representation {
    bridge: Address,
    implementation: Address,
    token: Address,
    representation: Address,
}

#[derive(Deserialize)]
struct Vectors {
    root: B256,
    cases: Vec<Case>,
    representations: Vec<Representation>,
}

fn vectors() -> Result<Vectors, Box<dyn std::error::Error>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/withdrawals/cases.json"
    );
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

#[test]
fn withdrawals_and_messages_hash_and_prove_as_the_vectors_say() {
    let vectors = vectors().unwrap();
    assert_eq!(vectors.cases.len(), 8);
    for case in &vectors.cases {
        let withdrawal = WithdrawalTransaction {
            nonce: case.nonce,
            sender: case.sender,
            target: case.target,
            value: case.value,
            gasLimit: case.gas_limit,
            data: case.data.clone(),
        };
        assert_eq!(keccak256(withdrawal.abi_encode_params()), case.hash);
        let slot = keccak256((case.hash, U256::ZERO).abi_encode());
        assert_eq!(slot, case.slot);
        let value = verify_storage_proof(vectors.root, slot.into(), &case.proof).unwrap();
        assert_eq!(value, U256::from(1));
        let call = L1CrossDomainMessenger::relayMessageCall {
            nonce: case.nonce,
            sender: case.sender,
            target: case.target,
            value: case.value,
            minGasLimit: case.gas_limit,
            message: case.data.clone(),
        };
        assert_eq!(keccak256(call.abi_encode()), case.message_hash);
    }
}

#[test]
fn representations_are_where_the_vectors_say() {
    for case in vectors().unwrap().representations {
        let code = [
            alloy::hex!("3d602d80600a3d3981f3363d3d373d3d3d363d73").as_slice(),
            case.implementation.as_slice(),
            alloy::hex!("5af43d82803e903d91602b57fd5bf3").as_slice(),
        ]
        .concat();
        let made = case.bridge.create2_from_code(case.token.into_word(), code);
        assert_eq!(made, case.representation);
    }
}
