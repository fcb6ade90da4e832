//! Requests that no client would send: valid ones with parts removed, replaced, nested and stretched.
//!
//! Each must be answered, under its own id, with a result or an error that is not the node's fault;
//! memory must not grow with their number. `RPC_FUZZ_CASES` sets the number, `RPC_FUZZ_SEED` the
//! seed, which is printed.

use alloy_consensus::TxEip1559;
use alloy_primitives::{B256, TxKind};
use serde_json::{Map, Value, json};

use super::bed::{Bed, Wishes, logger, reverter};
use crate::rpc::{RpcLimits, openrpc::METHODS};

/// Requests in one batch.
const BATCH: usize = 100;
/// Growth of memory between the first quarter of the cases and the end that is tolerated, in bytes:
/// caches fill, allocators keep.
const TOLERATED_GROWTH: usize = 96 << 20;

/// SplitMix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Things that exist, so that requests get past the first check.
struct Known {
    addresses: Vec<Value>,
    hashes: Vec<Value>,
    raw: Vec<Value>,
}

/// A value of a type of the OpenRPC table.
fn value(kind: &str, known: &Known, dice: &mut Dice) -> Value {
    if let Some(item) = kind.strip_suffix("[]") {
        return (0..dice.below(4))
            .map(|_| value(item, known, dice))
            .collect();
    }
    match kind {
        "quantity" => json!(format!("{:#x}", dice.roll() >> dice.below(64))),
        "integer" => json!(dice.roll() >> dice.below(64)),
        "number" => json!(dice.below(100)),
        "bool" => json!(dice.one_in(2)),
        "bytes" => dice.pick(&known.raw).clone(),
        "hash" => dice.pick(&known.hashes).clone(),
        "address" => dice.pick(&known.addresses).clone(),
        "slot" => json!(format!("{:#x}", dice.below(5))),
        "block" => dice
            .pick(&[
                json!("latest"),
                json!("pending"),
                json!("safe"),
                json!("earliest"),
                json!("0x1"),
                json!({"blockNumber": "0x1"}),
                json!({"blockHash": known.hashes[0]}),
            ])
            .clone(),
        "string" => dice
            .pick(&[
                json!("trace"),
                json!("vmTrace"),
                json!("stateDiff"),
                json!("logs"),
                json!("x"),
            ])
            .clone(),
        "request" => request(known, dice),
        "overrides" => {
            let account = json!({"balance": "0x1", "nonce": "0x2", "code": "0x60006000fd",
                "stateDiff": {B256::ZERO.to_string(): B256::ZERO}});
            let address = dice.pick(&known.addresses).as_str().unwrap().to_owned();
            json!({address: account})
        }
        "blockOverrides" => {
            json!({"number": "0x5", "time": "0x6", "gasLimit": "0x7", "baseFee": "0x8"})
        }
        "filter" => json!({"fromBlock": "0x0", "toBlock": "latest", "address": known.addresses[0],
            "topics": [null, [B256::ZERO]]}),
        _ => options(known, dice),
    }
}

fn request(known: &Known, dice: &mut Dice) -> Value {
    let mut request = Map::new();
    let fields: [(&str, Value); 12] = [
        ("from", dice.pick(&known.addresses).clone()),
        ("to", dice.pick(&known.addresses).clone()),
        ("gas", json!("0x20000")),
        ("gasPrice", json!("0x77359400")),
        ("maxFeePerGas", json!("0x77359400")),
        ("maxPriorityFeePerGas", json!("0x1")),
        ("value", json!("0x1")),
        ("data", json!("0xdeadbeef")),
        ("input", json!("0xdeadbeef")),
        ("nonce", json!("0x1")),
        (
            "accessList",
            json!([{"address": known.addresses[0], "storageKeys": [B256::ZERO]}]),
        ),
        (
            "authorizationList",
            json!([{"chainId": "0x1", "address": known.addresses[0], "nonce": "0x0",
            "yParity": "0x0", "r": "0x1", "s": "0x1"}]),
        ),
    ];
    for (name, field) in fields {
        if dice.one_in(3) {
            request.insert(name.to_owned(), field);
        }
    }
    Value::Object(request)
}

fn options(known: &Known, dice: &mut Dice) -> Value {
    let call = request(known, dice);
    dice.pick(&[
        json!({"tracer": "callTracer"}),
        json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}}),
        json!({"enableMemory": true}),
        json!({"blockStateCalls": [{"calls": [call]}], "validation": true, "traceTransfers": true}),
        json!({"fromBlock": "0x1", "toBlock": "0x2", "count": 5}),
        json!({known.addresses[0].as_str().unwrap(): ["0x0"]}),
        json!(null),
    ])
    .clone()
}

/// Changes one place of a value to something else.
fn mutate(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Object(fields) if !fields.is_empty() && !dice.one_in(4) => {
            let name = dice
                .pick(&fields.keys().cloned().collect::<Vec<_>>())
                .clone();
            if dice.one_in(3) {
                let moved = fields.remove(&name).unwrap();
                if dice.one_in(2) {
                    fields.insert(format!("{name}x"), moved);
                }
            } else if let Some(field) = fields.get_mut(&name) {
                mutate(field, dice);
            }
        }
        Value::Array(items) if !items.is_empty() && !dice.one_in(4) => {
            let at = dice.below(items.len());
            match dice.below(4) {
                0 => {
                    items.remove(at);
                }
                1 => items.insert(at, strange(dice)),
                _ => mutate(&mut items[at], dice),
            }
        }
        Value::String(text) if !text.is_empty() && !dice.one_in(3) => {
            let at = dice.below(text.len());
            if text.is_char_boundary(at) {
                match dice.below(3) {
                    0 => text.truncate(at),
                    1 => text.insert(at, *dice.pick(&['0', 'f', 'z', 'x', '\u{0}', 'é', ' '])),
                    _ => *text = text.repeat(1 + dice.below(40)),
                }
            }
        }
        other => *other = strange(dice),
    }
}

fn strange(dice: &mut Dice) -> Value {
    let deep = (0..dice.below(60)).fold(json!([]), |inner, _| json!([inner]));
    dice.pick(&[
        json!(null),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(true),
        json!(""),
        json!("0x"),
        json!("0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
        json!("0x10000000000000000000000000000000000000000000000000000000000000000"),
        json!("latest"),
        json!({}),
        json!([]),
        json!({"blockHash": "0x0", "blockNumber": "0x0"}),
        deep,
    ])
    .clone()
}

fn case(id: usize, known: &Known, dice: &mut Dice) -> Value {
    let (name, _, params, _, _) = dice.pick(&METHODS);
    let kinds = params
        .split(", ")
        .filter_map(|param| Some(param.split_once(": ")?.1));
    let params: Vec<Value> = kinds.map(|kind| value(kind, known, dice)).collect();
    let mut params = Value::Array(params);
    for _ in 0..dice.below(4) {
        mutate(&mut params, dice);
    }
    json!({"jsonrpc": "2.0", "id": id, "method": name, "params": params})
}

/// Resident memory of this process, in bytes.
/// Held by tests that look at the memory of the process, or use much of it: one at a time.
pub(super) static MEMORY: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

pub(super) fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = pages
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    pages * 4_096
}

pub(super) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// A chain with something of everything in it.
async fn bed() -> (Bed, Known) {
    let limits = RpcLimits {
        call_gas: 1_000_000,
        ..RpcLimits::default()
    };
    let bed = Bed::with(Wishes {
        limits,
        ..Wishes::default()
    })
    .await;
    let log = bed.deploy(0, 0, &logger(B256::repeat_byte(1))).await;
    let revert = bed.deploy(0, 1, &reverter(&[1, 2, 3])).await;
    let mut hashes = Vec::new();
    for (nonce, to) in [(2, log), (3, revert)] {
        let to = TxKind::Call(to);
        hashes.push(
            bed.send(bed.sign(
                0,
                TxEip1559 {
                    nonce,
                    to,
                    ..TxEip1559::default()
                },
            ))
            .await,
        );
        hashes.push(bed.seal().await.header.hash);
    }
    let known = Known {
        addresses: vec![json!(log), json!(revert), json!(bed.address(0))],
        hashes: hashes.into_iter().rev().map(|hash| json!(hash)).collect(),
        raw: vec![
            json!(bed.transfer(1, 9, 1)),
            json!("0x"),
            json!("0x02c0"),
            json!("0xf800"),
        ],
    };
    (bed, known)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pitfall_b8_no_request_breaks_the_node_or_is_its_fault() {
    let _alone = MEMORY.lock().await;
    let cases = usize::try_from(number("RPC_FUZZ_CASES", 20_000)).unwrap();
    let seed = number("RPC_FUZZ_SEED", 7);
    println!("{cases} cases, seed {seed}");
    let (bed, known) = bed().await;
    let mut dice = Dice(seed);
    let mut early = None;
    for first in (0..cases).step_by(BATCH) {
        let batch: Vec<_> = (first..first + BATCH)
            .map(|id| case(id, &known, &mut dice))
            .collect();
        let answers = bed.post(&json!(batch).to_string()).await;
        let answers = answers.as_array().unwrap_or_else(|| panic!("{answers}"));
        assert_eq!(answers.len(), batch.len());
        for (request, answer) in batch.iter().zip(answers) {
            assert_eq!(answer["id"], request["id"], "{request}");
            let code = answer["error"]["code"].as_i64();
            assert!(code != Some(-32603), "{request}\n{answer}");
            assert!(
                answer.get("result").is_some() != code.is_some(),
                "{request}\n{answer}"
            );
        }
        if first >= cases / 4 {
            early.get_or_insert_with(resident);
        }
    }
    let grown = resident().saturating_sub(early.unwrap_or_default());
    assert!(grown < TOLERATED_GROWTH, "memory grew by {grown} bytes");
}
