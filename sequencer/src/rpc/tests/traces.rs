//! Traces of a corpus of transactions, held against receipts and against what the code does.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use serde_json::{Value, json};
use trestle_protocol::Deposit;

use super::bed::{Bed, ETHER, creation, logger, reverter};

/// Calls `target` with 7 wei and all gas, and returns.
fn caller(target: Address) -> Vec<u8> {
    // PUSH0 ×4 (out, in); PUSH1 7; PUSH20 target; GAS; CALL; STOP
    let mut code = vec![0x5f, 0x5f, 0x5f, 0x5f, 0x60, 7, 0x73];
    code.extend(target);
    code.extend([0x5a, 0xf1, 0x00]);
    code
}

/// A bed with one block that holds: a deployment, a call that calls, a revert, a log, a call of a
/// precompile, an out-of-gas, and a deposit that reverts. Gives the hashes in order.
async fn corpus() -> (Bed, Vec<B256>, [Address; 4]) {
    let bed = Bed::new().await;
    let log = bed.deploy(0, 0, &logger(B256::repeat_byte(1))).await;
    let revert = bed.deploy(0, 1, &reverter(&[0xde, 0xad])).await;
    let outer = bed.deploy(0, 2, &caller(log)).await;
    // Calls the identity precompile.
    let precompile = bed.deploy(0, 3, &caller(Address::with_last_byte(4))).await;
    let call = |nonce, to, gas_limit| {
        let to = TxKind::Call(to);
        let value = U256::from(7);
        bed.sign(
            0,
            TxEip1559 {
                nonce,
                to,
                gas_limit,
                value,
                ..TxEip1559::default()
            },
        )
    };
    let create = TxEip1559 {
        nonce: 4,
        to: TxKind::Create,
        input: creation(&[0x5f, 0xff]),
        ..TxEip1559::default()
    };
    let mut hashes = vec![
        bed.send(bed.sign(0, create)).await,
        bed.send(call(5, outer, 0)).await,
        bed.send(call(6, revert, 0)).await,
        bed.send(call(7, log, 0)).await,
        bed.send(call(8, precompile, 0)).await,
        bed.send(call(9, log, 21_100)).await,
    ];
    let deposit = bed.deposit(Deposit {
        from: Address::repeat_byte(0xd0),
        to: Some(revert),
        mint: ETHER,
        value: U256::from(1),
        gas_limit: 100_000,
        data: Bytes::new(),
    });
    let unpayable = bed.deposit(Deposit {
        from: Address::repeat_byte(0xd1),
        to: Some(log),
        mint: U256::ZERO,
        value: ETHER,
        gas_limit: 70_000,
        data: Bytes::new(),
    });
    let block = bed.seal_with(&[deposit, unpayable]).await;
    let deposits = block
        .body
        .transactions
        .iter()
        .take(2)
        .map(|tx| tx.tx_hash());
    hashes.extend(deposits);
    (bed, hashes, [log, revert, outer, precompile])
}

async fn traced(bed: &Bed, hash: B256, options: Value) -> Value {
    bed.ask("debug_traceTransaction", json!([hash, options]))
        .await
        .unwrap()
}

#[tokio::test]
async fn call_traces_agree_with_receipts() {
    let (bed, hashes, [log, _, outer, _]) = corpus().await;
    let tracer = json!({"tracer": "callTracer", "tracerConfig": {"withLog": true}});
    for hash in &hashes {
        let trace = traced(&bed, *hash, tracer.clone()).await;
        let receipt = bed
            .ask("eth_getTransactionReceipt", json!([hash]))
            .await
            .unwrap();
        assert_eq!(trace["gasUsed"], receipt["gasUsed"], "{trace}");
        assert_eq!(trace["from"], receipt["from"]);
        assert_eq!(
            trace["error"].is_string(),
            receipt["status"] == "0x0",
            "{trace}"
        );
    }
    let nested = traced(&bed, hashes[1], tracer.clone()).await;
    assert_eq!(
        (&nested["type"], &nested["to"]),
        (&json!("CALL"), &json!(outer))
    );
    let inner = &nested["calls"][0];
    assert_eq!(
        (&inner["to"], &inner["value"]),
        (&json!(log), &json!("0x7"))
    );
    assert_eq!(inner["logs"][0]["topics"], json!([B256::repeat_byte(1)]));
    let reverted = traced(&bed, hashes[2], tracer.clone()).await;
    assert_eq!(
        (&reverted["error"], &reverted["output"]),
        (&json!("execution reverted"), &json!("0xdead"))
    );
    let created = traced(&bed, hashes[0], tracer.clone()).await;
    assert_eq!(created["type"], "CREATE");
    // Whole blocks give the same, transaction by transaction.
    let block = bed
        .ask("debug_traceBlockByNumber", json!(["latest", tracer]))
        .await
        .unwrap();
    assert_eq!(block.as_array().unwrap().len(), 8);
    for one in block.as_array().unwrap() {
        let hash = serde_json::from_value(one["txHash"].clone()).unwrap();
        assert_eq!(one["result"], traced(&bed, hash, tracer.clone()).await);
    }
    let hash = bed.store.durable().unwrap().head().hash;
    let by_hash = bed
        .ask("debug_traceBlockByHash", json!([hash, tracer]))
        .await
        .unwrap();
    assert_eq!(by_hash, block);
}

#[tokio::test]
async fn prestate_and_struct_logs_show_what_changed() {
    let (bed, hashes, [log, ..]) = corpus().await;
    let diff = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
    let changed = traced(&bed, hashes[3], diff).await;
    let (pre, post) = (&changed["pre"], &changed["post"]);
    let who = bed.address(0).to_string().to_lowercase();
    assert_eq!(pre[&who]["nonce"], 7);
    assert_eq!(post[&who]["nonce"], 8);
    assert!(
        post[log.to_string().to_lowercase()]["balance"].is_string(),
        "{changed}"
    );
    let steps = traced(&bed, hashes[3], json!({})).await;
    let ops: Vec<_> = steps["structLogs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["op"].clone())
        .collect();
    assert_eq!(
        ops,
        [
            "PUSH1", "PUSH0", "MSTORE", "PUSH32", "PUSH1", "PUSH0", "LOG1", "STOP"
        ]
    );
    let four = traced(&bed, hashes[1], json!({"tracer": "4byteTracer"})).await;
    assert!(four.is_object());
    let flat = traced(&bed, hashes[1], json!({"tracer": "flatCallTracer"})).await;
    assert_eq!(flat.as_array().unwrap().len(), 2);
    let mux =
        json!({"tracer": "muxTracer", "tracerConfig": {"callTracer": {}, "prestateTracer": {}}});
    let mux = traced(&bed, hashes[1], mux).await;
    assert!(
        mux["callTracer"].is_object() && mux["prestateTracer"].is_object(),
        "{mux}"
    );
    let script = json!([hashes[0], {"tracer": "{ result: function() {} }"}]);
    let error = bed.ask("debug_traceTransaction", script).await.unwrap_err();
    assert_eq!(error["code"], -32602);
    let unknown = bed
        .ask("debug_traceTransaction", json!([B256::ZERO]))
        .await
        .unwrap_err();
    assert_eq!(unknown["message"], "transaction not found");
}

#[tokio::test]
async fn calls_can_be_traced_with_overrides() {
    let (bed, _, [log, ..]) = corpus().await;
    let options = json!({
        "tracer": "callTracer",
        "stateOverrides": {log.to_string(): {"code": Bytes::from(reverter(&[1, 2]))}},
    });
    let trace = bed
        .ask("debug_traceCall", json!([{"to": log}, "latest", options]))
        .await
        .unwrap();
    assert_eq!(trace["error"], "execution reverted");
    let parity = bed
        .ask(
            "trace_call",
            json!([{"to": log}, ["trace", "vmTrace", "stateDiff"]]),
        )
        .await;
    let parity = parity.unwrap();
    assert_eq!(parity["trace"].as_array().unwrap().len(), 1);
    assert!(parity["vmTrace"].is_object() && parity["stateDiff"].is_object());
}

#[tokio::test]
async fn endless_traces_end_in_words() {
    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &[0x5b, 0x5f, 0x56]).await;
    let options = json!({"tracer": "callTracer"});
    let trace = bed.ask(
        "debug_traceCall",
        json!([{"to": contract, "gas": "0x100000"}, "latest", options]),
    );
    assert_eq!(trace.await.unwrap()["error"], "out of gas");
}

#[tokio::test]
async fn parity_traces_follow_the_calls() {
    let (bed, hashes, [log, _, outer, _]) = corpus().await;
    let traces = bed
        .ask("trace_transaction", json!([hashes[1]]))
        .await
        .unwrap();
    let traces = traces.as_array().unwrap();
    assert_eq!(traces.len(), 2);
    assert_eq!(traces[0]["action"]["to"], json!(outer));
    assert_eq!(
        (&traces[1]["action"]["to"], &traces[1]["traceAddress"]),
        (&json!(log), &json!([0]))
    );
    let one = bed
        .ask("trace_get", json!([hashes[1], ["0x0"]]))
        .await
        .unwrap();
    assert_eq!(one, traces[1]);
    let block = bed.ask("trace_block", json!(["latest"])).await.unwrap();
    assert!(block.as_array().unwrap().len() >= 8);
    let filtered = bed
        .ask(
            "trace_filter",
            json!([{"fromBlock": "0x1", "toAddress": [log]}]),
        )
        .await
        .unwrap();
    let filtered = filtered.as_array().unwrap();
    assert!(filtered.len() >= 2, "{filtered:?}");
    for one in filtered {
        let to = if one["type"] == "create" {
            &one["result"]["address"]
        } else {
            &one["action"]["to"]
        };
        assert_eq!(*to, json!(log));
    }
    let replayed = bed
        .ask("trace_replayTransaction", json!([hashes[1], ["trace"]]))
        .await
        .unwrap();
    assert_eq!(replayed["trace"].as_array().unwrap().len(), 2);
    let all = bed.ask(
        "trace_replayBlockTransactions",
        json!(["latest", ["trace", "stateDiff"]]),
    );
    let all = all.await.unwrap();
    assert_eq!(all.as_array().unwrap().len(), 8);
    assert!(all[0]["stateDiff"].is_object());
    assert_eq!(
        bed.ask("trace_block", json!(["0x99"])).await.unwrap(),
        Value::Null
    );
}

#[tokio::test]
async fn explorer_finds_its_way() {
    let (bed, hashes, [log, revert, outer, _]) = corpus().await;
    assert_eq!(bed.ask("ots_getApiLevel", json!([])).await.unwrap(), 8);
    assert_eq!(
        bed.ask("ots_hasCode", json!([log, "latest"]))
            .await
            .unwrap(),
        true
    );
    assert_eq!(
        bed.ask("ots_hasCode", json!([bed.address(1), "latest"]))
            .await
            .unwrap(),
        false
    );
    let operations = bed
        .ask("ots_getInternalOperations", json!([hashes[1]]))
        .await
        .unwrap();
    assert_eq!(operations[0]["from"], json!(outer));
    assert_eq!(operations[0]["to"], json!(log));
    let error = bed
        .ask("ots_getTransactionError", json!([hashes[2]]))
        .await
        .unwrap();
    assert_eq!(error, "0xdead");
    assert_eq!(
        bed.ask("ots_getTransactionError", json!([hashes[1]]))
            .await
            .unwrap(),
        "0x"
    );
    let entries = bed
        .ask("ots_traceTransaction", json!([hashes[1]]))
        .await
        .unwrap();
    assert_eq!(
        (&entries[1]["depth"], &entries[1]["type"]),
        (&json!(1), &json!("CALL"))
    );
    let details = bed
        .ask("ots_getBlockDetails", json!(["latest"]))
        .await
        .unwrap();
    assert_eq!(details["block"]["transactionCount"], 8);
    let page = bed
        .ask("ots_getBlockTransactions", json!(["latest", 0, 3]))
        .await
        .unwrap();
    assert_eq!(
        page["fullblock"]["transactions"].as_array().unwrap().len(),
        3
    );
    assert_eq!(page["receipts"].as_array().unwrap().len(), 3);
    assert_eq!(page["receipts"][2]["transactionHash"], json!(hashes[5]));
    let creator = bed
        .ask("ots_getContractCreator", json!([revert]))
        .await
        .unwrap();
    assert_eq!(creator["creator"], json!(bed.address(0)));
    let found = bed
        .ask(
            "ots_getTransactionBySenderAndNonce",
            json!([bed.address(0), 6]),
        )
        .await;
    assert_eq!(found.unwrap(), json!(hashes[2]));
    let none = bed
        .ask(
            "ots_getTransactionBySenderAndNonce",
            json!([bed.address(0), 99]),
        )
        .await;
    assert_eq!(none.unwrap(), Value::Null);
    let before = bed
        .ask("ots_searchTransactionsBefore", json!([log, 0, 25]))
        .await
        .unwrap();
    assert_eq!(
        (&before["firstPage"], &before["lastPage"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(before["txs"].as_array().unwrap().len(), 4, "{before}");
    let after = bed
        .ask("ots_searchTransactionsAfter", json!([log, 0, 1]))
        .await
        .unwrap();
    assert_eq!(
        (&after["firstPage"], &after["lastPage"]),
        (&json!(false), &json!(true))
    );
}
