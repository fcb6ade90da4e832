//! What wallets do: look around, send, wait, read.

use alloy::providers::Provider;
use alloy::signers::SignerSync;
use alloy_consensus::{
    BlockHeader, TxEip1559, TxEip2930, TxEip7702, TxLegacy, transaction::SignerRecoverable,
};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use serde_json::{Value, json};
use trestle_protocol::Deposit;

use super::bed::{Bed, CHAIN_ID, ETHER, GWEI, logger};

#[tokio::test]
async fn chain_is_named_as_wallets_ask() {
    let bed = Bed::new().await;
    assert_eq!(bed.ask("eth_chainId", json!([])).await.unwrap(), "0x1bcd");
    assert_eq!(bed.ask("net_version", json!([])).await.unwrap(), "7117");
    assert_eq!(bed.ask("eth_accounts", json!([])).await.unwrap(), json!([]));
    assert_eq!(bed.ask("eth_syncing", json!([])).await.unwrap(), false);
    assert_eq!(bed.ask("eth_blockNumber", json!([])).await.unwrap(), "0x0");
    let version = bed.ask("web3_clientVersion", json!([])).await.unwrap();
    assert!(
        version.as_str().unwrap().starts_with("trestle/v"),
        "{version}"
    );
    // Absent parameters are an empty list.
    let answer = bed
        .post(r#"{"jsonrpc":"2.0","id":"a","method":"eth_chainId"}"#)
        .await;
    assert_eq!(
        answer,
        json!({"jsonrpc": "2.0", "id": "a", "result": "0x1bcd"})
    );
}

#[tokio::test]
async fn transfer_is_pending_then_mined() {
    let bed = Bed::new().await;
    let hash = bed.send(bed.transfer(0, 0, 7)).await;
    let waiting = bed
        .ask("eth_getTransactionByHash", json!([hash]))
        .await
        .unwrap();
    assert_eq!(waiting["blockNumber"], Value::Null);
    assert_eq!(waiting["from"], json!(bed.address(0)));
    assert_eq!(
        bed.ask("eth_getTransactionReceipt", json!([hash]))
            .await
            .unwrap(),
        Value::Null
    );
    let count = |tag| bed.ask("eth_getTransactionCount", json!([bed.address(0), tag]));
    assert_eq!(count("pending").await.unwrap(), "0x1");
    assert_eq!(count("latest").await.unwrap(), "0x0");
    let block = bed.seal().await;
    assert_eq!(count("latest").await.unwrap(), "0x1");
    let receipt = bed
        .provider
        .get_transaction_receipt(hash)
        .await
        .unwrap()
        .unwrap();
    assert!(receipt.status());
    assert_eq!(receipt.block_hash, Some(block.header.hash));
    assert_eq!(
        (receipt.gas_used, receipt.effective_gas_price),
        (21_000, GWEI)
    );
    let mined = bed
        .provider
        .get_transaction_by_hash(hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(mined.block_number, Some(1));
    assert_eq!(mined.effective_gas_price, Some(GWEI));
    let to = Address::repeat_byte(0xaa);
    assert_eq!(bed.provider.get_balance(to).await.unwrap(), U256::from(7));
    assert_eq!(
        bed.provider
            .get_balance(to)
            .block_id(0.into())
            .await
            .unwrap(),
        U256::ZERO
    );
}

#[tokio::test]
async fn hundred_unawaited_transactions_in_one_batch_are_all_mined() {
    let bed = Bed::new().await;
    // Nonces in reverse: the order of arrival does not matter.
    let requests: Vec<Value> = (0..100)
        .rev()
        .map(|nonce| {
            let params = json!([bed.transfer(0, nonce, 1)]);
            json!({"jsonrpc": "2.0", "id": nonce, "method": "eth_sendRawTransaction", "params": params})
        })
        .collect();
    let answers = bed.post(&json!(requests).to_string()).await;
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 100);
    for (answer, nonce) in answers.iter().zip((0..100).rev()) {
        assert_eq!(answer["id"], nonce);
        assert!(answer["result"].is_string(), "{answer}");
    }
    let block = bed.seal().await;
    assert_eq!(block.body.transactions.len(), 100);
    let receipts = bed
        .ask("eth_getBlockReceipts", json!(["latest"]))
        .await
        .unwrap();
    let receipts = receipts.as_array().unwrap();
    assert_eq!(receipts.len(), 100);
    assert_eq!(receipts[99]["cumulativeGasUsed"], json!("0x200b20"));
    for (index, receipt) in receipts.iter().enumerate() {
        let hash = &receipt["transactionHash"];
        let single = bed
            .ask("eth_getTransactionReceipt", json!([hash]))
            .await
            .unwrap();
        assert_eq!(single, *receipt);
        assert_eq!(receipt["transactionIndex"], format!("{index:#x}"));
    }
}

#[tokio::test]
async fn blocks_have_every_field_and_hash_to_their_hash() {
    let bed = Bed::new().await;
    bed.send(bed.transfer(0, 0, 1)).await;
    let sealed = bed.seal().await;
    for id in ["latest", "pending", "0x1"] {
        let block = bed
            .ask("eth_getBlockByNumber", json!([id, false]))
            .await
            .unwrap();
        assert_eq!(block["hash"], json!(sealed.header.hash), "{id}");
    }
    let block = bed
        .provider
        .get_block_by_hash(sealed.header.hash)
        .full()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(block.header.hash_slow(), sealed.header.hash);
    assert_eq!(block.header.base_fee_per_gas(), Some(1_000_000_000));
    assert_eq!(block.transactions.len(), 1);
    let raw = bed
        .ask("eth_getBlockByNumber", json!(["latest", true]))
        .await
        .unwrap();
    for field in [
        "size",
        "uncles",
        "withdrawals",
        "mixHash",
        "nonce",
        "difficulty",
        "requestsHash",
    ] {
        assert!(!raw[field].is_null(), "{field} is missing");
    }
    let unknown = json!([B256::repeat_byte(9), false]);
    assert_eq!(
        bed.ask("eth_getBlockByHash", unknown).await.unwrap(),
        Value::Null
    );
    assert_eq!(
        bed.ask("eth_getBlockByNumber", json!(["0x99", false]))
            .await
            .unwrap(),
        Value::Null
    );
    for tag in ["safe", "finalized", "earliest"] {
        let block = bed
            .ask("eth_getBlockByNumber", json!([tag, false]))
            .await
            .unwrap();
        assert_eq!(block["number"], "0x0", "{tag}");
    }
    assert_eq!(
        bed.ask("eth_getUncleCountByBlockNumber", json!(["0x1"]))
            .await
            .unwrap(),
        "0x0"
    );
}

#[tokio::test]
async fn every_type_of_transaction_is_shown_with_its_signature() {
    let bed = Bed::new().await;
    let to = TxKind::Call(Address::repeat_byte(3));
    let legacy = TxLegacy {
        gas_limit: 21_000,
        gas_price: 2 * GWEI,
        to,
        ..TxLegacy::default()
    };
    let protected = TxLegacy {
        nonce: 1,
        chain_id: Some(CHAIN_ID),
        ..legacy.clone()
    };
    let listed = TxEip2930 {
        chain_id: CHAIN_ID,
        nonce: 2,
        gas_limit: 30_000,
        gas_price: 2 * GWEI,
        to,
        ..TxEip2930::default()
    };
    let delegate = Address::repeat_byte(0x77);
    let authorization = Authorization {
        chain_id: U256::from(CHAIN_ID),
        address: delegate,
        nonce: 0,
    };
    let signature = bed.keys[1]
        .sign_hash_sync(&authorization.signature_hash())
        .unwrap();
    let set_code = TxEip7702 {
        chain_id: CHAIN_ID,
        nonce: 3,
        gas_limit: 100_000,
        max_fee_per_gas: 2 * GWEI,
        to: bed.address(1),
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    };
    let hashes = [
        bed.send(bed.sign_any(0, legacy)).await,
        bed.send(bed.sign_any(0, protected)).await,
        bed.send(bed.sign_any(0, listed)).await,
        bed.send(bed.sign_any(0, set_code)).await,
    ];
    bed.seal().await;
    for (hash, (kind, chain_id)) in
        hashes
            .iter()
            .zip([("0x0", false), ("0x0", true), ("0x1", true), ("0x4", true)])
    {
        let shown = bed
            .ask("eth_getTransactionByHash", json!([hash]))
            .await
            .unwrap();
        assert_eq!(shown["type"], kind);
        assert_eq!(shown["chainId"].is_string(), chain_id, "{shown}");
        assert_eq!(shown["yParity"].is_string(), kind != "0x0");
        // The strict type recovers the signer from what is shown.
        let typed = bed
            .provider
            .get_transaction_by_hash(*hash)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            typed.inner.inner().recover_signer().unwrap(),
            bed.address(0)
        );
        let receipt = bed
            .provider
            .get_transaction_receipt(*hash)
            .await
            .unwrap()
            .unwrap();
        assert!(receipt.status());
    }
    let code = bed
        .ask("eth_getCode", json!([bed.address(1), "latest"]))
        .await
        .unwrap();
    assert_eq!(code, "0xef01007777777777777777777777777777777777777777");
}

#[tokio::test]
async fn deposit_is_shown_as_the_op_stack_shows_it() {
    let bed = Bed::new().await;
    let from = Address::repeat_byte(0xd0);
    let deposit = bed.deposit(Deposit {
        from,
        to: Some(Address::repeat_byte(0xd1)),
        mint: ETHER,
        value: U256::from(5),
        gas_limit: 100_000,
        data: Bytes::new(),
    });
    let block = bed.seal_with(&[deposit]).await;
    let hash = block.body.transactions[0].tx_hash();
    let shown = bed
        .ask("eth_getTransactionByHash", json!([hash]))
        .await
        .unwrap();
    assert_eq!(shown["type"], "0x7e");
    for (field, value) in [
        ("v", "0x0"),
        ("r", "0x0"),
        ("s", "0x0"),
        ("gasPrice", "0x0"),
        ("nonce", "0x0"),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["mint"], json!(ETHER));
    assert_eq!(shown["from"], json!(from));
    assert!(shown["sourceHash"].is_string());
    let receipt = bed
        .ask("eth_getTransactionReceipt", json!([hash]))
        .await
        .unwrap();
    assert_eq!(receipt["type"], "0x7e");
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["depositNonce"], "0x0");
    assert_eq!(receipt["depositReceiptVersion"], "0x1");
    assert_eq!(receipt["effectiveGasPrice"], "0x0");
    let balance = bed
        .provider
        .get_balance(Address::repeat_byte(0xd1))
        .await
        .unwrap();
    assert_eq!(balance, U256::from(5));
}

#[tokio::test]
async fn fees_follow_the_protocol() {
    let bed = Bed::new().await;
    let price = bed.ask("eth_gasPrice", json!([])).await.unwrap();
    assert_eq!(price, json!(U256::from(1_142_857_143)));
    assert_eq!(
        bed.ask("eth_maxPriorityFeePerGas", json!([]))
            .await
            .unwrap(),
        "0x0"
    );
    assert_eq!(bed.ask("eth_blobBaseFee", json!([])).await.unwrap(), "0x1");
    for nonce in 0..3 {
        let tip = TxEip1559 {
            max_priority_fee_per_gas: GWEI,
            nonce,
            to: TxKind::Call(Address::ZERO),
            ..TxEip1559::default()
        };
        bed.send(bed.sign(0, tip)).await;
        bed.seal().await;
    }
    let history = bed
        .ask("eth_feeHistory", json!([2, "latest", [0, 50, 100]]))
        .await
        .unwrap();
    assert_eq!(history["oldestBlock"], "0x2");
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 3);
    assert_eq!(history["baseFeePerBlobGas"], json!(["0x1", "0x1", "0x1"]));
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 2);
    assert_eq!(
        history["reward"][0],
        json!(["0x3b9aca00", "0x3b9aca00", "0x3b9aca00"])
    );
    let hex = bed
        .ask("eth_feeHistory", json!(["0x400", "latest", []]))
        .await
        .unwrap();
    assert_eq!(hex["baseFeePerGas"].as_array().unwrap().len(), 5);
    // The fee of the next block falls with time, so what is announced does too.
    let before = bed.ask("eth_baseFee", json!([])).await.unwrap();
    bed.clock.advance(60);
    let after = bed.ask("eth_baseFee", json!([])).await.unwrap();
    assert!(before != after && after == "0x3b9aca00", "{before} {after}");
    let next = bed
        .ask("eth_feeHistory", json!(["0x1", "latest"]))
        .await
        .unwrap();
    assert_eq!(next["baseFeePerGas"][1], "0x3b9aca00");
    assert!(next.get("reward").is_none());
}

#[tokio::test]
async fn storage_and_code_are_served_at_numbered_blocks() {
    let bed = Bed::new().await;
    // SSTORE(0, NUMBER)
    let contract = bed.deploy(0, 0, &[0x43, 0x5f, 0x55, 0x00]).await;
    for nonce in 1..4 {
        let to = TxKind::Call(contract);
        bed.send(bed.sign(
            0,
            TxEip1559 {
                nonce,
                to,
                ..TxEip1559::default()
            },
        ))
        .await;
        bed.seal().await;
    }
    for (block, value) in [
        ("0x1", 0),
        ("0x2", 2),
        ("0x3", 3),
        ("0x4", 4),
        ("latest", 4),
    ] {
        let slot = bed
            .ask("eth_getStorageAt", json!([contract, "0x0", block]))
            .await
            .unwrap();
        assert_eq!(slot, json!(B256::with_last_byte(value)), "{block}");
    }
    let by_hash = json!([contract, {"blockNumber": "0x0"}]);
    assert_eq!(bed.ask("eth_getCode", by_hash).await.unwrap(), "0x");
    let block = bed.store.durable().unwrap().header(2).unwrap().unwrap();
    let id = json!({"blockHash": block.hash, "requireCanonical": true});
    let slot = bed
        .ask("eth_getStorageAt", json!([contract, "0x0", id]))
        .await
        .unwrap();
    assert_eq!(slot, json!(B256::with_last_byte(2)));
}

#[tokio::test]
async fn proofs_verify_at_recent_and_folded_blocks() {
    use trestle_protocol::trie::{verify_account_proof, verify_storage_proof};

    let bed = Bed::new().await;
    let contract = bed.deploy(0, 0, &[0x43, 0x5f, 0x55, 0x00]).await;
    for nonce in 1..5 {
        let to = TxKind::Call(contract);
        bed.send(bed.sign(
            0,
            TxEip1559 {
                nonce,
                to,
                ..TxEip1559::default()
            },
        ))
        .await;
        bed.seal().await;
        if nonce == 3 {
            bed.store.fold().unwrap();
        }
    }
    for number in 1..=5_u64 {
        let header = bed
            .store
            .durable()
            .unwrap()
            .header(number)
            .unwrap()
            .unwrap();
        let slots = vec![B256::ZERO, B256::with_last_byte(1)];
        let proof = bed
            .provider
            .get_proof(contract, slots)
            .number(number)
            .await
            .unwrap();
        let root = header.header.state_root;
        let account = verify_account_proof(root, contract, &proof.account_proof)
            .unwrap()
            .unwrap();
        assert_eq!(account.storage_root, proof.storage_hash);
        for (slot, shown) in [0_u64, 1].into_iter().zip(&proof.storage_proof) {
            let value =
                verify_storage_proof(proof.storage_hash, U256::from(slot), &shown.proof).unwrap();
            assert_eq!(value, shown.value);
            let expected = if slot == 0 && number > 1 { number } else { 0 };
            assert_eq!(value, U256::from(expected), "block {number} slot {slot}");
        }
    }
    let absent = Address::repeat_byte(0x99);
    let proof = bed.provider.get_proof(absent, vec![]).await.unwrap();
    let root = bed
        .store
        .durable()
        .unwrap()
        .header(5)
        .unwrap()
        .unwrap()
        .header
        .state_root;
    assert_eq!(
        verify_account_proof(root, absent, &proof.account_proof).unwrap(),
        None
    );
    assert_eq!(proof.code_hash, keccak256([]));
}

#[tokio::test]
async fn logs_are_numbered_through_the_block_and_found_by_topic() {
    let bed = Bed::new().await;
    let (first, second) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let one = bed.deploy(0, 0, &logger(first)).await;
    let two = bed.deploy(0, 1, &logger(second)).await;
    for (nonce, to) in [(2, one), (3, two), (4, one)] {
        let to = TxKind::Call(to);
        bed.send(bed.sign(
            0,
            TxEip1559 {
                nonce,
                to,
                ..TxEip1559::default()
            },
        ))
        .await;
    }
    let block = bed.seal().await;
    let logs = |filter: Value| bed.ask("eth_getLogs", json!([filter]));
    let all = logs(json!({"fromBlock": "0x0"})).await.unwrap();
    let indexes: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|log| log["logIndex"].clone())
        .collect();
    assert_eq!(indexes, ["0x0", "0x1", "0x2"]);
    assert_eq!(
        all[0]["blockTimestamp"],
        format!("{:#x}", block.header.header.timestamp)
    );
    let found = |filter: Value| async { logs(filter).await.unwrap().as_array().unwrap().len() };
    assert_eq!(found(json!({"fromBlock": "0x0", "address": one})).await, 2);
    assert_eq!(found(json!({"address": [one, two]})).await, 3);
    assert_eq!(found(json!({"topics": [second]})).await, 1);
    assert_eq!(found(json!({"topics": [[first, second]]})).await, 3);
    assert_eq!(found(json!({"topics": [null]})).await, 3);
    assert_eq!(found(json!({"topics": [first, second]})).await, 0);
    assert_eq!(
        found(json!({"blockHash": block.header.hash, "topics": [first]})).await,
        2
    );
    assert_eq!(
        found(json!({"fromBlock": "0x1", "toBlock": "0x2"})).await,
        0
    );
}
