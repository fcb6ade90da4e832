//! Calls and estimates.

use alloy::sol_types::{Revert, SolError};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use serde_json::{Value, json};

use super::bed::{Bed, GWEI, START, creation, environment, logger, reverter};

fn words(answer: &Value) -> Vec<U256> {
    let bytes: Bytes = serde_json::from_value(answer.clone()).unwrap();
    bytes.chunks(32).map(U256::from_be_slice).collect()
}

#[tokio::test]
async fn call_sees_the_block_it_names() {
    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &environment()).await;
    bed.clock.advance(10);
    let second = bed.seal().await;
    bed.clock.advance(100);
    let call = |id: &'static str| bed.ask("eth_call", json!([{"to": contract}, id]));
    let latest = words(&call("latest").await.unwrap());
    assert_eq!(latest[..2], [U256::from(2), U256::from(START + 10)]);
    assert_eq!(
        latest[2],
        U256::from(second.header.header.base_fee_per_gas.unwrap())
    );
    assert_eq!(latest[3], U256::ZERO);
    assert_eq!(B256::from(latest[4]), second.header.header.parent_hash);
    let pending = words(&call("pending").await.unwrap());
    assert_eq!(pending[..2], [U256::from(3), U256::from(START + 110)]);
    assert_eq!(B256::from(pending[4]), second.header.hash);
    let first = words(&call("0x1").await.unwrap());
    assert_eq!(first[..2], [U256::from(1), U256::from(START)]);
    let overrides = json!([{"to": contract}, "latest", {}, {"number": "0x99", "time": "0x7"}]);
    let overridden = words(&bed.ask("eth_call", overrides).await.unwrap());
    assert_eq!(overridden[..2], [U256::from(0x99), U256::from(7)]);
}

#[tokio::test]
async fn call_applies_state_overrides() {
    let bed = Bed::new().await;
    let target = Address::repeat_byte(0x42);
    // SLOAD(0), SELFBALANCE
    let code = Bytes::from_static(&[
        0x5f, 0x54, 0x5f, 0x52, 0x47, 0x60, 32, 0x52, 0x60, 64, 0x5f, 0xf3,
    ]);
    let slot = |value| json!({B256::ZERO.to_string(): B256::with_last_byte(value)});
    let call = |account: Value| {
        bed.ask(
            "eth_call",
            json!([{"to": target}, "latest", {target.to_string(): account}]),
        )
    };
    let with_diff = call(json!({"code": code, "stateDiff": slot(9), "balance": "0x5"}))
        .await
        .unwrap();
    assert_eq!(words(&with_diff), [U256::from(9), U256::from(5)]);
    let with_state = call(json!({"code": code, "state": slot(8)})).await.unwrap();
    assert_eq!(words(&with_state), [U256::from(8), U256::ZERO]);
    let both = call(json!({"state": slot(1), "stateDiff": slot(1)}))
        .await
        .unwrap_err();
    assert_eq!(both["code"], -32602);
}

#[tokio::test]
async fn revert_has_code_3_reason_and_data() {
    let bed = Bed::new().await;
    let reason = Revert::from("out of luck").abi_encode();
    let with_reason = bed.deploy(0, 0, &reverter(&reason)).await;
    let with_error = bed.deploy(0, 1, &reverter(&[0xde, 0xad, 0xbe, 0xef])).await;
    let empty = bed.deploy(0, 2, &reverter(&[])).await;
    for method in ["eth_call", "eth_estimateGas"] {
        let refused = |to: Address| bed.ask(method, json!([{"to": to}]));
        let error = refused(with_reason).await.unwrap_err();
        assert_eq!(error["code"], 3);
        assert_eq!(error["message"], "execution reverted: out of luck");
        assert_eq!(error["data"], json!(Bytes::from(reason.clone())));
        let error = refused(with_error).await.unwrap_err();
        assert_eq!(
            error,
            json!({"code": 3, "message": "execution reverted", "data": "0xdeadbeef"})
        );
        let error = refused(empty).await.unwrap_err();
        assert_eq!(
            error,
            json!({"code": 3, "message": "execution reverted", "data": "0x"})
        );
    }
}

#[tokio::test]
async fn transfer_is_estimated_exactly() {
    let bed = Bed::new().await;
    let to = Address::repeat_byte(1);
    let request = json!({"from": bed.address(0), "to": to, "value": "0x1"});
    assert_eq!(
        bed.ask("eth_estimateGas", json!([request])).await.unwrap(),
        "0x5208"
    );
    let poor = json!({"from": Address::repeat_byte(9), "to": to, "value": "0x1"});
    let error = bed.ask("eth_estimateGas", json!([poor])).await.unwrap_err();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("insufficient funds for gas * price + value"),
        "{message}"
    );
}

#[tokio::test]
async fn estimate_is_enough_and_barely_more() {
    let bed = Bed::new().await;
    let input = creation(&logger(B256::repeat_byte(1)));
    let request = json!({"from": bed.address(0), "data": input});
    let gas = bed.ask("eth_estimateGas", json!([request])).await.unwrap();
    let gas_limit = u64::from_str_radix(&gas.as_str().unwrap()[2..], 16).unwrap();
    let tx = TxEip1559 {
        gas_limit,
        to: TxKind::Create,
        input,
        ..TxEip1559::default()
    };
    let hash = bed.send(bed.sign(0, tx)).await;
    bed.seal().await;
    let receipt = bed
        .ask("eth_getTransactionReceipt", json!([hash]))
        .await
        .unwrap();
    assert_eq!(receipt["status"], "0x1");
    let used = u64::from_str_radix(&receipt["gasUsed"].as_str().unwrap()[2..], 16).unwrap();
    assert!(gas_limit < used + used / 50, "{gas_limit} for {used}");
}

#[tokio::test]
async fn estimate_runs_in_the_block_to_come() {
    let bed = Bed::new().await;
    // Reverts before START + 50: TIMESTAMP; PUSH5; GT (threshold > time); PUSH1 dest; JUMPI; STOP; JUMPDEST; REVERT
    let threshold = (START + 50).to_be_bytes();
    let mut code = vec![0x42, 0x64];
    code.extend(&threshold[3..]);
    code.extend([0x11, 0x60, 12, 0x57, 0x00, 0x5b, 0x5b, 0x5f, 0x5f, 0xfd]);
    let contract = bed.deploy(0, 0, &code).await;
    let estimate = || bed.ask("eth_estimateGas", json!([{"to": contract}]));
    assert_eq!(estimate().await.unwrap_err()["code"], 3);
    bed.clock.advance(60);
    estimate().await.unwrap();
}

#[tokio::test]
async fn price_given_is_checked_price_absent_is_not() {
    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &environment()).await;
    let call = |request: Value| bed.ask("eth_call", json!([request]));
    let nobody = Address::repeat_byte(0x31);
    call(json!({"from": nobody, "to": contract})).await.unwrap();
    let low = call(json!({"to": contract, "from": bed.address(0), "maxFeePerGas": "0x1"})).await;
    assert_eq!(
        low.unwrap_err()["message"],
        "max fee per gas less than block base fee"
    );
    let priced =
        json!({"to": contract, "from": bed.address(0), "gasPrice": format!("{:#x}", 3 * GWEI)});
    assert_eq!(words(&call(priced).await.unwrap())[3], U256::from(3 * GWEI));
    let broke = json!({"to": contract, "from": nobody, "value": "0x1", "gasPrice": "0x77359400"});
    let error = call(broke).await.unwrap_err();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("insufficient funds"),
        "{error}"
    );
    let both = json!({"to": contract, "gasPrice": "0x1", "maxFeePerGas": "0x1"});
    assert_eq!(call(both).await.unwrap_err()["code"], -32602);
}

#[tokio::test]
async fn gas_beyond_the_allowance_is_refused_in_words() {
    let bed = Bed::new().await;
    // An endless loop: JUMPDEST; PUSH0; JUMP
    let contract = bed.deploy(0, 0, &[0x5b, 0x5f, 0x56]).await;
    let error = bed
        .ask("eth_estimateGas", json!([{"to": contract}]))
        .await
        .unwrap_err();
    assert_eq!(
        error["message"],
        "gas required exceeds allowance (16777216)"
    );
    let error = bed
        .ask("eth_call", json!([{"to": contract}]))
        .await
        .unwrap_err();
    assert_eq!(error["code"], -32000);
    assert!(
        error["message"].as_str().unwrap().starts_with("out of gas"),
        "{error}"
    );
}

#[tokio::test]
async fn access_list_names_what_is_touched() {
    let bed = Bed::new().await;
    // SLOAD(5), then BALANCE(0x99..)
    let mut code = vec![0x60, 5, 0x54, 0x73];
    code.extend([0x99; 20]);
    code.extend([0x31, 0x00]);
    let contract = bed.deploy(0, 0, &code).await;
    let request = json!({"from": bed.address(0), "to": contract});
    let answer = bed
        .ask("eth_createAccessList", json!([request]))
        .await
        .unwrap();
    let list = answer["accessList"].as_array().unwrap();
    assert_eq!(list.len(), 2, "{answer}");
    let slots = list
        .iter()
        .find(|item| item["address"] == json!(contract))
        .unwrap();
    assert_eq!(slots["storageKeys"], json!([B256::with_last_byte(5)]));
}
