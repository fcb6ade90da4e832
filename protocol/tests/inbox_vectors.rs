//! Queue entries and batch headers against `tests/vectors/inbox`, which `contracts/tools/vectors.mjs`
//! writes straight from the specification. The L1 contracts are judged by the same files.

#![expect(
    clippy::indexing_slicing,
    reason = "a vector that lacks a field fails the test"
)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde_json::Value;
use trestle_protocol::{
    BatchContent, BatchHeader, Deposit, EntryBody, L1Attributes, OperatorParams, QueueEntry,
    chunked_hash,
};

/// Gas charge of a system entry in the vectors.
const SYSTEM_ENTRY_GAS: u64 = 250_000;

fn cases(file: &str) -> Vec<Value> {
    let path = format!(
        "{}/../tests/vectors/inbox/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = json["cases"].as_array().unwrap().clone();
    assert_eq!(json["count"], cases.len());
    cases
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} in {case}"))
}

fn number(case: &Value, field: &str) -> u64 {
    case[field]
        .as_u64()
        .unwrap_or_else(|| panic!("{field} in {case}"))
}

fn word(case: &Value, field: &str) -> B256 {
    text(case, field).parse().unwrap()
}

fn big(case: &Value, field: &str) -> U256 {
    U256::from_str_radix(text(case, field), 10).unwrap()
}

/// Bytes that differ from chunk to chunk, as the generator of the vectors makes them.
fn pattern(length: u64) -> Bytes {
    (0..length)
        .map(|i| (i * 31 + (i >> 8)).to_le_bytes()[0])
        .collect()
}

fn body(case: &Value) -> EntryBody {
    match text(case, "type") {
        "deposit" => EntryBody::Deposit(Deposit {
            from: text(case, "from").parse().unwrap(),
            to: (!case["isCreation"].as_bool().unwrap()).then(|| text(case, "to").parse().unwrap()),
            mint: big(case, "mint"),
            value: big(case, "value"),
            gas_limit: number(case, "gasLimit"),
            data: pattern(number(case, "dataLength")),
        }),
        "attributes" => EntryBody::Attributes(L1Attributes {
            base_fee: big(case, "baseFee"),
            blob_base_fee: big(case, "blobBaseFee"),
            parent_hash: word(case, "parentHash"),
            prevrandao: word(case, "prevrandao"),
        }),
        "operator" => EntryBody::Operator(OperatorParams {
            user_gas_limit: number(case, "userGasLimit"),
            data_scalar: u32::try_from(number(case, "dataScalar")).unwrap(),
            data_kinds: u8::try_from(number(case, "dataKinds")).unwrap(),
            min_floor: text(case, "minFloor").parse().unwrap(),
            batcher: text(case, "batcher").parse().unwrap(),
        }),
        other => panic!("unknown type {other}"),
    }
}

#[test]
fn queue_entries_match_vectors() {
    let (mut acc, mut charged) = (B256::ZERO, 0);
    for case in cases("entries") {
        let entry = QueueEntry {
            l1_number: number(&case, "number"),
            l1_time: number(&case, "time"),
            body: body(&case),
        };
        acc = entry.accumulate(acc);
        charged += entry.gas(SYSTEM_ENTRY_GAS);
        let name = text(&case, "name");
        assert_eq!(
            hex::encode_prefixed(entry.encode()),
            text(&case, "entry"),
            "{name}"
        );
        assert_eq!(entry.hash(), word(&case, "hash"), "{name}");
        assert_eq!(acc, word(&case, "acc"), "{name}");
        assert_eq!(charged, number(&case, "cumGas"), "{name}");
        let data = match &entry.body {
            EntryBody::Deposit(deposit) => deposit.data.clone(),
            _ => Bytes::new(),
        };
        assert_eq!(
            QueueEntry::decode(&entry.encode(), data),
            Ok(entry),
            "{name}"
        );
    }
}

fn content(case: &Value) -> BatchContent {
    match number(case, "kind") {
        0 => {
            let payload = pattern(number(case, "payloadLength"));
            let length = u32::try_from(payload.len()).unwrap();
            BatchContent::Calldata {
                hash: chunked_hash(&payload),
                length,
            }
        }
        1 => {
            let blobs = case["blobs"].as_array().unwrap().iter();
            BatchContent::Blobs(
                blobs
                    .map(|blob| blob.as_str().unwrap().parse().unwrap())
                    .collect(),
            )
        }
        _ => BatchContent::Forced,
    }
}

#[test]
fn rule_25_batch_headers_match_vectors() {
    let mut acc = B256::ZERO;
    for case in cases("headers") {
        let header = BatchHeader {
            inbox: text(&case, "inbox").parse::<Address>().unwrap(),
            l1_chain_id: number(&case, "l1ChainId"),
            index: number(&case, "index"),
            l1_number: number(&case, "l1Number"),
            l1_time: number(&case, "l1Time"),
            deposit_from: number(&case, "depositFrom"),
            deposit_to: number(&case, "depositTo"),
            deposit_acc: word(&case, "depositAcc"),
            claimed_end_block_hash: word(&case, "claimedEndBlockHash"),
            content: content(&case),
        };
        acc = header.accumulate(acc);
        let name = text(&case, "name");
        assert_eq!(
            hex::encode_prefixed(header.encode()),
            text(&case, "header"),
            "{name}"
        );
        assert_eq!(header.hash(), word(&case, "hash"), "{name}");
        assert_eq!(acc, word(&case, "acc"), "{name}");
        assert_eq!(BatchHeader::decode(&header.encode()), Ok(header), "{name}");
    }
}

#[test]
fn rule_26_chunked_hashes_match_vectors() {
    for case in cases("chunked") {
        let length = number(&case, "length");
        assert_eq!(
            chunked_hash(&pattern(length)),
            word(&case, "hash"),
            "{length} bytes"
        );
    }
}
