//! The gas snapshot of the step: `contracts/snapshots/step-gas.json`.
//!
//! Execution alone, the whole transaction with its calldata floor (EIP-7623), and the length of the
//! calldata in bytes, for each kind of step. Written by the example `write_vectors`.

use crate::{
    encode::word as i,
    evm::{StepVerifier, step_calldata},
    scene::{Scene, Vector},
};
use alloy_primitives::{B256, keccak256};
use serde_json::{Map, Value, json};
use trestle_vm::{
    CALL_ECRECOVER, CALL_HALT, CALL_KECCAK, CALL_READ_PAGE, CALL_READ_WORD, KEY_BLOB, KEY_KECCAK,
    Op,
};

const DATA: u64 = 0x4000_0000;
/// Largest keccak256 preimage that the protocol lets a guest read: the code of an L2 contract.
const LARGEST_LEGAL: u64 = 24_576;
/// Largest preimage that still fits a transaction of 128 KiB with this verifier alone.
const LARGEST_CALLDATA: u64 = 128_000;

/// Gas of one kind of step.
#[derive(Debug, Clone)]
pub struct StepGas {
    /// Kind of step.
    pub name: String,
    /// Gas of execution.
    pub execution: u64,
    /// Gas of the transaction.
    pub transaction: u64,
    /// Length of the calldata, in bytes.
    pub calldata: usize,
}

/// Measures every kind of step.
///
/// # Panics
/// When the contract refuses a true step.
#[must_use]
#[expect(clippy::expect_used, reason = "a refused step is a broken contract")]
pub fn step_gas(contract: &StepVerifier) -> Vec<StepGas> {
    let measure = |vector: Vector| {
        let (post, outcome) = contract
            .step(vector.pre, &vector.witness)
            .expect("the step is true");
        assert_eq!(post, vector.post, "{}", vector.name);
        StepGas {
            name: vector.name,
            execution: outcome.execution_gas,
            transaction: outcome.transaction_gas,
            calldata: step_calldata(vector.pre, &vector.witness).len(),
        }
    };
    kinds().into_iter().map(measure).collect()
}

/// The snapshot's text.
#[must_use]
pub fn gas_json(contract: &StepVerifier) -> String {
    let kinds = step_gas(contract).into_iter().map(|kind| {
        let value = json!({
            "execution": kind.execution,
            "transaction": kind.transaction,
            "calldataBytes": kind.calldata,
        });
        (kind.name, value)
    });
    let mut all: Map<String, Value> = kinds.collect();
    all.insert("codeBytes".into(), contract.code().len().into());
    format!("{:#}\n", Value::Object(all))
}

/// Bytes without zeros, which cost the most.
fn dense(len: u64) -> Vec<u8> {
    (0..len.div_ceil(32))
        .flat_map(|k| keccak256(k.to_be_bytes()).0)
        .map(|byte| byte.max(1))
        .take(usize::try_from(len).unwrap_or_default())
        .collect()
}

/// A state as full as a real one: no register is small, and memory is in use all over, so that
/// siblings are hashes and not those of zero subtrees (which cost the same).
fn full(mut scene: Scene) -> Scene {
    let set: Vec<u8> = scene
        .registers
        .iter()
        .map(|(register, _)| *register)
        .collect();
    for register in (1..32).filter(|register| !set.contains(register)) {
        scene = scene.with(register, 0x0123_4567_89ab_cdef);
    }
    scene.code.resize(1 << 12, 0xfff0_c093);
    scene.memory(DATA + 0x1_0000, &dense(4096))
}

fn kinds() -> Vec<Vector> {
    let data = dense(8192);
    let at = |address| Scene::default().with(6, address).memory(DATA, &data);
    let with = |word, mut scene: Scene| {
        scene.code = vec![word];
        full(scene)
    };
    let mut out = vec![
        crate::vectors::boot(),
        with(i(Op::Add, 5, 6, 7, 0), at(1)).vector("add"),
        with(i(Op::Rem, 5, 6, 7, 0), at(1)).vector("rem"),
        with(i(Op::Beq, 0, 6, 6, 8), at(1)).vector("branch"),
        with(i(Op::Jalr, 1, 6, 0, 0), at(0x1_0040)).vector("jump"),
        with(i(Op::Ld, 5, 6, 0, 0), at(DATA + 8)).vector("load"),
        with(i(Op::Ld, 5, 6, 0, 0), at(DATA + 124)).vector("load_straddle"),
        with(i(Op::Sd, 0, 6, 7, 0), at(DATA + 8)).vector("store"),
        with(i(Op::Sd, 0, 6, 7, 0), at(DATA + 124)).vector("store_straddle"),
        with(0, at(1)).vector("illegal"),
        full(Scene::call(CALL_HALT, &[0, 1, 2, 3, 4])).vector("halt"),
        full(Scene::call(CALL_KECCAK, &[DATA, 4096]).memory(DATA, &data)).vector("keccak_page"),
        recover(true),
        recover(false),
        blob_read(),
    ];
    for (call, len, name) in [
        (CALL_READ_WORD, 32, "read_word_of_32"),
        (CALL_READ_WORD, 532, "read_word_of_trie_node"),
        (CALL_READ_PAGE, 4096, "read_page_of_4096"),
        (CALL_READ_PAGE, LARGEST_LEGAL, "read_page_of_24576"),
        (CALL_READ_PAGE, LARGEST_CALLDATA, "read_page_of_128000"),
    ] {
        let mut scene = Scene::call(call, &[DATA, 0])
            .with(16, KEY_KECCAK)
            .memory(DATA, &data);
        let key = scene.preimages.insert(dense(len));
        out.push(full(scene.key(&key)).vector(name));
    }
    out
}

fn recover(is_valid: bool) -> Vector {
    let [hash, v, r, s] = crate::signing::sign(&keccak256("trestle"));
    let v = if is_valid { v } else { B256::ZERO };
    let bytes: Vec<u8> = [hash, v, r, s].iter().flat_map(|word| word.0).collect();
    let scene = Scene::call(CALL_ECRECOVER, &[DATA]).memory(DATA, &bytes);
    full(scene).vector(if is_valid {
        "ecrecover"
    } else {
        "ecrecover_no_signer"
    })
}

fn blob_read() -> Vector {
    let index = 4095;
    let (value, opening) = crate::blob::element(index);
    let at = u64::from(index) * 32;
    let mut scene = Scene::call(CALL_READ_WORD, &[DATA, at]).with(16, KEY_BLOB);
    let key = (crate::blob::VERSIONED_HASH, index);
    scene.preimages.insert_element(key, value, Some(opening));
    full(scene.key(&crate::blob::VERSIONED_HASH)).vector("read_blob_element")
}
