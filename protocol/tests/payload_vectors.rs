//! The payload vectors in `tests/vectors/payload`, which freeze the layout.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use alloy_primitives::{Bytes, hex};
use serde_json::Value;
use std::{fs, path::PathBuf};
use trestle_protocol::payload::{
    Payload, PayloadBlock, PayloadError, PayloadLimits, PayloadTx, decode_columns, decode_payload,
    decompress, encode_columns,
};

const LIMITS: PayloadLimits = PayloadLimits {
    chain_id: 901,
    max_decompressed: 16 << 20,
    max_blocks: 4096,
    max_transactions: 38_095,
};

fn vectors(file: &str) -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/payload");
    serde_json::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Bytes {
    hex::decode(value.as_str().unwrap()).unwrap().into()
}

fn block(value: &Value) -> PayloadBlock {
    let transactions = value["transactions"].as_array().unwrap().iter();
    PayloadBlock {
        timestamp: value["timestamp"].as_u64().unwrap(),
        deposit_count: value["depositCount"].as_u64().unwrap(),
        transactions: transactions
            .map(|tx| PayloadTx::from_encoded(bytes(tx)))
            .collect(),
    }
}

/// All that a payload means: a transaction for another chain is typed or raw as one likes.
fn flat(payload: &Payload) -> Vec<(u64, u64, Vec<Bytes>)> {
    let encoded =
        |block: &PayloadBlock| block.transactions.iter().map(PayloadTx::encoded).collect();
    let blocks = payload.blocks.iter();
    blocks
        .map(|block| (block.timestamp, block.deposit_count, encoded(block)))
        .collect()
}

/// Name of the variant, and of the frame's variant inside it.
fn name(error: PayloadError) -> String {
    let debug = format!("{error:?}");
    let words = debug
        .split(['(', ')', ' ', '{'])
        .filter(|word| !word.is_empty());
    let count = if matches!(error, PayloadError::Frame(_)) {
        2
    } else {
        1
    };
    words.take(count).collect::<Vec<_>>().join(".")
}

#[test]
fn payload_of_a_vector_decodes_to_its_blocks_and_columns() {
    let vectors = vectors("valid.json");
    assert!(vectors.len() >= 8, "only {} vectors", vectors.len());
    for vector in vectors {
        let blocks = vector["blocks"]
            .as_array()
            .unwrap()
            .iter()
            .map(block)
            .collect();
        let expected = Payload { blocks };
        let payload = bytes(&vector["payload"]);
        let columns = bytes(&vector["columns"]);
        assert_eq!(
            decompress(&payload, &LIMITS).unwrap(),
            columns,
            "{}",
            vector["name"]
        );
        let decoded = decode_payload(&payload, &LIMITS).unwrap();
        assert_eq!(flat(&decoded), flat(&expected), "{}", vector["name"]);
        assert_eq!(
            encode_columns(&expected, 901),
            columns,
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn malformed_payload_of_a_vector_is_refused_for_the_reason_given() {
    let vectors = vectors("malformed.json");
    assert!(vectors.len() >= 20, "only {} vectors", vectors.len());
    for vector in vectors {
        let refused = match vector.get("columns") {
            Some(columns) => decode_columns(&bytes(columns), &LIMITS),
            None => decode_payload(&bytes(&vector["payload"]), &LIMITS),
        };
        let error = name(refused.unwrap_err());
        assert_eq!(
            error,
            vector["error"].as_str().unwrap(),
            "{}",
            vector["name"]
        );
    }
}
