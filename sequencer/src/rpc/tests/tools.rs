//! What tools ask beside the wallets' methods.

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_rlp::Decodable;
use op_alloy_consensus::OpTxEnvelope;
use serde_json::{Value, json};

use super::bed::{Bed, GWEI, environment, logger, reverter};

#[tokio::test]
async fn pool_is_listed_by_sender_and_nonce() {
    let bed = Bed::new().await;
    for nonce in [0, 1, 5] {
        bed.send(bed.transfer(0, nonce, 1)).await;
    }
    let status = bed.ask("txpool_status", json!([])).await.unwrap();
    assert_eq!(status, json!({"pending": "0x2", "queued": "0x1"}));
    let content = bed.ask("txpool_content", json!([])).await.unwrap();
    let who = bed.address(0).to_string().to_lowercase();
    assert_eq!(content["pending"][&who]["1"]["nonce"], "0x1", "{content}");
    assert_eq!(content["queued"][&who]["5"]["blockHash"], Value::Null);
    let from = bed
        .ask("txpool_contentFrom", json!([bed.address(0)]))
        .await
        .unwrap();
    assert_eq!(from["pending"], content["pending"][&who]);
    let inspect = bed.ask("txpool_inspect", json!([])).await.unwrap();
    assert!(
        inspect["queued"][&who]["5"]
            .as_str()
            .unwrap()
            .contains("21000 gas"),
        "{inspect}"
    );
}

#[tokio::test]
async fn raw_encodings_hash_to_what_they_are() {
    let bed = Bed::new().await;
    let sent = bed.transfer(0, 0, 1);
    let hash = bed.send(sent.clone()).await;
    let sealed = bed.seal().await;
    let bed = &bed;
    let raw = |method: &'static str, id: Value| async move {
        let answer = bed.ask(method, json!([id])).await.unwrap();
        serde_json::from_value::<Bytes>(answer).unwrap()
    };
    assert_eq!(
        keccak256(raw("debug_getRawHeader", json!("latest")).await),
        sealed.header.hash
    );
    assert_eq!(raw("debug_getRawTransaction", json!(hash)).await, sent);
    let block = raw("debug_getRawBlock", json!("latest")).await;
    let decoded = alloy_consensus::Block::<OpTxEnvelope>::decode(&mut block.as_ref()).unwrap();
    assert_eq!(decoded.header.hash_slow(), sealed.header.hash);
    assert_eq!(decoded.body.transactions.len(), 1);
    let size = bed
        .ask("eth_getBlockByNumber", json!(["latest", false]))
        .await
        .unwrap();
    assert_eq!(size["size"], format!("{:#x}", block.len()));
    let receipts = bed
        .ask("debug_getRawReceipts", json!(["latest"]))
        .await
        .unwrap();
    assert_eq!(receipts.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn transaction_is_filled_so_that_it_can_be_signed() {
    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &logger(B256::repeat_byte(1))).await;
    let request = json!({"from": bed.address(0), "to": contract});
    let filled = bed
        .ask("eth_fillTransaction", json!([request]))
        .await
        .unwrap();
    let tx = &filled["tx"];
    assert_eq!(
        (&tx["type"], &tx["nonce"], &tx["chainId"]),
        (&json!("0x2"), &json!("0x1"), &json!("0x1bcd"))
    );
    let gas: u64 = u64::from_str_radix(&tx["gas"].as_str().unwrap()[2..], 16).unwrap();
    assert!((21_000..40_000).contains(&gas), "{gas}");
    let legacy = json!({"from": bed.address(0), "to": contract, "gasPrice": "0x77359400"});
    let filled = bed
        .ask("eth_fillTransaction", json!([legacy]))
        .await
        .unwrap();
    assert_eq!(filled["tx"]["type"], "0x0");
}

#[tokio::test]
async fn receipt_comes_with_the_submission() {
    let bed = Bed::new().await;
    let encoded = bed.transfer(0, 0, 1);
    let send = bed.ask("eth_sendRawTransactionSync", json!([encoded]));
    let seal = async {
        while bed.pool.is_empty() {
            tokio::task::yield_now().await;
        }
        bed.seal().await
    };
    let (receipt, block) = tokio::join!(send, seal);
    assert_eq!(receipt.unwrap()["blockHash"], json!(block.header.hash));
    let gap = bed
        .ask("eth_sendRawTransactionSync", json!([bed.transfer(0, 7, 1)]))
        .await;
    let gap = gap.unwrap_err();
    assert_eq!((&gap["code"], &gap["data"]), (&json!(6), &json!("0x1")));
    assert!(bed.pool.is_empty(), "it was not taken");
    let late = bed
        .ask(
            "eth_sendRawTransactionSync",
            json!([bed.transfer(0, 1, 1), 1]),
        )
        .await;
    let late = late.unwrap_err();
    assert_eq!(late["code"], 4);
    assert!(late["data"].is_string());
}

#[tokio::test]
async fn many_slots_are_read_at_once() {
    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &[0x43, 0x5f, 0x55, 0x00]).await;
    let to = TxKind::Call(contract);
    bed.send(bed.sign(
        0,
        TxEip1559 {
            nonce: 1,
            to,
            ..TxEip1559::default()
        },
    ))
    .await;
    bed.seal().await;
    let wanted = json!({contract.to_string(): ["0x0", "0x1"]});
    let values = bed
        .ask("eth_getStorageValues", json!([wanted, "latest"]))
        .await
        .unwrap();
    let key = contract.to_string().to_lowercase();
    assert_eq!(values[key], json!([B256::with_last_byte(2), B256::ZERO]));
}

#[tokio::test]
async fn node_says_what_it_can() {
    let bed = Bed::new().await;
    let config = bed.ask("eth_config", json!([])).await.unwrap();
    assert_eq!(config["current"]["chainId"], "0x1bcd");
    assert_eq!(
        config["current"]["precompiles"]["P256VERIFY"],
        json!(Address::left_padding_from(&[1, 0]))
    );
    let capabilities = bed.ask("eth_capabilities", json!([])).await.unwrap();
    assert_eq!(
        capabilities["state"],
        json!({"disabled": false, "oldestBlock": "0x0"})
    );
    let modules = bed.ask("rpc_modules", json!([])).await.unwrap();
    assert_eq!(modules["trestle"], "1.0");
}

#[tokio::test]
async fn simulated_calls_build_on_each_other() {
    let bed = Bed::new().await;
    let counter = Address::repeat_byte(0x42);
    // SSTORE(0, SLOAD(0) + 1); return SLOAD(0)
    let code = Bytes::from_static(&[
        0x5f, 0x54, 0x60, 1, 0x01, 0x80, 0x5f, 0x55, 0x5f, 0x52, 0x60, 32, 0x5f, 0xf3,
    ]);
    let call = json!({"from": bed.address(0), "to": counter});
    let payload = json!({"blockStateCalls": [
        {"stateOverrides": {counter.to_string(): {"code": code}}, "calls": [call, call]},
        {"blockOverrides": {"number": "0x5", "time": "0x77777777"}, "calls": [call]},
    ]});
    let blocks = bed
        .ask("eth_simulateV1", json!([payload, "latest"]))
        .await
        .unwrap();
    let blocks = blocks.as_array().unwrap();
    // Blocks 2 to 4 are filled in.
    let numbers: Vec<_> = blocks.iter().map(|block| block["number"].clone()).collect();
    assert_eq!(numbers, ["0x1", "0x2", "0x3", "0x4", "0x5"]);
    let data = |block: usize, call: usize| blocks[block]["calls"][call]["returnData"].clone();
    assert_eq!(data(0, 0), json!(B256::with_last_byte(1)));
    assert_eq!(data(0, 1), json!(B256::with_last_byte(2)));
    assert_eq!(data(4, 0), json!(B256::with_last_byte(3)));
    assert_eq!(blocks[4]["timestamp"], "0x77777777");
    assert_eq!(blocks[1]["parentHash"], blocks[0]["hash"]);
    assert_eq!(blocks[0]["transactions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn simulation_reports_failures_with_their_codes() {
    let bed = Bed::new().await;
    let target = Address::repeat_byte(0x42);
    let one = |account: Value, call: Value, validation: bool| {
        let payload = json!({
            "blockStateCalls": [{"stateOverrides": {target.to_string(): account}, "calls": [call]}],
            "validation": validation,
            "traceTransfers": true,
            "returnFullTransactions": true,
        });
        bed.ask("eth_simulateV1", json!([payload]))
    };
    let reverting = json!({"code": Bytes::from(reverter(&[]))});
    let blocks = one(reverting, json!({"to": target}), false).await.unwrap();
    let call = &blocks[0]["calls"][0];
    assert_eq!(
        (&call["status"], &call["error"]["code"]),
        (&json!("0x0"), &json!(3)),
        "{call}"
    );
    let looping = json!({"code": "0x5b5f56"});
    let blocks = one(looping, json!({"to": target, "gas": "0x10000"}), false)
        .await
        .unwrap();
    assert_eq!(blocks[0]["calls"][0]["error"]["code"], -32015);
    let rich = json!({"balance": "0x10"});
    let transfer = json!({"from": target, "to": Address::ZERO, "value": "0x3"});
    let blocks = one(rich.clone(), transfer, false).await.unwrap();
    let log = &blocks[0]["calls"][0]["logs"][0];
    assert_eq!(
        log["address"], "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
        "{blocks}"
    );
    assert_eq!(blocks[0]["transactions"][0]["from"], json!(target));
    let fee = format!("{:#x}", 2 * GWEI);
    for (call, code) in [
        (
            json!({"from": target, "nonce": "0x9", "maxFeePerGas": fee}),
            -38011,
        ),
        (json!({"from": target, "to": target}), -38012),
        (
            json!({"from": target, "to": target, "gas": "0x5208", "maxFeePerGas": fee}),
            -38014,
        ),
        (json!({"from": target, "gas": "0x99999999"}), -38015),
        (
            json!({"from": target, "to": target, "gas": "0x5", "maxFeePerGas": fee}),
            -38013,
        ),
    ] {
        let error = one(rich.clone(), call.clone(), true).await.unwrap_err();
        assert_eq!(error["code"], code, "{call} {error}");
    }
    let backward = json!({"blockStateCalls": [
        {"blockOverrides": {"number": "0x5"}}, {"blockOverrides": {"number": "0x4"}}]});
    let error = bed
        .ask("eth_simulateV1", json!([backward]))
        .await
        .unwrap_err();
    assert_eq!(error["code"], -38020);
    let many = json!({"blockStateCalls": [{"blockOverrides": {"number": "0x9999"}}]});
    assert_eq!(
        bed.ask("eth_simulateV1", json!([many])).await.unwrap_err()["code"],
        -38026
    );
}

#[tokio::test]
async fn validated_simulation_pays_fees() {
    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &environment()).await;
    let call = json!({
        "from": bed.address(0), "to": contract,
        "maxFeePerGas": format!("{:#x}", 3 * GWEI), "gas": "0x30000",
    });
    let payload = json!({"blockStateCalls": [{"calls": [call]}], "validation": true});
    let blocks = bed.ask("eth_simulateV1", json!([payload])).await.unwrap();
    let output: Bytes =
        serde_json::from_value(blocks[0]["calls"][0]["returnData"].clone()).unwrap();
    let base_fee = U256::from_be_slice(&output[64..96]);
    assert!(base_fee >= U256::from(GWEI), "{base_fee}");
    assert_eq!(blocks[0]["baseFeePerGas"], json!(base_fee));
    let hash: B256 = serde_json::from_value(blocks[0]["transactions"][0].clone()).unwrap();
    assert!(!hash.is_zero());
}
